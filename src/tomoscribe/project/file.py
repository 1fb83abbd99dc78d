"""`project.yaml`: tomograms, membranes, classes and roles; and where its other files lie."""

from __future__ import annotations

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import write_text_atomic
from tomoscribe.picks import journal
from tomoscribe.project.model import MembraneEntry, ParticleClass, Role, TomogramEntry
from tomoscribe.segmentation.labels import LabelClass

FORMAT = 4
"""Highest format that is read. Written is 1 where there is no membrane, 2 where no class of
voxels is, 3 where its runs lie in it, so that older versions open what they know."""
PROJECT_FILE = "project.yaml"
PICKS_FOLDER = "picks"
RUNS_FOLDER = "runs"
MEMBRANES_FOLDER = "membranes"
LABELS_FOLDER = "labels"
LOCK_FILE = ".project.lock"
# libyaml's, where it was built: ten times as fast, and a project of hundreds is read at opening.
_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Dumper: type[yaml.SafeDumper] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_Edge = Annotated[float, Field(gt=0, allow_inf_nan=False)]
_REVISION_LINE = re.compile(rb"^revision: (\d+)", re.MULTILINE)


class TomogramItem(BaseModel):
    """A tomogram in `project.yaml`; a path inside the project is relative to its folder."""

    model_config = ConfigDict(extra="forbid")

    name: str
    path: str
    voxel_size_A: float = Field(gt=0)
    role: Role = Role.TRAIN
    voxel_sizes_zyx_A: tuple[_Edge, _Edge, _Edge] | None = None
    """Edges where a person told all three; then `voxel_size_A` is that of x."""

    def to_entry(self, folder: Path) -> TomogramEntry:
        """Return the tomogram as the rest of the code knows it, without its annotations."""
        path = resolved_path(folder, self.path)
        entry = TomogramEntry(self.name, path, self.voxel_size_A, self.role)
        if self.voxel_sizes_zyx_A is not None:
            entry.size = self.voxel_sizes_zyx_A
        return entry


class MembraneItem(BaseModel):
    """A membrane in `project.yaml`; a path inside the project is relative to its folder."""

    model_config = ConfigDict(extra="forbid")

    name: str
    path: str
    tomogram: str
    role: Role = Role.TRAIN

    @classmethod
    def of(cls, folder: Path, entry: MembraneEntry) -> MembraneItem:
        """Return a membrane as it stands in the file."""
        path = stored_path(folder, entry.path)
        # Not validated: it is ours, and a click on a role would wait for hundreds of them.
        return cls.model_construct(
            name=entry.name, path=path, tomogram=entry.tomogram, role=entry.role
        )

    def to_entry(self, folder: Path) -> MembraneEntry:
        """Return the membrane as the rest of the code knows it."""
        return MembraneEntry(self.name, resolved_path(folder, self.path), self.tomogram, self.role)


class ClassItem(BaseModel):
    """A particle class in `project.yaml`."""

    model_config = ConfigDict(extra="forbid")

    name: str
    diameter_A: float = Field(gt=0)
    color: str = "#e69f00"

    @classmethod
    def of(cls, particle: ParticleClass) -> ClassItem:
        """Return a class as it stands in the file."""
        return cls(name=particle.name, diameter_A=particle.diameter_A, color=particle.color)

    def to_class(self) -> ParticleClass:
        """Return the class as the rest of the code knows it."""
        return ParticleClass(self.name, self.diameter_A, self.color)


class LabelClassItem(BaseModel):
    """A class of voxels in `project.yaml`; `value` is what its voxels have in paintings."""

    model_config = ConfigDict(extra="forbid")

    name: str
    color: str = "#e69f00"
    value: int = Field(ge=2, lt=64)

    @classmethod
    def of(cls, label: LabelClass) -> LabelClassItem:
        """Return a class as it stands in the file."""
        return cls(name=label.name, color=label.color, value=label.value)

    def to_class(self) -> LabelClass:
        """Return the class as the rest of the code knows it."""
        return LabelClass(self.name, self.color, self.value)


class ProjectFile(BaseModel):
    """`project.yaml`. `revision` counts its own changes; picks and labels count theirs."""

    model_config = ConfigDict(extra="forbid")

    format: int = FORMAT
    revision: int = 0
    name: str
    tomograms: list[TomogramItem] = []
    membranes: list[MembraneItem] = []
    classes: list[ClassItem] = []
    label_classes: list[LabelClassItem] = []
    label_values_used: int = 0
    """Highest value that a class of voxels ever had: no other class gets it."""
    current_model: str | None = None
    runs: str | None = None
    """Folder of its trainings where they lie elsewhere; may be relative to the project's."""


def is_project(folder: Path) -> bool:
    """Return whether a folder is a project."""
    return (folder / PROJECT_FILE).is_file()


def runs_folder(folder: Path) -> Path:
    """Return where the trainings of a project lie, or those of a folder that is none.

    Raises
    ------
    TomoscribeError
        If the project cannot be read.
    """
    return runs_of(folder, read_project_file(folder).runs if is_project(folder) else None)


def runs_of(folder: Path, stored: str | None) -> Path:
    """Return where the trainings of a project lie, by what its file says of it."""
    return Path(os.path.normpath(folder / stored)) if stored else folder / RUNS_FOLDER


def stored_runs(folder: Path, runs_dir: Path | None) -> str | None:
    """Return a folder of trainings as `project.yaml` has it: relative where both move together."""
    if runs_dir is None:
        return None
    beside = runs_dir.is_relative_to(folder.parent)
    return Path(os.path.relpath(runs_dir, folder)).as_posix() if beside else str(runs_dir)


