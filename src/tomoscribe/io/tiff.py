"""TIFF stacks, with voxel sizes from ImageJ, OME or resolution tags."""

from __future__ import annotations

import logging
import math
import struct
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.arrays import UnpackedArray
from tomoscribe.io.opened import Opened, unit_in_A
from tomoscribe.io.tiff_colours import grey_of_colours, several_colours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tomoscribe.io.arrays import LazyArray

_TAG_UNITS = {2: "inch", 3: "cm"}
_LARGEST_A = 1e5
"""Resolution tags that mean larger voxels were made for printers (72 dpi is 0.35 mm)."""


def open_tiff(place: str, inner: str | None) -> Opened:
    """Open a TIFF stack: mapped where its pages lie in one piece, else unpacked at first use.

    Raises
    ------
    TomoscribeError
        If it is no TIFF file, or not one stack of grey images.
    """
    if inner is not None:
        raise TomoscribeError(f"{place} is a TIFF file and has no parts to name after '::'.")
    try:
        with _lost_pages() as lost, tifffile.TiffFile(place) as tif:
            if not tif.series:
                raise TomoscribeError(f"{place} holds no image.")
            if lost:
                raise TomoscribeError(f"{place} is cut off: copy the file again.")
            series = tif.series[0]
            shape = _shape_zyx(place, series)
            data: LazyArray = (
                grey_of_colours(place, series, shape)
                if _has_colours(series)
                else _data(Path(place), tif, series, shape)
            )
            sizes, notes = _sizes(tif, series)
    except (tifffile.TiffFileError, ValueError, IndexError, struct.error) as error:
        raise TomoscribeError(f"{place} is not a TIFF file, or is cut off.") from error
    if len(tif.series) > 1:
        notes = (*notes, f"The file has {len(tif.series)} image series; the first is read.")
    return Opened(data=data, sizes_zyx_A=sizes, notes=notes)


