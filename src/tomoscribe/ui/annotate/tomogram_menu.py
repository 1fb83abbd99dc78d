"""What can be done to a tomogram besides showing it: mend its voxel size, take it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QInputDialog, QMenu, QMessageBox, QWidget

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.voxel_size import parse_voxel_size, voxel_size_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomoscribe.io.voxel_size import VoxelSize
    from tomoscribe.ui.session import Session


class TomogramMenu(QMenu):
    """Acts on the tomogram whose name `selected` returns, None where there is none."""

    def __init__(
        self, session: Session, selected: Callable[[], str | None], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._selected = selected
        self.voxel_size = self.addAction("Voxel size…", self.ask_voxel_size)
        self.removal = self.addAction("Remove from project", self.ask_removal)

    def ask_voxel_size(self) -> None:
        """Ask for the voxel size, with what is taken for it now."""
        project, name = self._session.project, self._selected()
        if project is None or name is None:
            return
        old = project.tomograms[name].size
        question = (
            f"Edge of one voxel of {name}, or edges z, y, x, such as “50, 4, 4 nm”. Picks and "
            "labels stay on their voxels."
        )
        text, ok = QInputDialog.getText(
            self.parentWidget(), "Voxel size", question, text=voxel_size_text(old)
        )
        if not ok or text == voxel_size_text(old):
            return
        try:
            self.set_voxel_size(name, parse_voxel_size(text))
        except TomoscribeError as error:
            self._session.status_message.emit(str(error))

    def set_voxel_size(self, name: str, voxel_size_A: VoxelSize) -> None:
        """Take another voxel size for a tomogram, and show it so."""
        project, session = self._session.project, self._session
        if project is None:
            return
        saved = session.change(lambda: project.set_voxel_size(name, voxel_size_A))
        if saved and session.current == name:
            session.change(lambda: session.set_current(name))

    def ask_removal(self) -> None:
        """Take the tomogram out; ask first if something was picked in it."""
        project, name = self._session.project, self._selected()
        if project is None or name is None:
            return
        count = len(project.tomograms[name].picks)
        question = (
            f"Remove {name} with its {count} pick{'s' * (count != 1)} from the project? The "
            "tomogram's file stays, and the picks are set aside in the project's folder."
        )
        buttons = QMessageBox.StandardButton
        if not count or buttons.Yes == QMessageBox.question(
            self.parentWidget(), "Remove from project", question, buttons.Yes | buttons.Cancel
        ):
            self.remove(name)

    def remove(self, name: str) -> None:
        """Take a tomogram out of the project, and show another if it was the current one."""
        project, session = self._session.project, self._session
        if project is None:
            return
        said = ""

        def remove() -> None:
            nonlocal said
            try:
                project.remove_tomogram(name)
            finally:
                # Before anyone hears that it is saved: they ask for the current tomogram.
                if name not in project.tomograms and session.current in {name, None}:
                    said = session.show_first()

        if session.change(remove) and said:
            session.status_message.emit(said)
