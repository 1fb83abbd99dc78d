"""Motive lists of AV3, TOM and novaSTA: EM files with 20 numbers a particle."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import emfile
import numpy as np

from tomoscribe.coords import relion_to_tom, tom_to_relion, xyz_to_zyx, zyx_to_xyz
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import atomic_path
from tomoscribe.io.numbered import (
    angles_to_write,
    known_scores,
    names_of_classes,
    numbers_of_classes,
    numbers_of_tomograms,
    read_angles,
    scores_or,
)
from tomoscribe.io.pick_columns import PickColumns

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.coords import Geometry

_FIELDS = 20
_HEADER_BYTES = 512
_ITEM_BYTES = {1: 1, 2: 2, 4: 4, 5: 4, 9: 8}
_SCORE, _ID, _TOMOGRAM, _CLASS = 0, 3, 4, 19
_POSITION, _SHIFT, _ANGLES = slice(7, 10), slice(10, 13), slice(16, 19)
_TEXTS = {"comment": 80, "username": 20, "date": 8, "userdata": 228}


def is_motive_list(path: Path) -> bool:
    """Return whether an EM file holds a table of 20 by N numbers, and not a volume."""
    shape = _shape_xyz(path)
    return shape is not None and shape[2] == 1 and _FIELDS in shape[:2]


def _shape_xyz(path: Path) -> tuple[int, int, int] | None:
    """Return the size x y z of an EM file that is as long as its header says."""
    with path.open("rb") as file:
        head = file.read(16)
    if len(head) < 16:
        return None
    x, y, z = struct.unpack("<3i", head[4:])
    item = _ITEM_BYTES.get(head[3])
    if item is None or min(x, y, z) < 0:
        return None
    return (x, y, z) if path.stat().st_size == _HEADER_BYTES + x * y * z * item else None


def read_em(path: Path, geometry: Geometry | None = None) -> PickColumns:
    """Read a motive list, with shifts applied, in voxels; 20 rows and 20 columns both do.

    Numbers are taken over as they are, as for STOPGAP. The list does not tell its voxel size.

    Raises
    ------
    TomoscribeError
        If it is a volume, broken, or has positions or angles that are NaN.
    """
    shape = _shape_xyz(path)
    if shape is None:
        raise TomoscribeError(f"{path} is not an EM file, or it is cut off.")
    if not is_motive_list(path):
        size = " x ".join(map(str, shape))
        raise TomoscribeError(
            f"{path} is an EM volume of {size} voxels, not a motive list of 20 numbers a particle."
        )
    if not shape[0] * shape[1]:
        return PickColumns(np.zeros((0, 3)), notes=(f"{path.name} holds no picks.",))
    rows = np.asarray(emfile.read(path)[1][0], dtype=np.float64)
    # Files hold particle after particle; some programs write field after field.
    if shape[0] != _FIELDS:
        rows = rows.T
    needed = [*range(7, 13), *range(16, 19)]
    bad = np.flatnonzero(~np.isfinite(rows[:, needed]).all(axis=1))
    if len(bad):
        raise TomoscribeError(f"Particle {bad[0] + 1} of {path} has a NaN where a number must be.")
    angles = rows[:, _ANGLES]
    normals, turns = read_angles(angles, tom_to_relion)
    tomograms = rows[:, _TOMOGRAM]
    return PickColumns(
        zyx=xyz_to_zyx(rows[:, _POSITION] + rows[:, _SHIFT]),
        class_names=names_of_classes(rows[:, _CLASS]),
        scores=known_scores(rows[:, _SCORE]),
        normals_zyx=normals,
        angles_deg=turns,
        tomogram=[f"{n:.0f}" for n in tomograms] if tomograms.any() else None,
    )


def write_em(path: Path, columns: PickColumns, geometry: Geometry, tomogram_name: str) -> None:
    """Write a motive list in float32 atomically: whole voxels as positions, the rest as shifts.

    Raises
    ------
    TomoscribeError
        If the disk refuses.
    """
    count = len(columns)
    rows: NDArray[np.float32] = np.zeros((count, _FIELDS), dtype=np.float32)
    xyz = zyx_to_xyz(columns.zyx)
    whole = np.rint(xyz)
    rows[:, _SCORE] = scores_or(columns)
    rows[:, _ID] = np.arange(1, count + 1)
    rows[:, _TOMOGRAM] = numbers_of_tomograms(columns, tomogram_name)
    rows[:, 5] = 1
    rows[:, _POSITION], rows[:, _SHIFT] = whole, xyz - whole
    rows[:, _ANGLES] = angles_to_write(columns, relion_to_tom)
    rows[:, _CLASS] = numbers_of_classes(columns)
    # emfile fills texts that it is not given with the letter A.
    texts = {name: "\0" * size for name, size in _TEXTS.items()}
    with atomic_path(path) as temporary:
        emfile.write(temporary, rows[None], header_params=texts, overwrite=True)