@contextmanager
def _lost_pages() -> Iterator[list[str]]:
    """Yield a list that fills with what tifffile only logs: pages that lie beyond the end."""
    lost: list[str] = []

    def keep(record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if "invalid page offset" in message:
            lost.append(message)
        return True

    logger = logging.getLogger("tifffile")
    logger.addFilter(keep)
    try:
        yield lost
    finally:
        logger.removeFilter(keep)


def _sides(series: tifffile.TiffPageSeries) -> tuple[str, list[int]]:
    """Return the axes that have more than one place, by tifffile's letters, and their sizes."""
    kept = [(a, int(n)) for a, n in zip(series.axes, series.shape, strict=True) if n > 1]
    return "".join(a for a, _ in kept), [n for _, n in kept]


def _has_colours(series: tifffile.TiffPageSeries) -> bool:
    return "S" in _sides(series)[0]


def _shape_zyx(place: str, series: tifffile.TiffPageSeries) -> tuple[int, int, int]:
    names, sides = _sides(series)
    for axis, word in (("C", "channels"), ("T", "time points")):
        if axis in names and not (axis == "T" and names == "TYX"):
            raise TomoscribeError(
                f"{place} has several {word}: save one of them as a stack of grey images."
            )
    if "S" in names:
        if not names.endswith("YXS"):
            raise several_colours(place, names)
        sides = sides[:-1]
    if len(sides) > 3:
        number = {4: "four", 5: "five"}.get(len(sides), str(len(sides)))
        raise TomoscribeError(
            f"{place} is {number}-dimensional: {' × '.join(map(str, sides))}. Save one stack of "
            "grey images from it, with the axes z, y, x."
        )
    if series.dtype is None or series.dtype.kind not in "iufb":
        raise TomoscribeError(
            f"{place} holds values of the type {series.dtype}: save grey values as whole or "
            "decimal numbers."
        )
    deep = names.removesuffix("S").rstrip("YX")
    if len(deep) < 2:
        # Axes of one place are not among the names: what is Y or X of one stays so.
        plane = dict(zip(names[len(deep) :], sides[len(deep) :], strict=False))
        return sides[0] if deep else 1, plane.get("Y", 1), plane.get("X", 1)
    z, y, x = [1] * (3 - len(sides)) + sides
    return z, y, x


def _data(
    path: Path, tif: tifffile.TiffFile, series: tifffile.TiffPageSeries, shape: tuple[int, int, int]
) -> LazyArray:
    dtype = np.dtype(series.dtype)
    if series.dataoffset is not None:
        stored = dtype.newbyteorder(tif.byteorder)
        if series.dataoffset + math.prod(shape) * stored.itemsize > path.stat().st_size:
            raise TomoscribeError(f"{path} is cut off: copy the file again.")
        mapped: NDArray[Any] = np.memmap(
            path, dtype=stored, mode="r", offset=series.dataoffset, shape=shape
        )
        return mapped

    def fill(target: NDArray[Any]) -> None:
        try:
            with tifffile.TiffFile(path) as tif:
                whole = tif.series[0]
                whole.asarray(out=target.reshape(whole.shape))
        except (tifffile.TiffFileError, ValueError, RuntimeError, OSError) as error:
            raise TomoscribeError(
                f"{path} is damaged or cut off: it cannot be unpacked."
            ) from error

    return UnpackedArray(str(path), shape, dtype, fill)


def _sizes(
    tif: tifffile.TiffFile, series: tifffile.TiffPageSeries
) -> tuple[tuple[float, float, float], tuple[str, ...]]:
    """Return voxel sizes z y x in Å, NaN where no metadata tells them."""
    unknown = (math.nan, math.nan, math.nan)
    if tif.is_ome:
        found = _ome_sizes(tif)
        if found is not None:
            return found
    pixel = _pixel_per_unit(series)
    imagej = tif.imagej_metadata
    if imagej is not None:
        per_unit = unit_in_A(imagej.get("unit", ""))
        if per_unit is None or pixel is None:
            return unknown, ()
        x, y = (per_unit / p for p in pixel)
        z = float(imagej.get("spacing", x / per_unit)) * per_unit
        return (round(z, 5), round(y, 5), round(x, 5)), ()
    unit = series.keyframe.tags.get("ResolutionUnit")
    per_unit = unit_in_A(_TAG_UNITS.get(int(unit.value))) if unit is not None else None
    if per_unit is None or pixel is None:
        return unknown, ()
    x, y = (round(per_unit / p, 5) for p in pixel)
    if max(x, y) > _LARGEST_A:
        return unknown, ()
    return (x, y, x), (
        "The file tells the pixel size only; the section spacing is taken as equal.",
    )


def _pixel_per_unit(series: tifffile.TiffPageSeries) -> tuple[float, float] | None:
    values = []
    for name in ("XResolution", "YResolution"):
        tag = series.keyframe.tags.get(name)
        if tag is None or 0 in tag.value:
            return None
        values.append(tag.value[0] / tag.value[1])
    return values[0], values[1]


def _ome_sizes(
    tif: tifffile.TiffFile,
) -> tuple[tuple[float, float, float], tuple[str, ...]] | None:
    """Return the physical pixel sizes of OME-XML, or None where it has none."""
    images = tifffile.xml2dict(tif.ome_metadata or "").get("OME", {}).get("Image", {})
    pixels = (images[0] if isinstance(images, list) else images).get("Pixels", {})
    sizes = []
    for axis in "ZYX":
        size = pixels.get(f"PhysicalSize{axis}")
        # OME's unit where none is given.
        per_unit = unit_in_A(pixels.get(f"PhysicalSize{axis}Unit", "µm"))
        known = size is not None and per_unit is not None
        sizes.append(round(float(size) * (per_unit or 0), 5) if known else math.nan)
    z, y, x = sizes
    if math.isnan(x) or math.isnan(y):
        return None
    if math.isnan(z):
        note = "The file tells the pixel size only; the section spacing is taken as equal."
        return (x, y, x), (note,)
    return (z, y, x), ()
