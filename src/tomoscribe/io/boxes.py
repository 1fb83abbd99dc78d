"""Boxes around particles: EMAN's .box in two dimensions, crYOLO's .cbox in three."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import starfile

from tomoscribe.coords import xyz_to_zyx, zyx_to_xyz
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import write_text_atomic
from tomoscribe.io.pick_columns import PickColumns
from tomoscribe.io.star import numbers

if TYPE_CHECKING:
    from pathlib import Path

    from tomoscribe.coords import Geometry

_BOX_VOXELS = 10.0
"""Edge of a box whose particle has no known diameter, as napari-boxmanager takes it."""
_CORNERS = ("CoordinateX", "CoordinateY")
_SIZES = ("Width", "Height")
_CBOX_COLUMNS = (
    *("CoordinateX", "CoordinateY", "CoordinateZ", "Width", "Height", "Depth"),
    *("EstWidth", "EstHeight", "Confidence", "NumBoxes", "Angle"),
)
_FLAT = "{} holds boxes in two dimensions: all picks are in the first slice."


def read_box(path: Path, geometry: Geometry | None = None) -> PickColumns:
    """Read an EMAN box file: corner x y and size, two-dimensional.

    Raises
    ------
    TomoscribeError
        If a line is no box.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError as error:
        raise TomoscribeError(f"{path} is not a text file.") from error
    rows = []
    for number, line in enumerate(lines, 1):
        cells = line.split()
        if not cells or line.lstrip().startswith("#"):
            continue
        try:
            values = [float(cell) for cell in cells[:4]]
        except ValueError:
            values = []
        if len(values) != 4 or not np.isfinite(values).all():
            raise TomoscribeError(
                f"Line {number} of {path} is '{line.strip()}' where corner and size of a box "
                "must be: four numbers."
            )
        rows.append(values)
    boxes = np.array(rows, dtype=np.float64).reshape(-1, 4)
    xyz = np.column_stack([boxes[:, :2] + boxes[:, 2:] / 2, np.zeros(len(boxes))])
    return PickColumns(zyx=xyz_to_zyx(xyz), notes=(_FLAT.format(path.name),))


def read_cbox(path: Path, geometry: Geometry | None = None) -> PickColumns:
    """Read crYOLO's boxes: corner and size in x and y, but the middle in z.

    Filaments become classes.

    Raises
    ------
    TomoscribeError
        If it cannot be parsed, or its block of boxes is missing.
    """
    try:
        found = starfile.read(path, always_dict=True)
    except OSError:
        raise
    except Exception as error:  # starfile lets pass whatever its parsers meet
        raise TomoscribeError(f"{path} is not a CBOX file that can be parsed.") from error
    block = found.get("cryolo")
    if block is None:
        raise TomoscribeError(f"{path} is not a CBOX file: it has no block data_cryolo.")
    table = block if isinstance(block, pd.DataFrame) else pd.DataFrame([block])
    table = table.rename(columns=lambda name: str(name).lstrip("_"))
    corners, sizes = numbers(path, table, _CORNERS), numbers(path, table, _SIZES)
    if corners is None or sizes is None:
        missing = [c for c in (*_CORNERS, *_SIZES) if c not in table]
        raise TomoscribeError(f"{path} lacks the column {' and '.join(missing)}.")
    z = numbers(path, table, ("CoordinateZ",), finite=False)
    flat = z is None or bool(np.isnan(z).all())
    depth = np.zeros(len(table)) if flat or z is None else z[:, 0]
    if np.isnan(depth).any():
        raise TomoscribeError(f"Particle {int(np.isnan(depth).argmax()) + 1} of {path} has no z.")
    scores = numbers(path, table, ("Confidence",), finite=False)
    filaments = numbers(path, table, ("filamentid",), finite=False)
    return PickColumns(
        zyx=xyz_to_zyx(np.column_stack([corners + sizes / 2, depth])),
        class_names=None
        if filaments is None or np.isnan(filaments).any()
        else [f"filament_{n:.0f}" for n in filaments[:, 0]],
        scores=None if scores is None or np.isnan(scores).all() else scores[:, 0],
        notes=(_FLAT.format(path.name),) if flat else (),
    )


def write_cbox(path: Path, columns: PickColumns, geometry: Geometry, tomogram_name: str) -> None:
    """Write crYOLO's boxes atomically; an edge is the particle's diameter where that is known.

    Raises
    ------
    TomoscribeError
        If the disk refuses.
    """
    xyz = zyx_to_xyz(columns.zyx)
    edges = np.full(len(columns), _BOX_VOXELS)
    if columns.diameters_A is not None and geometry.voxel_size_A is not None:
        known = columns.diameters_A / geometry.voxel_size_A
        edges = np.where(np.isfinite(known), np.maximum(1.0, np.rint(known)), edges)
    lines = ["", "data_global", "", "_cbox_format_version 1.0", "", "data_cryolo", "", "loop_"]
    lines += [f"_{name} #{i}" for i, name in enumerate(_CBOX_COLUMNS, 1)]
    scores = np.full(len(columns), np.nan) if columns.scores is None else columns.scores
    for (x, y, z), edge, score in zip(xyz, edges, scores, strict=True):
        confidence = "<NA>" if np.isnan(score) else f"{score:.6g}"
        lines.append(
            f"{x - edge / 2:.4f} {y - edge / 2:.4f} {z:.4f} {edge:g} {edge:g} {edge:g} "
            f"{edge:g} {edge:g} {confidence} <NA> <NA>"
        )
    slices = np.unique(np.rint(xyz[:, 2]))
    lines += ["", "data_cryolo_include", "", "loop_", "_slice_index #1"]
    lines += [f"{z:.0f}" for z in slices]
    write_text_atomic(path, "\n".join([*lines, ""]))
