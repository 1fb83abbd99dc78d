"""Single two-dimensional pictures: TIFF, PNG, JPEG, BMP and GIF files as grey values."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from pathlib import Path

    import tifffile
    from numpy.typing import NDArray
    from PIL.ImageFile import ImageFile

_TIFF = (".tif", ".tiff")
PICTURE_SUFFIXES = (*_TIFF, ".png", ".jpg", ".jpeg", ".bmp", ".gif")
"""Suffixes, in lower case, of what `read_picture` reads."""

_LUMINANCE = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in grey (ITU-R BT.601)."""


@dataclass(frozen=True)
class PictureFacts:
    """Size in pixels and type of a picture's grey values."""

    shape_yx: tuple[int, int]
    dtype: np.dtype[Any]


def is_picture(path: str | Path) -> bool:
    """Return whether a name is that of a picture."""
    return str(path).lower().endswith(PICTURE_SUFFIXES)


def picture_facts(path: Path) -> PictureFacts:
    """Return what the header of a picture tells.

    Raises
    ------
    TomoscribeError
        If it is no picture, or holds several.
    """
    if path.name.lower().endswith(_TIFF):
        return _tiff_facts(path)
    try:
        with _opened(path) as image:
            dtype = _PILLOW_TYPES.get(image.mode, np.dtype(np.uint8))
            return PictureFacts((image.height, image.width), dtype)
    except OSError as error:
        raise _unreadable(path) from error


def _tiff_facts(path: Path) -> PictureFacts:
    import tifffile

    try:
        with tifffile.TiffFile(path) as tif:
            series = tif.series[0]
            kept = [(a, n) for a, n in zip(series.axes, series.shape, strict=True) if n > 1]
            sides = [int(n) for a, n in kept if a != "S"]
            if len(sides) > 2:
                raise TomoscribeError(
                    f"{path} holds {sides[0]} pictures: a list or folder needs files of one each."
                )
            height, width = [1] * (2 - len(sides)) + sides
            return PictureFacts((height, width), np.dtype(series.dtype))
    except (tifffile.TiffFileError, IndexError, ValueError, OSError, struct.error) as error:
        raise _unreadable(path) from error


def _opened(path: Path) -> ImageFile:
    # Imported late: the viewer's start need not wait for it.
    from PIL import Image

    # Sections of microscopes have hundreds of millions of pixels, which Pillow takes for an attack.
    Image.MAX_IMAGE_PIXELS = None
    return Image.open(path)


_PILLOW_TYPES: dict[str, np.dtype[Any]] = {
    "1": np.dtype(bool),
    "I": np.dtype(np.int32),
    "I;16": np.dtype(np.uint16),
    "I;16B": np.dtype(np.uint16),
    "F": np.dtype(np.float32),
}
"""What grey values of Pillow's modes are; all others have 8 bits."""


def read_picture(path: Path) -> tuple[NDArray[Any], bool]:
    """Return a picture's grey values (y, x), and whether they were made of colours.

    Of a picture with a palette these are the numbers in the palette, as label painters mean them.

    Raises
    ------
    TomoscribeError
        If it cannot be read.
    """
    if path.name.lower().endswith(_TIFF):
        return _read_tiff(path)
    try:
        with _opened(path) as image:
            if image.mode not in (*_PILLOW_TYPES, "L", "LA", "P", "RGB", "RGBA"):
                return _grey(np.asarray(image.convert("RGB")))
            return _grey(np.asarray(image))
    except (ValueError, SyntaxError, OSError) as error:  # a broken PNG is a SyntaxError to Pillow
        raise _unreadable(path) from error


def _read_tiff(path: Path) -> tuple[NDArray[Any], bool]:
    import tifffile

    _tiff_facts(path)  # that it holds one picture
    try:
        with tifffile.TiffFile(path) as tif:
            return _grey(_colours_last(tif.series[0]))
    except (tifffile.TiffFileError, ValueError, IndexError, RuntimeError, OSError) as error:
        raise _unreadable(path) from error


def _colours_last(series: tifffile.TiffPageSeries) -> NDArray[Any]:
    values = series.asarray()
    axes = series.axes
    kept = [i for i, n in enumerate(values.shape) if n > 1 or axes[i] in "YX"]
    names = [axes[i] for i in kept]
    values = values.reshape([values.shape[i] for i in kept])
    return np.moveaxis(values, names.index("S"), -1) if "S" in names else values


def _grey(values: NDArray[Any]) -> tuple[NDArray[Any], bool]:
    if values.ndim == 2:
        return values, False
    if values.shape[-1] < 3:  # grey with transparency
        return values[..., 0], False
    red, green, blue = (values[..., i] for i in range(3))
    if np.array_equal(red, green) and np.array_equal(red, blue):
        return red, False
    grey = values[..., :3] @ np.array(_LUMINANCE, dtype=np.float32)
    return (np.rint(grey) if values.dtype.kind in "iu" else grey).astype(values.dtype), True


def _unreadable(path: Path) -> TomoscribeError:
    if not path.exists():
        return TomoscribeError(f"There is no file {path}.")
    return TomoscribeError(f"{path} is not a picture that can be read, or is cut off.")
