"""Labelled tomograms as files hold them: a folder of volumes and STAR files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.membrane_h5 import is_membrane_file
from tomoscribe.io.pick_files import read_picks
from tomoscribe.io.pick_formats import LABEL_SUFFIXES
from tomoscribe.io.volumes import is_volume, open_volume
from tomoscribe.project.model import Role
from tomoscribe.project.names import free_name, safe_name, tomogram_stem

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.coords import Geometry

_ROLES = {"train": Role.TRAIN, "val": Role.VALIDATE}


@dataclass(frozen=True)
class RawSample:
    """One tomogram and its labels, before they are checked against each other.

    Parameters
    ----------
    name : str
        The volume's name without suffix.
    volume_path : str
        The volume's file.
    role : Role
        What it is used for.
    labels_path : Path
        The file with the labels, for sentences.
    zyx : (N, 3) array of float
        Positions in voxels of the volume.
    class_names : tuple of str or None
        The class of each position, where the file tells it.
    geometry : Geometry
        Size, voxel size and origin of the volume.
    notes : tuple of str
        What was odd.
    """

    name: str
    volume_path: str
    role: Role
    labels_path: Path
    zyx: NDArray[np.float64]
    class_names: tuple[str, ...] | None
    geometry: Geometry
    notes: tuple[str, ...] = ()


def volume_geometry(path: str, voxel_size_A: float | None = None) -> Geometry:
    """Return the size, voxel size and origin of a volume.

    Remembered until the file changes: a worker asks at every new click, and the header of
    a compressed file is slow to reach.

    Raises
    ------
    TomoscribeError
        If the volume cannot be opened.
    """
    try:
        status = Path(path).stat()
        stamp = (status.st_mtime_ns, status.st_size)
    except OSError:
        stamp = (0, 0)
    return _cached_geometry(path, voxel_size_A, stamp)


@lru_cache(maxsize=1024)
def _cached_geometry(path: str, voxel_size_A: float | None, stamp: tuple[int, int]) -> Geometry:
    return open_volume(path, voxel_size_A).geometry


LABELS = LABEL_SUFFIXES
"""Label files of a training folder; where a volume has both, the later one counts."""


def folder_files(folder: Path) -> list[Path]:
    """Return what tells a change of a training folder: its parts and the label files in them."""
    parts = [folder, *(folder / name for name in _ROLES)]
    folders = [part for part in parts if part.is_dir()]
    files = [f for part in folders for f in sorted(part.iterdir()) if not is_hidden(f)]
    return folders + [f for f in files if f.suffix.lower() in LABELS]


def folder_parts(folder: Path) -> list[tuple[Path, Role]]:
    """Return the folders that hold the data of a training folder: its parts, or a flat one itself.

    Raises
    ------
    TomoscribeError
        If the folder is not there, or has only a part to validate on.
    """
    if not folder.is_dir():
        raise TomoscribeError(f"There is no folder {folder}.")
    parts = [(folder / name, role) for name, role in _ROLES.items() if (folder / name).is_dir()]
    if parts and parts[0][1] != Role.TRAIN:
        raise TomoscribeError(
            f"{folder} has val/ but no train/: put the data to train on into {folder}/train."
        )
    return parts or [(folder, Role.TRAIN)]


def read_folder(
    folder: Path, voxel_size_A: float | None = None
) -> tuple[list[RawSample], list[str]]:
    """Read a folder with `train/` and perhaps `val/`, or a flat one.

    Each tomogram has a volume, `X.mrc` for example, and its labels in `X.star` or `X.csv`.

    Returns
    -------
    samples : list of RawSample
        One for each volume that has labels.
    warnings : list of str
        Sentences about what was left out.

    Raises
    ------
    TomoscribeError
        If there is no volume, a STAR file has no volume, or one is for another tomogram.
    """
    parts = folder_parts(folder)
    samples: list[RawSample] = []
    warnings: list[str] = []
    volume_count = 0
    for part, role in parts:
        volumes, labels = _volumes_and_labels(part)
        volume_count += len(volumes)
        for name in sorted(labels.keys() - volumes.keys()):
            raise TomoscribeError(_without_volume(labels[name]))
        for name in sorted(volumes):
            if name in labels:
                own = free_name(safe_name(name), {s.name for s in samples})
                samples.append(_read_sample(own, volumes[name], labels[name], role, voxel_size_A))
            else:
                warnings.append(f"{volumes[name]} has no {name}.star beside it and is left out.")
    if not volume_count:
        where = parts[0][0] if parts[0][0] != folder else folder / "train"
        raise TomoscribeError(
            f"{folder} holds no tomograms: put X.mrc and X.star of each into {where}."
        )
    if not samples:
        raise TomoscribeError(
            f"{folder} holds tomograms but no picks: put X.star or X.csv beside each X.mrc."
        )
    return samples, warnings


def _without_volume(labels: Path) -> str:
    said = (
        f"There is no volume for {labels}: if it lists picks, put {labels.stem}.mrc, or a link to "
        "it, beside it"
    )
    if labels.suffix.lower() != ".csv":
        return f"{said}."
    return (
        f"{said}; a datasplit is trained on by its own name, `tomoscribe train {labels}`; any "
        "other table must leave the folder, where labels of voxels are X_labels.tif beside X.tif."
    )


def is_hidden(path: Path) -> bool:
    """Return whether a file is one that systems leave beside those of the user, as macOS does."""
    return path.name.startswith(".")


def _volumes_and_labels(part: Path) -> tuple[dict[str, Path], dict[str, Path]]:
    volumes: dict[str, Path] = {}
    labels: dict[str, Path] = {}
    for path in sorted(part.iterdir(), key=lambda p: (p.suffix.lower(), p.name)):
        if is_hidden(path):
            continue
        if path.suffix.lower() in LABELS:
            labels[path.stem] = path
        elif is_volume(path) and not is_membrane_file(path):
            name = tomogram_stem(path.name)
            if name in volumes:
                raise TomoscribeError(
                    f"{part} has two volumes named {name}: {volumes[name].name} and {path.name}."
                )
            volumes[name] = path
    return volumes, labels


def _read_sample(
    name: str, volume: Path, labels: Path, role: Role, voxel_size_A: float | None
) -> RawSample:
    geometry = volume_geometry(str(volume), voxel_size_A)
    columns = read_picks(labels, geometry=geometry).for_tomogram(volume.name, str(labels))
    classes = None if columns.class_names is None else tuple(columns.class_names)
    return RawSample(
        name, str(volume), role, labels, columns.zyx, classes, geometry, tuple(columns.notes)
    )
