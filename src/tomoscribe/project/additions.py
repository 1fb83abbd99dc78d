"""What is added to a project: files that are looked at first, and the entries made of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.membrane_h5 import is_membrane_file
from tomoscribe.io.volumes import open_volume
from tomoscribe.project.model import MembraneEntry, Role, TomogramEntry
from tomoscribe.project.names import claim_name, tomogram_stem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tomoscribe.io.voxel_size import VoxelSize


def new_tomogram(
    path: str | Path,
    name: str | None,
    voxel_size_A: VoxelSize | None,
    role: Role | None,
    kinds: Mapping[str, str],
    had: Iterable[str],
) -> TomogramEntry:
    """Return the entry of a tomogram; `kinds` and `had` as in `names.claim_name`.

    Raises
    ------
    TomoscribeError
        If it cannot be read, its voxel size is unknown, or the name is taken.
    """
    place = _place(path)
    size = open_volume(path if "://" in str(path) else place, voxel_size_A).require_voxel_size()
    told = voxel_size_A if isinstance(voxel_size_A, tuple) else size
    return entry_of(path, name, told, role, kinds, had)


def entry_of(
    path: str | Path,
    name: str | None,
    voxel_size_A: VoxelSize,
    role: Role | None,
    kinds: Mapping[str, str],
    had: Iterable[str],
    stem: str | None = None,
) -> TomogramEntry:
    """Return the entry of a tomogram that was looked at already; nothing of it is read.

    Without a name it is made of `stem`, else of that of the file.

    Raises
    ------
    TomoscribeError
        If the name is taken.
    """
    place = _place(path)
    own = claim_name(stem or tomogram_stem(str(place)), name, kinds, had)
    entry = TomogramEntry(own, place, 0.0, role or Role.TRAIN)
    entry.size = voxel_size_A
    return entry


def _place(path: str | Path) -> Path:
    text = str(path)
    return Path(text) if "://" in text else Path(text).expanduser().absolute()


def new_membrane(
    path: str | Path, tomogram: str, name: str | None, role: Role | None, kinds: Mapping[str, str]
) -> MembraneEntry:
    """Return the entry of a membrane; `kinds` as in `names.claim_name`.

    Raises
    ------
    TomoscribeError
        If it is no membrane container, or the name is taken.
    """
    place = Path(path).expanduser().absolute()
    if not place.is_file():
        raise TomoscribeError(f"There is no file {place}.")
    if not is_membrane_file(place):
        raise TomoscribeError(
            f"{place} is no membrane container: make one of a segmentation or a mesh with "
            "`tomoscribe mesh`."
        )
    return MembraneEntry(claim_name(place.name, name, kinds), place, tomogram, role or Role.TRAIN)
