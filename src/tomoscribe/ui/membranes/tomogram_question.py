"""Asks, in the dock, which tomogram a membrane lies in when its file does not find it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog, QFrame, QVBoxLayout, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.connections import connect
from tomoscribe.ui.widgets import button, hint, row

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session


class TomogramQuestion(QFrame):
    """A sentence, a button for the tomogram that is shown, and one to choose another."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._opener = session.surfaces.opener
        self.setFrameShape(QFrame.Shape.StyledPanel)
        self.text = hint()
        self.shown = button("", "The answer is remembered for files beside it", self.use_shown)
        self.choose = button("Choose…", "Find the tomogram's file", self.ask_file)
        self.leave = button("Leave out", "Do not open these membranes", self._opener.forget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(style.SPACING,) * 4)
        layout.setSpacing(style.SPACING)
        layout.addWidget(self.text)
        layout.addLayout(row(self.shown, self.choose, self.leave, stretch=0))
        connect(self, self._opener.asked, self.refresh)
        connect(self, session.current_changed, self.refresh)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show what is asked, or nothing."""
        current = self._session.current
        self.setVisible(self._opener.asking is not None)
        self.text.setText(self._opener.why)
        self.shown.setText(f"Use {current}")
        self.shown.setVisible(current is not None)

    def use_shown(self) -> None:
        """Answer with the tomogram that is shown."""
        current = self._session.current
        if current is not None:
            self._session.change(lambda: self._opener.answer(current))

    def ask_file(self) -> None:
        """Answer with a file."""
        name, _ = QFileDialog.getOpenFileName(self, "Which tomogram?")
        if name:
            self._session.change(lambda: self._opener.answer(name))
