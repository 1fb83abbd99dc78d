"""What a script names to be predicted: tomograms and membranes of a project, or files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.file import read_project_file
from tomoscribe.project.names import free_name, safe_name, tomogram_stem
from tomoscribe.scripting.project import Project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomoscribe.io.voxel_size import VoxelSize


@dataclass(frozen=True)
class Sample:
    """A sample that is to be predicted, with what only a project knows of it.

    `size` is the voxel size in Å where the file is not asked for it; `tomogram` the name of the
    tomogram, `tomogram_path` its file where it is not the sample itself.
    """

    name: str
    path: str
    tomogram: str
    size: VoxelSize | None = None
    tomogram_path: str | None = None
    membrane: str = ""


def chosen_samples(
    samples: str | Path | Sequence[str | Path], folder: Path | None, size: VoxelSize | None
) -> list[Sample]:
    """Return the samples that are named.

    Parameters
    ----------
    samples : str, Path or sequence of them
        Names in a project, or files.
    folder : Path or None
        The project.
    size : float, tuple of float or None
        Voxel size in Å of files.

    Raises
    ------
    TomoscribeError
        If one is neither in the project nor a file.
    """
    wanted = [samples] if isinstance(samples, str | Path) else list(samples)
    known = {} if folder is None else _samples_of(folder)
    return [_find(str(name), known, folder, size) for name in wanted]


def folder_of(project: Project | str | Path | None) -> Path | None:
    """Return the folder of a project."""
    if project is None:
        return None
    return project.path if isinstance(project, Project) else Path(project).expanduser()


def stems_of(samples: Sequence[Sample]) -> list[str]:
    """Return a file stem for each sample, no two alike."""
    taken: list[str] = []
    for sample in samples:
        taken.append(free_name(safe_name(tomogram_stem(sample.name)), taken))
    return taken


def _samples_of(folder: Path) -> dict[str, Sample]:
    """Return tomograms and membranes of a project by name."""
    content = read_project_file(folder)
    tomograms = {item.name: item.to_entry(folder) for item in content.tomograms}
    known = {
        name: Sample(name, entry.address, name, entry.size) for name, entry in tomograms.items()
    }
    for item in content.membranes:
        at = tomograms.get(item.tomogram)
        known[item.name] = Sample(
            item.name,
            str(item.to_entry(folder).path),
            item.tomogram,
            None if at is None else at.size,
            None if at is None else at.address,
            item.name,
        )
    return known


def _find(
    name: str, known: dict[str, Sample], folder: Path | None, size: VoxelSize | None
) -> Sample:
    if name in known:
        return known[name]
    if "://" in name or Path(name.partition("::")[0]).exists():
        return Sample(name, name, tomogram_stem(name), size)
    where = "" if folder is None else f", and the project {folder} has no such sample"
    raise TomoscribeError(f"There is no file '{name}'{where}.")
