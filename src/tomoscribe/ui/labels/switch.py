"""A choice between a few things that are all in view: buttons side by side, one of them down."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QPushButton, QSizePolicy, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.widgets import button, row

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CHOSEN = f"QPushButton:checked {{ border: 1px solid {style.ACCENT}; font-weight: 600; }}"


class Switch(QWidget):
    """Buttons by text; `chosen` is called with the text of the one that was clicked.

    Parameters
    ----------
    tips : mapping of str to str
        Tooltip by text.
    chosen : callable
    """

    def __init__(
        self,
        tips: Mapping[str, str],
        chosen: Callable[[str], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.buttons: dict[str, QPushButton] = {}
        for text, tip in tips.items():
            made = button(text, tip, partial(self._click, text, chosen))
            made.setCheckable(True)
            made.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            self.buttons[text] = made
        self.setStyleSheet(CHOSEN)
        layout = row(*self.buttons.values())
        layout.setSpacing(0)
        self.setLayout(layout)
        self._choice = next(iter(tips))
        self.show_choice(self._choice)

    def show_choice(self, text: str) -> None:
        """Show which one is chosen."""
        self._choice = text
        for name, made in self.buttons.items():
            made.setChecked(name == text)

    def _click(self, text: str, chosen: Callable[[str], object]) -> None:
        self.show_choice(self._choice)  # a second click does not let the button up
        chosen(text)
