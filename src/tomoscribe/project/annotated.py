"""What is annotated in all tomograms of a project: edited by whoever holds the lock, announced."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks.table import Edit
from tomoscribe.project.annotations import Annotations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from tomoscribe.picks.history import History
    from tomoscribe.project.lock import ProjectLock
    from tomoscribe.project.model import Patch, Region, TomogramEntry


class AnnotatedTomograms:
    """The tomograms of a project folder with their picks, regions and patches.

    Parameters
    ----------
    folder : Path
        The project's folder.
    lock : ProjectLock or None
        The right to edit; without it everything is for reading only.
    """

    picks_changed = Signal(str, Edit)
    regions_changed = Signal(str)
    patches_changed = Signal(str)

    def __init__(self, folder: Path, lock: ProjectLock | None) -> None:
        self.path = folder
        self.tomograms: dict[str, TomogramEntry] = {}
        self.notes: list[str] = []
        self._lock = lock
        self._annotations: dict[str, Annotations] = {}

    @property
    def read_only(self) -> bool:
        """Whether edits are refused."""
        return self._lock is None

    def edit(self, name: str, edit: Edit) -> None:
        """Apply an edit to a tomogram's picks and save it.

        Raises
        ------
        KeyError
            If the edit changes or removes a pick that is not there.
        TomoscribeError
            If it cannot be saved; it is applied all the same, but not in a read-only project.
        """
        self._check_editable()
        self._of(name).edit(edit, self._tell_picks(name))

    def undo(self, name: str) -> bool:
        """Take the last edit of a tomogram's picks back; return whether there was one."""
        self._check_editable()
        return self._of(name).undo(self._tell_picks(name))

    def redo(self, name: str) -> bool:
        """Bring the last undone edit back; return whether there was one."""
        self._check_editable()
        return self._of(name).redo(self._tell_picks(name))

    def history(self, name: str) -> History:
        """Return the undo history of a tomogram, to ask what can be undone."""
        return self._of(name).history

    def set_regions(self, name: str, regions: Iterable[Region]) -> None:
        """Replace the annotated regions of a tomogram, and save them."""
        self._check_editable()
        try:
            self._of(name).set_regions(regions)
        finally:
            self.regions_changed.emit(name)

    def set_patches(self, name: str, patches: Iterable[Patch]) -> None:
        """Replace the annotated patches on a tomogram's membranes, and save what differs."""
        self._check_editable()
        try:
            self._of(name).set_patches(patches)
        finally:
            self.patches_changed.emit(name)

    def _take_in(self, entry: TomogramEntry) -> None:
        annotations = Annotations(self.path, entry, read_only=self.read_only)
        self.notes += annotations.notes
        self.tomograms[entry.name] = entry
        self._annotations[entry.name] = annotations

    def _of(self, name: str) -> Annotations:
        try:
            return self._annotations[name]
        except KeyError:
            raise TomoscribeError(f"The project has no tomogram '{name}'.") from None

    def _tell_picks(self, name: str) -> Callable[[Edit], None]:
        return lambda edit: self.picks_changed.emit(name, edit)

    def _check_editable(self) -> None:
        if self._lock is None:
            raise TomoscribeError(
                f"{self.path} is open for reading only: close it where it is edited, open it again."
            )
        self._lock.ensure()
