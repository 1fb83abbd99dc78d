"""One row of buttons for how A and B are looked at."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QSizePolicy, QWidget

from tomoscribe.ui.compare.sides import MODES, Mode, Sides
from tomoscribe.ui.connections import connect
from tomoscribe.ui.widgets import button, enable

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

WORDS: dict[Mode, tuple[str, str]] = {
    "a": ("A", "Shows checkpoint A; the slider moves A."),
    "b": ("B", "Shows checkpoint B; the slider moves B."),
    "blink": ("Blink", "Shows A and B in turn, at the same spot (U)."),
    "side_by_side": ("Side by side", "A here, B in a second canvas that moves along (Shift+U)."),
    "difference": ("B − A", "Where B scores higher than A, and where lower (I)."),
}

PAIRED: tuple[Mode, ...] = ("blink", "side_by_side", "difference")
"""Modes that need two different checkpoints."""


class ModeRow(QWidget):
    """Segments, one of them pressed: what `Sides.mode` says."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._sides = Sides.of(session)
        self._single: Mode = "b"
        self.buttons: dict[Mode, QPushButton] = {}
        self._group = QButtonGroup(self)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(1)
        for mode in MODES:
            made = button(*WORDS[mode], partial(self._sides.set_mode, mode))
            made.setCheckable(True)
            made.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
            made.setStyleSheet("padding: 3px 6px;")
            self._group.addButton(made)
            self.buttons[mode] = made
            layout.addWidget(made, 1)
        connect(self, self._sides.changed, self.refresh)
        connect(self, self._sides.refreshed, self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Press what is chosen; say why what needs two checkpoints cannot be chosen."""
        mode, why_not = self._sides.mode, self._sides.why_not_two
        if mode in ("a", "b"):
            self._single = mode
        self.buttons[mode].setChecked(True)
        for paired in PAIRED:
            enable(self.buttons[paired], None if paired == mode else why_not)

    def toggle(self, mode: Mode) -> None:
        """Look at both sides in this way, or go back to the one that was looked at before."""
        why_not = self._sides.why_not_two
        if self._sides.mode == mode:
            self._sides.set_mode(self._single)
        elif why_not is None:
            self._sides.set_mode(mode)
        else:
            self._session.status_message.emit(why_not)
