"""The button *Import…*: labels of a file, or of a layer of the user's own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFileDialog, QMenu, QPushButton, QWidget

from tomoscribe.ui.connections import connect
from tomoscribe.ui.labels.label_import import LabelImport
from tomoscribe.ui.project.read_only import READ_ONLY
from tomoscribe.ui.widgets import button, enable, row

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

TIP = "Make labels of a file, or of a Labels layer of your own"


class ImportButton(QWidget):
    """Offers what there is to import when it is pressed."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._import = LabelImport.of(session)
        self.button: QPushButton = button("Import", TIP, lambda: None)
        self.menu = QMenu(self)
        self.menu.aboutToShow.connect(self._fill)
        self.button.setMenu(self.menu)
        self.setLayout(row(self.button))
        for signal in (session.current_changed, session.project_changed):
            connect(self, signal, self.refresh)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show whether labels can be imported."""
        project = self._session.project
        why = None
        if project is None or self._session.entry is None:
            why = "Open a tomogram or an image stack first."
        elif project.read_only:
            why = READ_ONLY
        enable(self.button, why)

    def ask_file(self) -> None:
        """Ask for a file of labels."""
        chosen, _ = QFileDialog.getOpenFileName(self, "Labels of the tomogram in view")
        if chosen:
            self._session.change(lambda: self._import.offer_file(chosen))

    def _fill(self) -> None:
        self.menu.clear()
        entries = [("From a file…", self.ask_file)]
        for layer in self._import.layers():
            entries.append((f"From layer “{layer.name}”", partial(self._import.offer_layer, layer)))
        for text, call in entries:
            action = self.menu.addAction(text)
            assert action is not None
            action.triggered.connect(lambda _=False, call=call: call())
