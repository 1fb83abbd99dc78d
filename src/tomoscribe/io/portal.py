"""Point files of the CryoET Data Portal: a JSON object a line, in voxels."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.transform import Rotation

from tomoscribe.coords import (
    orientation_to_rotation,
    rotation_to_orientation,
    xyz_to_zyx,
    zyx_to_xyz,
)
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import write_text_atomic
from tomoscribe.io.numbered import oriented
from tomoscribe.io.pick_columns import PickColumns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.coords import Geometry

_TURN = 1e-2
"""A matrix further from a rotation than this is none; files round to a few digits."""


def read_portal(path: Path, geometry: Geometry | None = None) -> PickColumns:
    """Read points, oriented points or instance points; instances become classes.

    Raises
    ------
    TomoscribeError
        If a line is no point.
    """
    rows: list[dict[str, Any]] = []
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise TomoscribeError(f"{path} is not a text file.") from error
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise TomoscribeError(f"Line {number} of {path} is no JSON.") from error
        if not isinstance(row, dict) or "location" not in row:
            raise TomoscribeError(
                f"Line {number} of {path} is no point: it has no location. A description of an "
                "annotation is read together with its .ndjson file."
            )
        rows.append(row)
    xyz = [point_xyz(path, i, row["location"]) for i, row in enumerate(rows, 1)]
    instances = [row.get("instance_id") for row in rows]
    normals, turns = matrices_to_orientation(
        path,
        [row.get("xyz_rotation_matrix") for row in rows],
        [row.get("type") == "orientedPoint" for row in rows],
    )
    return PickColumns(
        zyx=xyz_to_zyx(np.array(xyz).reshape(-1, 3)),
        class_names=None
        if None in instances or len(set(instances)) < 2
        else [f"instance_{i}" for i in instances],
        normals_zyx=normals,
        angles_deg=turns,
    )


def point_xyz(path: Path, number: int, location: object) -> list[float]:
    """Return x y z of a JSON object with these keys.

    Raises
    ------
    TomoscribeError
        If one is missing or no finite number.
    """
    values = [location.get(axis) for axis in "xyz"] if isinstance(location, dict) else [None]
    if not all(isinstance(v, int | float) and np.isfinite(v) for v in values):
        raise TomoscribeError(f"Point {number} of {path} has no numbers x, y and z.")
    return [float(v) for v in values if v is not None]


def matrices_to_orientation(
    path: Path, matrices: Sequence[object], certain: Sequence[bool]
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Return normals (N, 3) z y x and rotations about them (N,) in degrees of matrices.

    Matrices turn a particle's axes x y z to the tomogram's; of 4 by 4 the rotation counts.
    Where there is none, or the identity of a pick that is not `certain` to have an orientation,
    it is unknown: NaN, and None for both where no pick has one.

    Raises
    ------
    TomoscribeError
        If a matrix is no rotation.
    """
    known, turns = [], []
    for i, matrix in enumerate(matrices):
        if matrix is None:
            continue
        try:
            values = np.array(matrix, dtype=np.float64)[:3, :3]
            wrong = values.shape != (3, 3) or not np.allclose(
                values @ values.T, np.eye(3), atol=_TURN
            )
        except (ValueError, TypeError, IndexError):
            wrong = True
        if wrong or np.linalg.det(values) < 0:
            raise TomoscribeError(f"The matrix of point {i + 1} of {path} is no rotation.")
        if certain[i] or not np.array_equal(values, np.eye(3)):
            known.append(i)
            turns.append(values)
    if not known:
        return None, None
    normals, angles = np.full((len(matrices), 3), np.nan), np.full(len(matrices), np.nan)
    normals[known], angles[known] = rotation_to_orientation(Rotation.from_matrix(np.array(turns)))
    return normals, angles


def write_portal(path: Path, columns: PickColumns, geometry: Geometry, tomogram_name: str) -> None:
    """Write points atomically, oriented ones for the picks that have a normal.

    Raises
    ------
    TomoscribeError
        If the disk refuses.
    """
    xyz = zyx_to_xyz(columns.zyx).tolist()
    rows: list[dict[str, Any]] = [
        {"type": "point", "location": dict(zip("xyz", p, strict=True))} for p in xyz
    ]
    known = np.flatnonzero(oriented(columns))
    if len(known):
        picked = columns.take(known)
        assert picked.normals_zyx is not None
        rotation = orientation_to_rotation(picked.normals_zyx, picked.angles_deg)
        for i, matrix in zip(known, rotation.as_matrix().tolist(), strict=True):
            rows[i] |= {"type": "orientedPoint", "xyz_rotation_matrix": matrix}
    write_text_atomic(path, "".join(json.dumps(row) + "\n" for row in rows))
