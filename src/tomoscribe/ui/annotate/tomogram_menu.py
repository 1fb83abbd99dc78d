"""What can be done to a tomogram besides showing it: mend its voxel size, take it out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QInputDialog, QMenu, QMessageBox, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomoscribe.ui.session import Session

SMALLEST_A, LARGEST_A = 0.01, 10000.0
"""Voxel sizes in Å that can be given."""


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
        old = project.tomograms[name].voxel_size_A
        question = f"Edge of one voxel of {name} in Å. Picks stay on their voxels."
        size, ok = QInputDialog.getDouble(
            self.parentWidget(), "Voxel size", question, old, SMALLEST_A, LARGEST_A, 3
        )
        if ok and size != old:
            self.set_voxel_size(name, size)

    def set_voxel_size(self, name: str, voxel_size_A: float) -> None:
        """Take another voxel size in Å for a tomogram, and show it so."""
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
