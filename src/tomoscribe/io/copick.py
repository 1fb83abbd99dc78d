"""copick's JSON files: points of one object in one run, in Å, with their rotations."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.coords import orientation_to_rotation, xyz_to_zyx, zyx_to_xyz
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import write_text_atomic
from tomoscribe.io.numbered import known_scores, oriented, scores_or
from tomoscribe.io.pick_columns import NeedsTomogramError, PickColumns
from tomoscribe.io.portal import matrices_to_orientation, point_xyz

if TYPE_CHECKING:
    from pathlib import Path

    from tomoscribe.coords import Geometry

_HEAD = 65536
_KNOWN = "oriented"
"""A key of ours at points whose orientation is known, and happens to be the identity."""
_USER, _SESSION = "tomoscribe", "1"


def is_copick(path: Path) -> bool:
    """Return whether a JSON file holds copick's points, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return b'"points"' in head and b'"pickable_object_name"' in head


def read_copick(path: Path, geometry: Geometry | None) -> PickColumns:
    """Read the points of one object, in voxels of the tomogram.

    copick counts in Å from the centre of the first voxel; the header's origin plays no part.

    Raises
    ------
    TomoscribeError
        If it is no such file, or the voxel size is unknown.
    """
    try:
        held: Any = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise TomoscribeError(f"{path} is not a JSON file that can be parsed.") from error
    points = held.get("points") if isinstance(held, dict) else None
    if not isinstance(points, list):
        raise TomoscribeError(f"{path} is not a copick file: it has no list of points.")
    if str(held.get("unit") or "angstrom").lower() != "angstrom":
        raise TomoscribeError(f"{path} counts in {held['unit']}, which copick does not define.")
    if geometry is None:
        raise NeedsTomogramError(path, "Å")
    places = [point.get("location") if isinstance(point, dict) else None for point in points]
    xyz = np.array([point_xyz(path, i, p) for i, p in enumerate(places, 1)]).reshape(-1, 3)
    name = str(held.get("pickable_object_name") or "")
    matrices = [p.get("transformation_") for p in points]
    normals, turns = matrices_to_orientation(path, matrices, [bool(p.get(_KNOWN)) for p in points])
    try:
        # copick gives points that nobody scored a 1.
        given = [1.0 if p.get("score") is None else float(p["score"]) for p in points]
    except (TypeError, ValueError) as error:
        raise TomoscribeError(f"{path} has a score that is no number.") from error
    run = held.get("run_name")
    return PickColumns(
        zyx=xyz_to_zyx(xyz) / geometry.require_voxel_size(),
        class_names=[name] * len(points) if name else None,
        scores=known_scores(np.array(given), 1.0),
        normals_zyx=normals,
        angles_deg=turns,
        tomogram=[str(run)] * len(points) if run else None,
    )


def write_copick(path: Path, columns: PickColumns, geometry: Geometry, tomogram_name: str) -> None:
    """Write the points of one class atomically.

    Raises
    ------
    TomoscribeError
        If there are several classes, the voxel size is unknown, or the disk refuses.
    """
    names = list(dict.fromkeys(columns.class_names or ["particle"]))
    if len(names) > 1:
        raise TomoscribeError(
            f"{path}: a copick file holds one object, not {len(names)} ({', '.join(names)}): "
            "write one class at a time."
        )
    size_A = geometry.require_voxel_size()
    matrices = np.tile(np.eye(4), (len(columns), 1, 1))
    known = np.flatnonzero(oriented(columns))
    if len(known):
        picked = columns.take(known)
        assert picked.normals_zyx is not None
        rotation = orientation_to_rotation(picked.normals_zyx, picked.angles_deg)
        matrices[known, :3, :3] = rotation.as_matrix()
    points: list[dict[str, Any]] = [
        {
            "location": dict(zip("xyz", xyz, strict=True)),
            "transformation_": matrix,
            "instance_id": 0,
            "score": score,
        }
        for xyz, matrix, score in zip(
            (zyx_to_xyz(columns.zyx) * size_A).tolist(),
            matrices.tolist(),
            scores_or(columns, 1.0).tolist(),
            strict=True,
        )
    ]
    for i in known:
        if np.array_equal(matrices[i], np.eye(4)):
            points[i][_KNOWN] = True
    held = {
        "pickable_object_name": names[0] if names else "particle",
        "user_id": _USER,
        "session_id": _SESSION,
        "run_name": (columns.tomogram or [tomogram_name])[0],
        "voxel_spacing": size_A,
        "unit": "angstrom",
        "points": points,
    }
    write_text_atomic(path, json.dumps(held, indent=1) + "\n")
