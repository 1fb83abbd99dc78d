"""The project in memory: what viewer and commands edit, saved with every edit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from psygnal import Signal

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.voxel_size import check_voxel_size
from tomoscribe.project.additions import entry_of, new_membrane, new_tomogram
from tomoscribe.project.classes import check_classes
from tomoscribe.project.file import (
    MEMBRANES_FOLDER,
    ClassItem,
    LabelClassItem,
    MembraneItem,
    ProjectFile,
    is_project,
    item_of,
    make_folders,
    names_with_picks,
    project_revision,
    read_project_file,
    resolved_path,
    runs_of,
    stored_path,
    stored_runs,
    text_of,
    write_project_file,
)
from tomoscribe.project.label_classes import LabelledTomograms
from tomoscribe.project.lock import ProjectLock
from tomoscribe.project.model import ParticleClass, Role
from tomoscribe.project.painted import set_painted_aside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from psygnal import SignalInstance

    from tomoscribe.io.voxel_size import VoxelSize
    from tomoscribe.project.model import MembraneEntry, TomogramEntry


class Project(LabelledTomograms):
    """Tomograms and membranes with what is annotated in them, classes and runs, in one folder.

    Make one with `Project.create` or `Project.open`. Edit picks through `edit`, `undo`
    and `redo` only: an edit that goes straight to a table is not saved.

    Every method that changes something raises `TomoscribeError` when the change cannot
    be saved. The change is then in memory and shown all the same, and is written with
    the next one that succeeds; `unsaved` tells that there is some.
    """

    tomograms_changed = Signal()
    classes_changed = Signal()
    membranes_changed = Signal()
    model_changed = Signal()
    closing = Signal()
    """Emitted before the project closes: whoever holds something unsaved saves it now."""

    def __init__(self, folder: Path, content: ProjectFile, lock: ProjectLock | None) -> None:
        super().__init__(folder, lock)
        self.name = content.name
        self.membranes = {item.name: item.to_entry(folder) for item in content.membranes}
        self._file_revision = content.revision
        self._classes = [item.to_class() for item in content.classes]
        self._label_classes = [item.to_class() for item in content.label_classes]
        self._label_values_used = content.label_values_used
        self._model = resolved_path(folder, stored) if (stored := content.current_model) else None
        self._runs = content.runs
        self._file_unsaved = False
        for tomogram in content.tomograms:
            self._take_in(tomogram.to_entry(folder))

    @classmethod
    def create(
        cls, folder: str | Path, name: str | None = None, runs: Path | None = None
    ) -> Project:
        """Make a project in a new or existing folder; `runs` is where its trainings lie elsewhere.

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
        content = ProjectFile(name=name or path.name, runs=stored_runs(path, runs))
        make_folders(path, runs_of(path, content.runs))
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
        if read_only or not is_project(path):  # no lock is left where there is no project
            return cls(path, read_project_file(path), None)
        lock = ProjectLock.take(path)
        try:
            # Read with the lock held: nobody saves in between.
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
            self.closing.emit()
            if self._lock is not None:
                self.save()
        finally:
            if self._lock is not None:
                self._lock.release()
            self._lock = None

    @property
    def unsaved(self) -> int:
        """Number of changes that are in memory only, because writing failed."""
        return sum(a.outstanding for a in self._annotations.values()) + int(self._file_unsaved)

    @property
    def revision(self) -> int:
        """A number that grows with every edit; `training_data.read_revision` reads it from disk."""
        return project_revision(self.path) + sum(
            a.outstanding_bytes for a in self._annotations.values()
        )

    @property
    def file_revision(self) -> int:
        """How often `project.yaml` had been written when it was read or written here last."""
        return self._file_revision

    @property
    def runs_dir(self) -> Path:
        """Folder of the trainings."""
        return runs_of(self.path, self._runs)

    @property
    def membranes_dir(self) -> Path:
        """Folder of the membranes that are made here; it need not be there yet."""
        return self.path / MEMBRANES_FOLDER

    @property
    def model(self) -> Path | None:
        """The current model: the checkpoint file that the user chose to predict with."""
        return self._model

    @property
    def classes(self) -> list[ParticleClass]:
        """The particle classes, in the order of their keys."""
        return list(self._classes)

    def add_tomogram(
        self,
        path: str | Path,
        name: str | None = None,
        voxel_size_A: VoxelSize | None = None,
        role: Role | None = None,
    ) -> TomogramEntry:
        """Add a tomogram; the file stays where it is.

        Parameters
        ----------
        path : str or Path
            Anything that `open_volume` reads.
        name : str or None
            Name in the project; by default the file's, made unique.
        voxel_size_A : float or (float, float, float) or None
            Overrides the header: the edge of x, or edges z, y, x.
        role : Role or None
            By default it trains.

        Raises
        ------
        TomoscribeError
            If it cannot be read, its voxel size is unknown, or the name is taken.
        """
        self._check_editable()
        entry = new_tomogram(
            path, name, voxel_size_A, role, self._kinds, names_with_picks(self.path)
        )
        self._take_in(entry)
        self._save_file_and(self.tomograms_changed)
        return entry

    def add_opened(
        self, opened: Iterable[tuple[str, VoxelSize]], names: Mapping[str, str] | None = None
    ) -> list[TomogramEntry]:
        """Add tomograms that somebody has looked at: address and voxel size in Å of each.

        None is opened here, and the project is saved once. `names` by address are made unique.
        """
        self._check_editable()
        had, stems, entries = names_with_picks(self.path), names or {}, []
        for at, size in opened:
            entries.append(entry_of(at, None, size, None, self._kinds, had, stems.get(at)))
            self._take_in(entries[-1])
        self._save_file_and(self.tomograms_changed)
        return entries

    def move_files(self, moved: Mapping[Path, Path]) -> None:
        """Use files at their new places, by the old ones; see `relocate`."""
        self._check_editable()
        for entry in self.tomograms.values():
            entry.path = moved.get(entry.path, entry.path)
        for name, membrane in self.membranes.items():
            # Another entry, so that whoever failed to read it tries again.
            if membrane.path in moved:
                self.membranes[name] = replace(membrane, path=moved[membrane.path])
        if self._model is not None:
            self._model = moved.get(self._model, self._model)
        try:
            self._save_file()
        finally:
            for signal in (self.tomograms_changed, self.membranes_changed, self.model_changed):
                signal.emit()

    def remove_tomogram(self, name: str) -> None:
        """Take a tomogram and its membranes out.

        Its picks and labels stay in their folders, under names that say so.
        """
        self._check_editable()
        self._of(name).set_aside()
        set_painted_aside(self.path, name)
        del self.tomograms[name], self._annotations[name]
        kept = {key: m for key, m in self.membranes.items() if m.tomogram != name}
        lost, self.membranes = len(self.membranes) - len(kept), kept
        try:
            self._save_file_and(self.tomograms_changed)
        finally:
            if lost:
                self.membranes_changed.emit()

    def add_membrane(
        self,
        path: str | Path,
        tomogram: str,
        name: str | None = None,
        role: Role | None = None,
    ) -> MembraneEntry:
        """Add a membrane; the file stays where it is.

        Parameters
        ----------
        path : str or Path
            Its container, as `tomoscribe mesh` and MemBrain-pick write them.
        tomogram : str
            Name of the tomogram that it lies in.
        name : str or None
            Name in the project; by default the file's, made unique.
        role : Role or None
            By default it trains.

        Raises
        ------
        TomoscribeError
            If it is no membrane container, the tomogram is unknown, or the name is taken.
        """
        self._check_editable()
        self._of(tomogram)
        entry = new_membrane(path, tomogram, name, role, self._kinds)
        self.membranes[entry.name] = entry
        self._save_file_and(self.membranes_changed)
        return entry

    def remove_membrane(self, name: str) -> None:
        """Take a membrane out; its file, picks and patches stay, and count again if it returns."""
        self._check_editable()
        if self.membranes.pop(name, None) is None:
            raise TomoscribeError(f"The project has no membrane '{name}'.")
        self._save_file_and(self.membranes_changed)

    def set_role(self, name: str, role: Role) -> None:
        """Say what a tomogram or a membrane is used for."""
        self._check_editable()
        entry = self.tomograms.get(name) or self.membranes.get(name)
        if entry is None:
            raise TomoscribeError(f"The project has no tomogram '{name}' and no such membrane.")
        entry.role = Role(role)
        is_one = name in self.tomograms
        self._save_file_and(self.tomograms_changed if is_one else self.membranes_changed)

    def set_voxel_size(self, name: str, voxel_size_A: VoxelSize) -> None:
        """Override a tomogram's voxel size, or its edges z, y, x, in Å."""
        self._check_editable()
        check_voxel_size(voxel_size_A)
        self._of(name)
        self.tomograms[name].size = voxel_size_A
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

    def set_model(self, path: str | Path | None) -> None:
        """Make a checkpoint file the project's current model, or none; the file stays where it is.

        It need not be there: nothing is read of it here.
        """
        self._check_editable()
        self._model = None if path is None else Path(path).expanduser().absolute()
        self._save_file_and(self.model_changed)

    def add_class(self, particle: ParticleClass) -> None:
        """Add a class."""
        self.set_classes([*self._classes, particle])

    def save(self) -> None:
        """Write what is outstanding.

        Raises
        ------
        TomoscribeError
            If it still cannot be written.
        """
        for one in self._annotations.values():
            one.flush()
        if self._file_unsaved:
            self._save_file()

    def prepared(self) -> Callable[[], object]:
        """Return what makes the first saving of hundreds as quick as the next: for a thread."""
        content = self._content()
        return lambda: text_of(content)

    @property
    def _kinds(self) -> dict[str, str]:
        """What has which name; tomograms and membranes share them."""
        return dict.fromkeys(self.tomograms, "tomogram") | dict.fromkeys(self.membranes, "membrane")

    def _save_file_and(self, signal: SignalInstance) -> None:
        try:
            self._save_file()
        finally:
            signal.emit()

    def _save_file(self) -> None:
        self._file_unsaved = True
        self._file_revision += 1
        write_project_file(self.path, self._content())
        self._file_unsaved = False

    def _content(self) -> ProjectFile:
        return ProjectFile.model_construct(
            revision=self._file_revision,
            name=self.name,
            tomograms=[item_of(self.path, entry) for entry in self.tomograms.values()],
            membranes=[MembraneItem.of(self.path, entry) for entry in self.membranes.values()],
            classes=[ClassItem.of(particle) for particle in self._classes],
            label_classes=[LabelClassItem.of(label) for label in self._label_classes],
            label_values_used=self._label_values_used,
            current_model=None if self._model is None else stored_path(self.path, self._model),
            runs=self._runs,
        )
