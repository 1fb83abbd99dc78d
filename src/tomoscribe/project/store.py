"""The project in memory: what viewer and commands edit, saved with every edit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import open_volume
from tomoscribe.picks.history import History, check_applies
from tomoscribe.picks.journal import Journal
from tomoscribe.picks.journal_lines import Box
from tomoscribe.picks.table import Edit
from tomoscribe.project.classes import check_classes
from tomoscribe.project.file import (
    PICKS_FOLDER,
    RUNS_FOLDER,
    ClassItem,
    ProjectFile,
    is_project,
    item_of,
    journal_path,
    project_revision,
    read_project_file,
    resolved_path,
    write_project_file,
)
from tomoscribe.project.lock import ProjectLock
from tomoscribe.project.model import ParticleClass, Region, Role, TomogramEntry
from tomoscribe.project.names import free_name, safe_name, tomogram_stem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from psygnal import SignalInstance

    from tomoscribe.picks.journal import JournalContents


class Project:
    """Tomograms with their picks and regions, classes and runs, in one folder.

    Make one with `Project.create` or `Project.open`. Edit picks through `edit`, `undo`
    and `redo` only: an edit that goes straight to a table is not saved.

    Every method that changes something raises `TomoscribeError` when the change cannot
    be saved. The change is then in memory and shown all the same, and is written with
    the next one that succeeds; `unsaved` tells that there is some.
    """

    tomograms_changed = Signal()
    classes_changed = Signal()
    picks_changed = Signal(str, Edit)
    regions_changed = Signal(str)

    def __init__(self, folder: Path, content: ProjectFile, lock: ProjectLock | None) -> None:
        self.path = folder
        self.name = content.name
        self.tomograms: dict[str, TomogramEntry] = {}
        self.notes: list[str] = []
        self._file_revision = content.revision
        self._classes = [item.to_class() for item in content.classes]
        self._lock = lock
        self._journals: dict[str, Journal] = {}
        self._histories: dict[str, History] = {}
        self._file_unsaved = False
        for item in content.tomograms:
            path = resolved_path(folder, item.path)
            self._take_in(TomogramEntry(item.name, path, item.voxel_size_A, item.role))

    @classmethod
    def create(cls, folder: str | Path, name: str | None = None) -> Project:
        """Make a project in a new or existing folder.

        Raises
        ------
        TomoscribeError
            If the folder is a project already, or cannot be written.
        """
        path = Path(folder).expanduser().resolve()
        if is_project(path):
            raise TomoscribeError(
                f"{path} is a tomoscribe project already: open it, or choose another folder."
            )
        try:
            (path / PICKS_FOLDER).mkdir(parents=True, exist_ok=True)
            (path / RUNS_FOLDER).mkdir(exist_ok=True)
        except OSError as error:
            raise TomoscribeError(
                f"Cannot make a project in {path} ({error.strerror or error})."
            ) from error
        content = ProjectFile(name=name or path.name)
        lock = ProjectLock.take(path)
        try:
            write_project_file(path, content)
        except TomoscribeError:
            lock.release()
            raise
        return cls(path, content, lock)

    @classmethod
    def open(cls, folder: str | Path, *, read_only: bool = False) -> Project:
        """Open a project.

        Parameters
        ----------
        folder : str or Path
            The project's folder.
        read_only : bool
            Look only: edits are refused, and nothing is written or locked.

        Raises
        ------
        TomoscribeError
            If it is no project, is damaged, or is open for editing elsewhere.
        """
        path = Path(folder).expanduser().resolve()
        content = read_project_file(path)
        if read_only:
            return cls(path, content, None)
        lock = ProjectLock.take(path)
        try:
            # Read again: whoever held the lock may have saved in between.
            project = cls(path, read_project_file(path), lock)
        except TomoscribeError:
            lock.release()
            raise
        project.notes += lock.notes
        return project

    def close(self) -> None:
        """Write what is outstanding and let others edit.

        Raises
        ------
        TomoscribeError
            If something outstanding cannot be written.
        """
        try:
            if self._lock is not None:
                self.save()
        finally:
            if self._lock is not None:
                self._lock.release()
                self._lock = None

    @property
    def read_only(self) -> bool:
        """Whether edits are refused."""
        return self._lock is None

    @property
    def unsaved(self) -> int:
        """Number of changes that are in memory only, because writing failed."""
        return sum(j.outstanding for j in self._journals.values()) + int(self._file_unsaved)

    @property
    def revision(self) -> int:
        """A number that grows with every edit; `training_data.read_revision` reads it from disk."""
        return project_revision(self.path) + sum(
            j.outstanding_bytes for j in self._journals.values()
        )

    @property
    def runs_dir(self) -> Path:
        """Folder of the trainings."""
        return self.path / RUNS_FOLDER

    @property
    def classes(self) -> list[ParticleClass]:
        """The particle classes, in the order of their keys."""
        return list(self._classes)

    def add_tomogram(
        self,
        path: str | Path,
        name: str | None = None,
        voxel_size_A: float | None = None,
        role: Role | None = None,
    ) -> TomogramEntry:
        """Add a tomogram; the file stays where it is.

        Parameters
        ----------
        path : str or Path
            Anything that `open_volume` reads.
        name : str or None
            Name in the project; by default the file's, made unique.
        voxel_size_A : float or None
            Overrides the header.
        role : Role or None
            By default it trains.

        Raises
        ------
        TomoscribeError
            If it cannot be read, its voxel size is unknown, or the name is taken.
        """
        self._check_editable()
        text = str(path)
        place = Path(text) if "://" in text else Path(text).expanduser().absolute()
        size = open_volume(text if "://" in text else str(place), voxel_size_A).require_voxel_size()
        wanted = safe_name(tomogram_stem(str(place)) if name is None else name)
        if name is not None and wanted in self.tomograms:
            raise TomoscribeError(
                f"The project has a tomogram '{wanted}' already: give another name."
            )
        taken = {*self.tomograms, *(p.stem for p in (self.path / PICKS_FOLDER).glob("*.jsonl"))}
        entry = TomogramEntry(free_name(wanted, taken), place, size, role or Role.TRAIN)
        self._take_in(entry)
        self._save_file_and(self.tomograms_changed)
        return entry

    def remove_tomogram(self, name: str) -> None:
        """Take a tomogram out. Its picks stay in the `picks` folder, under a name that says so."""
        self._check_editable()
        self._entry(name)
        self._journals[name].flush()
        source = journal_path(self.path, name)
        if source.exists():
            taken = {p.stem for p in source.parent.glob("*.jsonl")}
            try:
                source.rename(journal_path(self.path, free_name(f"{name}.removed", taken)))
            except OSError as error:
                raise TomoscribeError(
                    f"Cannot set {source} aside ({error.strerror or error})."
                ) from error
        del self.tomograms[name], self._journals[name], self._histories[name]
        self._save_file_and(self.tomograms_changed)

    def set_role(self, name: str, role: Role) -> None:
        """Say what a tomogram is used for."""
        self._check_editable()
        self._entry(name).role = Role(role)
        self._save_file_and(self.tomograms_changed)

    def set_voxel_size(self, name: str, voxel_size_A: float) -> None:
        """Override a tomogram's voxel size, in Å."""
        self._check_editable()
        if not 0 < voxel_size_A < float("inf"):
            raise TomoscribeError(f"A voxel size of {voxel_size_A:g} Å is not possible.")
        self._entry(name).voxel_size_A = float(voxel_size_A)
        self._save_file_and(self.tomograms_changed)

    def set_classes(self, classes: Iterable[ParticleClass]) -> None:
        """Replace the classes.

        Raises
        ------
        TomoscribeError
            If a name is empty or used twice, or a diameter is not positive.
        """
        self._check_editable()
        self._classes = check_classes(classes)
        self._save_file_and(self.classes_changed)

    def add_class(self, particle: ParticleClass) -> None:
        """Add a class."""
        self.set_classes([*self._classes, particle])

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
        entry = self._entry(name)
        check_applies(entry.picks, edit)
        self._step(name, edit, lambda: self._histories[name].push(edit))

    def undo(self, name: str) -> bool:
        """Take the last edit of a tomogram's picks back; return whether there was one."""
        history = self.history(name)
        return self._step(name, history.next_undo, history.undo)

    def redo(self, name: str) -> bool:
        """Bring the last undone edit back; return whether there was one."""
        history = self.history(name)
        return self._step(name, history.next_redo, history.redo)

    def history(self, name: str) -> History:
        """Return the undo history of a tomogram, to ask what can be undone."""
        self._entry(name)
        return self._histories[name]

    def set_regions(self, name: str, regions: Iterable[Region]) -> None:
        """Replace the annotated regions of a tomogram, and save them."""
        self._check_editable()
        entry = self._entry(name)
        entry.regions = list(regions)
        boxes = [Box(r.lo_zyx, r.hi_zyx, r.class_names) for r in entry.regions]
        try:
            self._journals[name].append_regions(boxes)
        finally:
            self.regions_changed.emit(name)

    def save(self) -> None:
        """Write what is outstanding.

        Raises
        ------
        TomoscribeError
            If it still cannot be written.
        """
        for journal in self._journals.values():
            journal.flush()
        if self._file_unsaved:
            self._save_file()

    def _take_in(self, entry: TomogramEntry) -> None:
        journal = Journal(journal_path(self.path, entry.name))
        contents = Journal.replay(journal.path) if self.read_only else journal.open()
        self.notes += contents.notes
        entry.picks = contents.picks
        entry.regions = regions_of(contents)
        self.tomograms[entry.name] = entry
        self._journals[entry.name] = journal
        self._histories[entry.name] = History(entry.picks)

    def _entry(self, name: str) -> TomogramEntry:
        try:
            return self.tomograms[name]
        except KeyError:
            raise TomoscribeError(f"The project has no tomogram '{name}'.") from None

    def _check_editable(self) -> None:
        if self._lock is None:
            raise TomoscribeError(
                f"{self.path} is open for reading only: close it where it is edited, open it again."
            )
        self._lock.ensure()

    def _step(self, name: str, edit: Edit | None, apply: Callable[[], object]) -> bool:
        self._check_editable()
        if edit is None:
            return False
        failure = None
        # Saved before it is shown: no listener's failure can cost the click.
        try:
            self._journals[name].append(edit)
        except TomoscribeError as error:
            failure = error
        apply()
        self.picks_changed.emit(name, edit)
        if failure is not None:
            raise failure
        return True

    def _save_file_and(self, signal: SignalInstance) -> None:
        try:
            self._save_file()
        finally:
            signal.emit()

    def _save_file(self) -> None:
        self._file_unsaved = True
        self._file_revision += 1
        content = ProjectFile(
            revision=self._file_revision,
            name=self.name,
            tomograms=[item_of(self.path, entry) for entry in self.tomograms.values()],
            classes=[ClassItem.of(particle) for particle in self._classes],
        )
        write_project_file(self.path, content)
        self._file_unsaved = False


def regions_of(contents: JournalContents) -> list[Region]:
    """Return the regions that a journal holds."""
    return [Region(b.lo, b.hi, b.classes) for b in contents.boxes]