def names_with_picks(folder: Path) -> set[str]:
    """Return the names of a project's tomograms with picks, also of those that were removed."""
    return {path.stem for path in (folder / PICKS_FOLDER).glob("*.jsonl")}


def make_folders(folder: Path, runs_dir: Path) -> None:
    """Make the folders of a new project.

    Raises
    ------
    TomoscribeError
        If the system refuses.
    """
    try:
        (folder / PICKS_FOLDER).mkdir(parents=True, exist_ok=True)
        runs_dir.mkdir(exist_ok=True)
    except OSError as error:
        raise TomoscribeError(
            f"Cannot make a project in {folder} ({error.strerror or error})."
        ) from error


def read_project_file(folder: Path) -> ProjectFile:
    """Read `project.yaml`.

    Raises
    ------
    TomoscribeError
        If there is none, it is damaged, or it was written by a newer version.
    """
    path = folder / PROJECT_FILE
    if not path.is_file():
        raise TomoscribeError(f"{folder} is no tomoscribe project: it holds no {PROJECT_FILE}.")
    try:
        # A safe loader: no file can make anything run.
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise TomoscribeError(f"Cannot read {path} ({error.strerror or error}).") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TomoscribeError(
            f"{path} is damaged and cannot be read as YAML: restore it from a copy."
        ) from error
    if (
        isinstance(content, dict)
        and isinstance(content.get("format"), int)
        and content["format"] > FORMAT
    ):
        raise TomoscribeError(
            f"{path} was written by a newer tomoscribe: install that version to open it."
        )
    try:
        return ProjectFile.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise TomoscribeError(f"{path} has a wrong entry at '{where}': {first['msg']}.") from error


def write_project_file(folder: Path, content: ProjectFile) -> None:
    """Write `project.yaml` atomically.

    Raises
    ------
    TomoscribeError
        If it cannot be written; the former file is untouched.
    """
    write_text_atomic(folder / PROJECT_FILE, text_of(content))


def text_of(content: ProjectFile) -> str:
    """Return a project's file as text; a second time it costs what differs from the first."""
    values = content.model_dump(mode="json")
    values["format"] = _format_of(content)
    for item in values["tomograms"]:
        edges = item.pop("voxel_sizes_zyx_A")
        if edges is not None:  # no key without need: older versions refuse those that are new
            item["voxel_sizes_zyx_A"] = tuple(edges)
    if not content.membranes:
        del values["membranes"]
    if not content.label_values_used:
        del values["label_classes"], values["label_values_used"]
    if content.current_model is None:
        del values["current_model"]
    if content.runs is None:
        del values["runs"]
    return "".join(_entry_text(key, value) for key, value in values.items())


def _format_of(content: ProjectFile) -> int:
    if content.runs is not None:
        return FORMAT
    return 3 if content.label_values_used else 2 if content.membranes else 1


def _entry_text(key: str, value: object) -> str:
    """Return one entry of the file, put together from items that are mostly known from before."""
    if isinstance(value, list) and value:
        return f"{key}:\n" + "".join(_item_text(tuple(item.items())) for item in value)
    return _dumped({key: value})


@lru_cache(maxsize=20_000)
def _item_text(item: tuple[tuple[str, object], ...]) -> str:
    return _dumped([{k: list(v) if isinstance(v, tuple) else v for k, v in item}])


def _dumped(value: object) -> str:
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True))


def journal_path(folder: Path, name: str) -> Path:
    """Return where the journal of a tomogram lies."""
    return folder / PICKS_FOLDER / f"{name}.jsonl"


def painted_path(folder: Path, name: str) -> Path:
    """Return where the painted labels of a tomogram lie."""
    return folder / LABELS_FOLDER / f"{name}.zarr"


def painted_revision_path(store: Path) -> Path:
    """Return the file in which painted labels count their changes."""
    return store / "revision"


def painted_revision(store: Path) -> int:
    """Return the number of changes of painted labels; 0 where there are none."""
    try:
        return int(painted_revision_path(store).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def project_revision(folder: Path) -> int:
    """Return a number that grows with every change of a project, whichever process makes it.

    Costs one short read a tomogram. Journals and labels of removed tomograms stay and count on.
    """
    try:
        match = _REVISION_LINE.search((folder / PROJECT_FILE).read_bytes())
    except OSError:
        match = None
    own = int(match.group(1)) if match else 0
    picks = sum(journal.revision(p) for p in _named(folder / PICKS_FOLDER, ".jsonl"))
    return own + picks + sum(map(painted_revision, _named(folder / LABELS_FOLDER, ".zarr")))


def _named(folder: Path, suffix: str) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries if entry.name.endswith(suffix)]
    except OSError:
        return []


def stored_path(folder: Path, path: Path) -> str:
    """Return a path as `project.yaml` has it: relative when inside the project."""
    text, inside = str(path), f"{folder}{os.sep}"
    return Path(text.removeprefix(inside)).as_posix() if text.startswith(inside) else text


def resolved_path(folder: Path, stored: str) -> Path:
    """Return the path of a tomogram or membrane as it is used."""
    return Path(stored) if "://" in stored else folder / stored


def item_of(folder: Path, entry: TomogramEntry) -> TomogramItem:
    """Return a tomogram as it stands in the file."""
    address = entry.address
    return TomogramItem.model_construct(
        name=entry.name,
        path=address if "://" in address else stored_path(folder, entry.path),
        voxel_size_A=entry.voxel_size_A,
        role=entry.role,
        voxel_sizes_zyx_A=entry.voxel_sizes_zyx_A,
    )
