"""What objects measure: one row an object, in nm; the background is none."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from tomoscribe.io.atomic import atomic_path
from tomoscribe.segmentation.sections import numbered_by_section
from tomoscribe.segmentation.surfaces import surface_area

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.io.arrays import LazyArray

    Triple = tuple[float, float, float]

LARGEST_LABEL = 1 << 22
"""Higher numbers are counted anew, since tables are as long as the highest number."""
TABLE_COLUMNS = (
    *("id", "class", "voxels", "volume_nm3", "surface_nm2"),
    *(f"centroid_{axis}_{unit}" for unit in ("nm", "voxel") for axis in "xyz"),
    *(f"{side}_{axis}_voxel" for side in ("first", "last") for axis in "xyz"),
    "touches_border",
)
"""What is told of an object."""
_SLAB_VOXELS = 1 << 23
"""Measured at once."""


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
        It may go on outside of the volume, so its sizes are too small. Where objects are of one
        section each, only the edges of the section count.
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
    labels: LazyArray,
    voxel_size_zyx_nm: Triple,
    class_names: Sequence[str] = (),
    class_of: NDArray[np.integer] | None = None,
    *,
    in_sections: Collection[str] | None = None,
    surfaces: bool = True,
    between: Callable[[], None] = lambda: None,
) -> list[ObjectRow]:
    """Measure all objects of a label volume.

    Parameters
    ----------
    labels : (Z, Y, X) array of int
        0 is background, else the number of an object. Also an array that reads its file when it is
        sliced: memory holds a slab of it, or the box of an object up to a limit.
    voxel_size_zyx_nm : tuple of float
    class_names : sequence of str
    class_of : array of int, optional
        Index into `class_names` by number, as `Segmentation.class_of`.
    in_sections : collection of str, optional
        Classes whose objects are of one section each; by default all or none, as numbers tell.
    surfaces : bool
        Whether surfaces are measured, which takes most of the time; else they are NaN.
    between : callable
        Called between the objects; what it raises ends the work.

    Returns
    -------
    list of ObjectRow
        By number; numbers that no voxel has are left out.
    """
    rows = []
    extents = _extents(labels, between)
    all_anew = in_sections is None and numbered_by_section(labels, _sections_of(extents.values()))
    for number, extent in sorted(extents.items()):
        between()
        name = ""
        if class_of is not None and number < len(class_of) and class_of[number] >= 0:
            name = class_names[int(class_of[number])]
        flat = all_anew if in_sections is None else name in in_sections
        row = _row(number, name, extent, labels.shape, voxel_size_zyx_nm, flat=flat)
        if surfaces:
            measured = surface_area(labels, number, row.lo_zyx, row.hi_zyx, voxel_size_zyx_nm)
            row = replace(row, surface_nm2=measured)
        rows.append(row)
    return rows


@dataclass
class _Extent:
    """What is known of an object: voxels, the sums of their places, and the box around them."""

    voxels: int
    sums: NDArray[np.float64]
    lo: NDArray[np.int64]
    hi: NDArray[np.int64]

    def add(self, other: _Extent) -> None:
        self.voxels += other.voxels
        self.sums += other.sums
        self.lo, self.hi = np.minimum(self.lo, other.lo), np.maximum(self.hi, other.hi)


def _extents(labels: LazyArray, between: Callable[[], None]) -> dict[int, _Extent]:
    """Return the extent of each object by its number; a slab of the volume is read at a time."""
    found: dict[int, _Extent] = {}
    thick = max(1, _SLAB_VOXELS // max(labels.shape[1] * labels.shape[2], 1))
    for z in range(0, labels.shape[0], thick):
        between()
        values, numbered = _numbered(np.asarray(labels[z : z + thick]))
        for index, box in enumerate(scipy.ndimage.find_objects(numbered), start=1):
            if box is None:
                continue
            extent = _extent(numbered[box] == index, box, z)
            number = int(values[index])
            if number in found:
                found[number].add(extent)
            else:
                found[number] = extent
    return found


def _sections_of(extents: Iterable[_Extent]) -> list[int]:
    """Return the sections that objects reach through."""
    found: set[int] = set()
    for extent in extents:
        found.update(range(int(extent.lo[0]), int(extent.hi[0])))
    return sorted(found)


def _extent(mask: NDArray[np.bool_], box: tuple[slice, ...], first_z: int) -> _Extent:
    start = np.array([b.start for b in box]) + np.array([first_z, 0, 0])
    voxels = int(np.count_nonzero(mask))
    inner = [float((np.arange(n) * _along(mask, axis)).sum()) for axis, n in enumerate(mask.shape)]
    return _Extent(voxels, np.array(inner) + voxels * start, start, start + mask.shape)


def _row(
    number: int,
    class_name: str,
    extent: _Extent,
    shape: tuple[int, ...],
    voxel_nm: Triple,
    *,
    flat: bool,
) -> ObjectRow:
    z, y, x = (extent.sums / extent.voxels).tolist()
    sides = np.array(shape)
    cuts = (sides > 1) & np.array([not flat, True, True])
    return ObjectRow(
        number=number,
        class_name=class_name,
        voxels=extent.voxels,
        volume_nm3=extent.voxels * math.prod(voxel_nm),
        surface_nm2=math.nan,
        centroid_zyx=(z, y, x),
        centroid_zyx_nm=(z * voxel_nm[0], y * voxel_nm[1], x * voxel_nm[2]),
        lo_zyx=_triple(extent.lo),
        hi_zyx=_triple(extent.hi),
        touches_border=bool((((extent.lo == 0) | (extent.hi == sides)) & cuts).any()),
    )


def with_classes(rows: Sequence[ObjectRow], classes: str | Mapping[int, str]) -> list[ObjectRow]:
    """Return the rows with class names: one for all objects, or by number."""
    if isinstance(classes, str):
        return [replace(row, class_name=classes) for row in rows]
    return [replace(row, class_name=classes.get(row.number, "")) for row in rows]


def table_cells(row: ObjectRow) -> tuple[int | float | str | bool, ...]:
    """Return the values of a row in the order of `TABLE_COLUMNS`."""
    return (
        row.number,
        row.class_name,
        row.voxels,
        row.volume_nm3,
        row.surface_nm2,
        *reversed(row.centroid_zyx_nm),
        *reversed(row.centroid_zyx),
        *reversed(row.lo_zyx),
        *(last - 1 for last in reversed(row.hi_zyx)),
        row.touches_border,
    )


def write_object_table(path: str | Path, rows: Sequence[ObjectRow]) -> None:
    """Write the table as CSV, atomically.

    Raises
    ------
    TomoscribeError
        If the system refuses the write.
    """
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(TABLE_COLUMNS)
        for row in rows:
            writer.writerow(map(_text, TABLE_COLUMNS, table_cells(row)))


def _text(column: str, value: float | str) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return ""
    return f"{value:.6g}" if column.endswith(("_nm2", "_nm3")) else f"{value:.3f}"


def _triple(values: NDArray[np.int64]) -> tuple[int, int, int]:
    z, y, x = (int(v) for v in values)
    return z, y, x


def _along(mask: NDArray[np.bool_], axis: int) -> NDArray[np.int64]:
    counts: NDArray[np.int64] = mask.sum(axis=tuple(a for a in range(3) if a != axis))
    return counts


def _numbered(labels: NDArray[Any]) -> tuple[NDArray[np.integer], NDArray[np.int32]]:
    """Return values by number, and labels numbered so; values stay numbers where they are low."""
    highest = int(labels.max(initial=0))
    if highest <= LARGEST_LABEL:
        return np.arange(highest + 1), labels.astype(np.int32, copy=False)
    values, inverse = np.unique(labels, return_inverse=True)
    if values[0] != 0:
        values, inverse = np.concatenate([np.zeros_like(values[:1]), values]), inverse + 1
    return values, inverse.reshape(labels.shape).astype(np.int32)
