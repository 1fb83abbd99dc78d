"""Which tomograms or membranes train and which validate, each a button that changes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QPushButton, QVBoxLayout, QWidget

from tomoscribe.project.default_task import VOXEL_TASKS
from tomoscribe.project.model import Role
from tomoscribe.ui import style
from tomoscribe.ui.widgets import button, hint

if TYPE_CHECKING:
    from tomoscribe.ui.runs.starter import Share, Starter

SHOWN = 8
"""Tomograms or membranes shown by name; a project may have hundreds."""

NEXT_ROLE = {Role.TRAIN: Role.VALIDATE, Role.VALIDATE: Role.UNUSED, Role.UNUSED: Role.TRAIN}
ROLE_WORDS = {Role.TRAIN: "trains", Role.VALIDATE: "validates", Role.UNUSED: "not used"}
ROLE_COLOURS = {Role.TRAIN: style.ACCENT, Role.VALIDATE: style.WAIT, Role.UNUSED: style.MUTED}


class SplitList(QWidget):
    """One line a tomogram or membrane: name, clicks, role; a click takes the next role."""

    def __init__(self, starter: Starter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._starter = starter
        self._shares: list[Share] = []
        self.buttons: list[QPushButton] = []
        self.hint = hint()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(style.SPACING // 2)
        self._column.addWidget(self.hint)

    def show_shares(self, shares: list[Share], task: str = "tomogram") -> None:
        """Show what each tomogram or membrane is used for."""
        self._shares = shares[:SHOWN]
        while len(self.buttons) < len(self._shares):
            self._add_button(len(self.buttons))
        for made in self.buttons[len(self._shares) :]:
            made.hide()
        for made, share in zip(self.buttons, self._shares, strict=False):
            noun = "section" if task in VOXEL_TASKS else "click"
            clicks = f"{share.picks} {noun}" + ("s" if share.picks != 1 else "")
            made.setText(f"{share.name}   {clicks}, {ROLE_WORDS[share.role]}")
            colour = ROLE_COLOURS[share.role]
            look = f"text-align: left; padding: 4px 8px; border-left: 4px solid {colour};"
            if made.styleSheet() != look:  # Qt works each one out anew
                made.setStyleSheet(look)
            made.show()
        self.hint.setText(self._hint(shares, task))
        self.hint.setVisible(bool(self.hint.text()))

    def _add_button(self, index: int) -> None:
        made = button(
            "", "Click to change: trains, validates, not used.", lambda: self._change(index)
        )
        self.buttons.append(made)
        self._column.insertWidget(index, made)

    def _change(self, index: int) -> None:
        share = self._shares[index]
        self._starter.set_role(share.name, NEXT_ROLE[share.role])

    def _hint(self, shares: list[Share], task: str) -> str:
        if task in VOXEL_TASKS:
            return self._label_hint(shares)
        if not shares:
            return f"No {task} yet; a click on its line will choose whether it trains."
        hidden = len(shares) - SHOWN
        text = f"And {hidden} more. " if hidden > 0 else ""
        if shares and not any(s.role is Role.VALIDATE and s.picks for s in shares):
            share = self._starter.settings.hold_out
            text += f"No clicked {task} validates: {share:.0%} of the clicks are held out."
        return text

    def _label_hint(self, shares: list[Share]) -> str:
        if any(s.role is Role.VALIDATE and s.picks for s in shares):
            return ""
        share = self._starter.settings.voxels.hold_out_labels
        return f"No painted tomogram validates: {share:.0%} of the labels are held out."
