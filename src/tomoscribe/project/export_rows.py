"""The first rows of an export: lines of the file, or a table of what a binary file holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.coords import zyx_to_xyz
from tomoscribe.io.pick_formats import WRITABLE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.io.pick_files import Flavour, PickColumns

_FIRST_ROWS = 5


def first_rows(path: Path, flavour: Flavour, back: PickColumns) -> tuple[str, ...]:
    """Return the first rows of a written file.

    Parameters
    ----------
    path : Path
        The file.
    flavour : str
        Its format.
    back : PickColumns
        What was read from it.
    """
    if not WRITABLE[flavour].rows_in_text:
        return _rendered(back)
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    return tuple(lines[-len(back) :][:_FIRST_ROWS])


def _rendered(back: PickColumns) -> tuple[str, ...]:
    """Return a header and rows of what was read, in voxels."""
    first = back.take(np.arange(min(len(back), _FIRST_ROWS)))
    header, columns = ["x", "y", "z"], [_cells(v) for v in zyx_to_xyz(first.zyx).T]
    if first.class_names is not None:
        header.append("class")
        columns.append([name.replace(" ", "_") for name in first.class_names])
    if first.scores is not None:
        header.append("score")
        columns.append(_cells(first.scores))
    if first.normals_zyx is not None:
        header += ["nx", "ny", "nz"]
        columns += [_cells(v) for v in first.normals_zyx.T[::-1]]
    if first.angles_deg is not None:
        header.append("angle")
        columns.append(_cells(first.angles_deg))
    rows = [" ".join(cells) for cells in zip(*columns, strict=True)]
    return (" ".join(header), *rows)


def _cells(values: NDArray[np.float64]) -> list[str]:
    return ["-" if np.isnan(v) else f"{v:.3f}" for v in values]
