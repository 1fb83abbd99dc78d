"""Asks once for the voxel size of all dropped tomograms that do not tell it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.ui.annotate.tomogram_chooser import LIKELY_VOXEL_SIZE_A
from tomoscribe.ui.connections import connect
from tomoscribe.ui.project.adding import TomogramAdder
from tomoscribe.ui.project.banner import Banner
from tomoscribe.ui.voxel_size_field import VoxelSizeField
from tomoscribe.ui.widgets import button

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from tomoscribe.ui.session import Session


class VoxelQuestion(Banner):
    """Seen while tomograms wait for their voxel size."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        self._adder = TomogramAdder.of(session)
        self.use = button("Use for all", "Adds them with this voxel size", self.answer)
        self.leave = button("Leave out", "Adds none of them", self._adder.leave_out)
        super().__init__(self.leave, self.use, parent=parent)
        self.voxel_size = VoxelSizeField(self.use)
        self.column.insertWidget(1, self.voxel_size)
        connect(self, self._adder.asked_changed, self.ask)
        self.ask()

    def ask(self) -> None:
        """Ask for what waits now, or hide."""
        asked = self._adder.asked
        if not asked:
            self.say("")
            return
        hint = next((size for _, size in asked if size is not None), None)
        self.voxel_size.show_size(hint or LIKELY_VOXEL_SIZE_A)
        name = Path(asked[0][0]).name
        more = f" and {len(asked) - 1} more do" if len(asked) > 1 else " does"
        self.say(f"{name}{more} not tell the voxel size. What is it?")

    def answer(self) -> None:
        """Add them with the size in the field."""
        self._adder.answer(self.voxel_size.size)
