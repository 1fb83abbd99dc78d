"""What objects measure: one row an object, in nm; the background is none."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from tomoscribe.io.atomic import atomic_path
from tomoscribe.segmentation.surfaces import area, object_surface

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Triple = tuple[float, float, float]

LARGEST_LABEL = 1 << 22
"""Higher numbers are counted anew, since tables are as long as the highest number."""


@dataclass(frozen=True)
class ObjectRow:
    """An object.

    Parameters
    ----------
    number : int
        Its value in the label volume.
    class_name : str
        Empty where classes are not told.
    voxels : int
    volume_nm3 : float
    surface_nm2 : float
        Of the closed surface (`surfaces.object_surface`), also along the volume's border.
    centroid_zyx : tuple of float
        Voxels, 0 at the first voxel's centre.
    centroid_zyx_nm : tuple of float
        nm from the first voxel's centre.
    lo_zyx, hi_zyx : tuple of int
        Box lo <= voxel < hi.
    touches_border : bool
        It may go on outside of the volume, so its sizes are too small.
    """

    number: int
    class_name: str
    voxels: int
    volume_nm3: float
    surface_nm2: float
    centroid_zyx: Triple
    centroid_zyx_nm: Triple
    lo_zyx: tuple[int, int, int]
    hi_zyx: tuple[int, int, int]
    touches_border: bool


def object_table(
    labels: NDArray[Any],
    voxel_size_zyx_nm: Triple,
    class_names: Sequence[str] = (),
    class_of: NDArray[np.integer] | None = None,
    *,
    surfaces: bool = True,
    between: Callable[[], None] = lambda: None,
) -> list[ObjectRow]:
    """Measure all objects of a label volume.

    Parameters
    ----------
    labels : (Z, Y, X) array of int
        0 is background, else the number of an object.
    voxel_size_zyx_nm : tuple of float
    class_names : sequence of str
    class_of : array of int, optional
        Index into `class_names` by number, as `Segmentation.class_of`.
    surfaces : bool
        Whether surfaces are measured, which takes most of the time; else they are NaN.
    between : callable
        Called between the objects; what it raises ends the work.

    Returns
    -------
    list of ObjectRow
        By number; numbers that no voxel has are left out.
    """
    values, numbered = _numbered(labels)
    rows = []
    for index, box in enumerate(scipy.ndimage.find_objects(numbered), start=1):
        if box is None:
            continue
        between()
        value = int(values[index])
        name = ""
        if class_of is not None and 0 < value < len(class_of) and class_of[value] >= 0:
            name = class_names[int(class_of[value])]
        mask = numbered[box] == index
        rows.append(_row(value, name, mask, box, labels.shape, voxel_size_zyx_nm, surfaces))
    return rows


def _row(
    number: int,
    class_name: str,
    mask: NDArray[np.bool_],
    box: tuple[slice, ...],
    shape: tuple[int, ...],
    voxel_nm: Triple,
    surfaces: bool,
) -> ObjectRow:
    voxels = int(np.count_nonzero(mask))
    z, y, x = (
        float(b.start + (np.arange(n) * _along(mask, axis)).sum() / voxels)
        for axis, (b, n) in enumerate(zip(box, mask.shape, strict=True))
    )
    return ObjectRow(
        number=number,
        class_name=class_name,
        voxels=voxels,
        volume_nm3=voxels * math.prod(voxel_nm),
        surface_nm2=area(object_surface(mask, voxel_nm)) if surfaces else math.nan,
        centroid_zyx=(z, y, x),
        centroid_zyx_nm=(z * voxel_nm[0], y * voxel_nm[1], x * voxel_nm[2]),
        lo_zyx=(box[0].start, box[1].start, box[2].start),
        hi_zyx=(box[0].stop, box[1].stop, box[2].stop),
        touches_border=any(s.start == 0 or s.stop == n for s, n in zip(box, shape, strict=True)),
    )


def write_object_table(path: str | Path, rows: Sequence[ObjectRow]) -> None:
    """Write the table as CSV, atomically.

    Raises
    ------
    TomoscribeError
        If the system refuses the write.
    """
    header = ["id", "class", "voxels", "volume_nm3", "surface_nm2"]
    header += [f"centroid_{a}_nm" for a in "xyz"] + [f"centroid_{a}_voxel" for a in "xyz"]
    header += [f"{side}_{a}_voxel" for side in ("first", "last") for a in "xyz"]
    header += ["touches_border"]
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for r in rows:
            surface = "" if math.isnan(r.surface_nm2) else f"{r.surface_nm2:.6g}"
            cells: list[object] = [r.number, r.class_name, r.voxels, f"{r.volume_nm3:.6g}", surface]
            cells += [f"{v:.3f}" for v in reversed(r.centroid_zyx_nm)]
            cells += [f"{v:.3f}" for v in reversed(r.centroid_zyx)]
            cells += [*reversed(r.lo_zyx), *(v - 1 for v in reversed(r.hi_zyx))]
            writer.writerow([*cells, "yes" if r.touches_border else "no"])


def _along(mask: NDArray[np.bool_], axis: int) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = mask.sum(axis=tuple(a for a in range(3) if a != axis))
    return counts


def _numbered(labels: NDArray[Any]) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return values by number, and labels numbered so; values stay numbers where they are low."""
    highest = int(labels.max(initial=0))
    if highest <= LARGEST_LABEL:
        return np.arange(highest + 1), labels.astype(np.int32, copy=False)
    values, inverse = np.unique(labels, return_inverse=True)
    if values[0] != 0:
        values, inverse = np.concatenate([[0], values]), inverse + 1
    return values.astype(np.int64), inverse.reshape(labels.shape).astype(np.int32)
