"""Which membrane of the tomogram is the current one; the session answers for it by this room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.ui.membranes.complete import CompleteMask
from tomoscribe.ui.membranes.membrane_shelf import MembraneShelf
from tomoscribe.ui.membranes.membrane_view import MembraneView
from tomoscribe.ui.membranes.open_membranes import MembraneOpener
from tomoscribe.ui.membranes.patch_tool import PatchTool

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.membranes.membrane import Membrane
    from tomoscribe.project.model import MembraneEntry, Patch
    from tomoscribe.project.store import Project
    from tomoscribe.ui.membranes.membrane_shelf import ShelvedMembrane
    from tomoscribe.ui.session import Session


class CurrentMembrane:
    """The current membrane by name, and the shelf that holds those that are loaded.

    Emits the session's `membrane_changed(name)` when a membrane is there or none is any more.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.shelf = MembraneShelf(session)
        self.view = MembraneView(session)
        self.name: str | None = None
        self._project: Project | None = None
        self._tomogram: str | None = None
        self._entries: dict[str, MembraneEntry] = {}
        self._shown: ShelvedMembrane | None = None
        self._complete = CompleteMask()
        self._preview: Sequence[Patch] | None = None
        self.brush = PatchTool(session)
        self.opener = MembraneOpener(session)
        self.shelf.arrived.connect(self._on_arrived)
        self.shelf.failed.connect(self._on_failed)

    @property
    def membrane(self) -> Membrane | None:
        """The current membrane, None while it is still being read."""
        return None if self._shown is None else self._shown.membrane

    @property
    def shelved(self) -> ShelvedMembrane | None:
        """The current membrane with its locator and graph."""
        return self._shown

    def here(self) -> list[str]:
        """Return the names of the current tomogram's membranes."""
        project, current = self._session.project, self._session.current
        if project is None or current is None:
            return []
        return [name for name, entry in project.membranes.items() if entry.tomogram == current]

    def loaded(self) -> list[ShelvedMembrane]:
        """Return those of the current tomogram that are loaded."""
        found = (self.shelf.get(name) for name in self.here())
        return [shelved for shelved in found if shelved is not None]

    def complete_mask(self, name: str | None = None) -> NDArray[np.bool_] | None:
        """Return which vertices (V,) of a membrane are declared complete; None until it is loaded.

        It must be of the current tomogram; the current membrane if no name is given.
        """
        shelved = self._shown if name is None else self.shelf.get(name)
        entry = self._session.entry
        if shelved is None or entry is None:
            return None
        return self._complete.of(shelved, self._preview or entry.patches)

    def preview_patches(self, patches: Sequence[Patch]) -> None:
        """Show other patches than those of the project until these change."""
        self._preview = patches
        self._session.membranes.rebuild_patches()

    def set(self, name: str | None) -> None:
        """Make a membrane the current one; its tomogram is shown first if it is another.

        Raises
        ------
        TomoscribeError
            If the project has no such membrane, or it or its tomogram cannot be read.
        """
        session, project = self._session, self._session.project
        if name is None:
            self._show(None, None)
            return
        if project is None or name not in project.membranes:
            raise TomoscribeError(f"The project has no membrane '{name}'.")
        self.view.remember()
        tomogram = project.membranes[name].tomogram
        if tomogram != session.current:
            self.name = name  # so that the tomogram does not come up with another one first
            session.set_current(tomogram)
        if self.name != name or self._shown is None:
            self.name = name
            self._show(name, self.shelf.need(name))

    # ---------------------------------------------------------------- following
    def follow_project(self, project: Project | None) -> None:
        """Follow the membranes of another project."""
        if self._project is not None:
            self._project.membranes_changed.disconnect(self._on_membranes)
            self._project.patches_changed.disconnect(self._on_patches)
        self._project = project
        self.shelf.forget()
        self.name, self._entries = None, {}
        if project is not None:
            self._entries = dict(project.membranes)
            project.membranes_changed.connect(self._on_membranes)
            project.patches_changed.connect(self._on_patches)

    def follow_tomogram(self) -> None:
        """Choose among the membranes of the tomogram that is shown now, and load the others."""
        here = self.here()
        name = self.name if self.name in here else (here[0] if here else None)
        size_A = None if self._session.entry is None else self._session.entry.voxel_size_A
        self.shelf.forget([s.name for s in self.loaded() if s.membrane.voxel_size_A != size_A])
        self.name = name
        if self._session.current != self._tomogram:
            self._tomogram = self._session.current
            self.view.forget_slice()
        try:
            self._show(name, None if name is None else self.shelf.need(name))
        except TomoscribeError as error:
            self._show(name, None)
            self._session.status_message.emit(str(error))
        self.shelf.want(here)

    def close(self) -> None:
        """End what works in the background."""
        self.shelf.close()
        self.opener.close()
        self._session.membranes.close()

    def _show(self, name: str | None, shelved: ShelvedMembrane | None) -> None:
        if name is None and self._session.membranes.shown:
            self.view.leave()
        before, self.name, self._shown = self._shown, name, shelved
        if shelved is None and self.brush.mode != "off":
            self.brush.set_mode("off")
        if shelved is not before or name is None:
            self._session.membranes.rebuild()
            self.view.follow()
            self._session.membrane_changed.emit(name if shelved is not None else None)

    def _on_arrived(self, name: str) -> None:
        shelved = self.shelf.get(name)
        if shelved is not None and name == self.name and shelved is not self._shown:
            self._show(name, shelved)
        elif shelved is not None and name in self.here():
            self._session.membranes.follow_neighbours()

    def _on_failed(self, name: str, sentence: str) -> None:
        if name in self.here():
            self._session.status_message.emit(sentence)

    def _on_membranes(self) -> None:
        project = self._session.project
        now = dict(project.membranes) if project is not None else {}
        gone = [n for n, entry in self._entries.items() if now.get(n) is not entry]
        self._entries = now
        self.shelf.forget(gone)
        if self.name in gone:
            self._shown = None
        if gone or set(self.here()) - {s.name for s in self.loaded()}:
            self.follow_tomogram()
            self._session.membranes.follow_neighbours()

    def _on_patches(self, tomogram: str) -> None:
        self._preview = None
        if tomogram == self._session.current:
            self._session.membranes.rebuild_patches()
            self._session.patches_changed.emit()
