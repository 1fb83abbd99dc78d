"""STOPGAP motive lists: STAR files with columns and angles of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import starfile

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
from tomoscribe.io.star import numbers

if TYPE_CHECKING:
    from pathlib import Path

    from tomoscribe.coords import Geometry

BLOCK = "stopgap_motivelist"
_POSITION = ("orig_x", "orig_y", "orig_z")
_SHIFT = ("x_shift", "y_shift", "z_shift")
_ANGLES = ("phi", "psi", "the")


def is_stopgap(path: Path) -> bool:
    """Return whether a STAR file is a STOPGAP motive list, by its first lines."""
    with path.open("rb") as file:
        return f"data_{BLOCK}".encode() in file.read(4096)


def read_stopgap(path: Path, geometry: Geometry | None = None) -> PickColumns:
    """Read a motive list, with shifts applied, in voxels.

    Numbers are taken over as they are, as STOPGAP's own conversion to RELION does. The list
    does not tell its voxel size.

    Raises
    ------
    TomoscribeError
        If it cannot be parsed, or lacks positions.
    """
    try:
        table = starfile.read(path, always_dict=True, parse_as_string=["halfset"])[BLOCK]
    except OSError:
        raise
    except Exception as error:  # starfile lets pass whatever its parsers meet
        raise TomoscribeError(f"{path} is not a STAR file that can be parsed.") from error
    table = table if isinstance(table, pd.DataFrame) else pd.DataFrame([table])
    position = numbers(path, table, _POSITION)
    if position is None:
        missing = [c for c in _POSITION if c not in table]
        raise TomoscribeError(f"{path} lacks the column {' and '.join(missing)}.")
    shift = numbers(path, table, _SHIFT)
    angles = numbers(path, table, _ANGLES)
    normals, turns = (None, None) if angles is None else read_angles(angles, tom_to_relion)
    scores = numbers(path, table, ("score",), finite=False)
    classes = numbers(path, table, ("class",))
    tomograms = numbers(path, table, ("tomo_num",))
    return PickColumns(
        zyx=xyz_to_zyx(position if shift is None else position + shift),
        class_names=None if classes is None else names_of_classes(classes[:, 0]),
        scores=None if scores is None else known_scores(scores[:, 0]),
        normals_zyx=normals,
        angles_deg=turns,
        tomogram=None if tomograms is None else [f"{n:.0f}" for n in tomograms[:, 0]],
    )


def write_stopgap(path: Path, columns: PickColumns, geometry: Geometry, tomogram_name: str) -> None:
    """Write a motive list atomically: whole voxels as positions, the rest as shifts.

    Raises
    ------
    TomoscribeError
        If the disk refuses.
    """
    count = len(columns)
    ids = np.arange(1, count + 1)
    xyz = zyx_to_xyz(columns.zyx)
    whole = np.rint(xyz)
    table: dict[str, object] = {
        "motl_idx": ids,
        "tomo_num": numbers_of_tomograms(columns, tomogram_name),
        "object": np.ones(count, dtype=int),
        "subtomo_num": ids,
        "halfset": np.where(ids % 2, "A", "B"),
    }
    table.update(zip(_POSITION, whole.T, strict=True))
    table["score"] = scores_or(columns)
    table.update(zip(_SHIFT, (xyz - whole).T, strict=True))
    table.update(zip(_ANGLES, angles_to_write(columns, relion_to_tom).T, strict=True))
    table["class"] = numbers_of_classes(columns)
    with atomic_path(path) as temporary:
        starfile.write({BLOCK: pd.DataFrame(table)}, temporary, float_format="%.6f")
