"""TIFF stacks in red, green and blue that are grey in truth, as some programs save labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.arrays import UnpackedArray

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LOOKED_AT = 3
"""Sections that are looked at when a stack is opened; all are when it is read."""


def grey_of_colours(
    place: str, series: tifffile.TiffPageSeries, shape_zyx: tuple[int, int, int]
) -> UnpackedArray:
    """Return the grey values of a stack whose colours are equal, unpacked at first use.

    Parameters
    ----------
    place : str
        The file.
    series : tifffile.TiffPageSeries
        Its images, colours in their last axis.
    shape_zyx : tuple of int
        Without colours.

    Raises
    ------
    TomoscribeError
        If colours differ; at first use too, where the sections that are looked at do not show it.
    """
    pages = [page for page in series.pages if page is not None]
    for at in np.unique(np.linspace(0, len(pages) - 1, _LOOKED_AT).astype(int)).tolist():
        _one_channel(pages[at].asarray(), place)

    def fill(target: NDArray[Any]) -> None:
        try:
            with tifffile.TiffFile(place) as tif:
                whole: Any = tif.series[0].asarray(out="memmap")
        except (tifffile.TiffFileError, ValueError, RuntimeError, OSError) as error:
            raise TomoscribeError(
                f"{place} is damaged or cut off: it cannot be unpacked."
            ) from error
        for z, section in enumerate(whole.reshape(*shape_zyx, whole.shape[-1])):
            target[z] = _one_channel(section, place)

    return UnpackedArray(place, shape_zyx, np.dtype(series.dtype), fill)


def several_colours(place: str, axes: str) -> TomoscribeError:
    """Return what to save instead; `axes` are those of tifffile, S the colours."""
    if axes == "SYX":
        instead = (
            "if they are sections, save them as such, in Python with "
            "tifffile.imwrite(file, sections, photometric='minisblack'); else save one as a grey "
            "image"
        )
    else:
        instead = (
            "save one of them as a stack of grey images; labels are whole numbers, one for each "
            "class or object, in a grey stack or pictures with a palette"
        )
    return TomoscribeError(f"{place} has several colours: {instead}.")


def _one_channel(values: NDArray[Any], place: str) -> NDArray[Any]:
    """Return the values (..., y, x) of equal colours (..., y, x, colour); a fourth is opacity."""
    first = values[..., 0]
    if values.shape[-1] >= 3 and not all(np.array_equal(first, values[..., i]) for i in (1, 2)):
        raise several_colours(place, "YXS")
    return first
