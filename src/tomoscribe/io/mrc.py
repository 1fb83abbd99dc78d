"""MRC, REC and MAP files of many programs and decades: header by hand, voxels mapped."""

from __future__ import annotations

import bz2
import gzip
import math
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from mrcfile.dtypes import HEADER_DTYPE  # type: ignore[import-untyped]

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.arrays import UnpackedArray
from tomoscribe.io.mrc_write import OWN_LABEL, write_mrc
from tomoscribe.io.opened import Opened, usable

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    from numpy.typing import NDArray

    from tomoscribe.io.arrays import LazyArray

__all__ = ["open_mrc", "write_mrc"]

_HEADER_BYTES = 1024
_TYPES = {0: "i1", 1: "i2", 2: "f4", 6: "u2", 12: "f2"}
_REFUSED = {
    3: "complex numbers (a Fourier transform)",
    4: "complex numbers (a Fourier transform)",
    16: "colours",
    101: "packed 4-bit numbers: unpack it, for example with IMOD's newstack -mode 0",
}
_IMOD_STAMP = 1146047817
_IMOD_SIGNED_BYTES = 1
_IMOD_4_BIT = 16
_MAX_SIDE = 1 << 20
_FIRST_VOLUME_STACK = 401
"""Space groups from here on mean that sections belong to several volumes (MRC2014)."""


def open_mrc(place: str, inner: str | None) -> Opened:
    """Open an MRC file without reading its voxels.

    Layout by MRC2014 (Cheng et al. 2015, doi:10.1016/j.jsb.2015.04.002), with the habits of
    IMOD (signed bytes, origins of files without a MAP stamp) where its stamps tell of them.

    Raises
    ------
    TomoscribeError
        If it is no MRC file, truncated, or of a mode that is no image.
    """
    if inner is not None:
        raise TomoscribeError(f"{place} is an MRC file and has no parts to name after '::'.")
    path = Path(place)
    head = _read_header(path)
    axes = _axes(path, head)
    dtype, type_notes = _dtype(path, head)
    file_shape = (int(head.nz), int(head.ny), int(head.nx))
    offset = _HEADER_BYTES + int(head.nsymbt)
    data = _map(path, file_shape, dtype, offset, axes)
    sizes, unknown_because, hint = _sizes(head, data.shape)
    origin, origin_notes = _origin(head)
    starts = (float(head.nzstart), float(head.nystart), float(head.nxstart))
    return Opened(
        data=data,
        sizes_zyx_A=sizes,
        origin_zyx_A=origin,
        start_zyx=(starts[axes[0]], starts[axes[1]], starts[axes[2]]),
        notes=(*type_notes, *origin_notes),
        unknown_because=unknown_because,
        hint_A=hint,
    )


def _opener(path: Path) -> Callable[..., Any]:
    """Return what opens the file unpacked; its first bytes tell, not its suffix."""
    with path.open("rb") as file:
        magic = file.read(3)
    if magic[:2] == b"\x1f\x8b":
        return gzip.open
    return bz2.open if magic == b"BZh" else open


def _read_header(path: Path) -> Any:
    """Return the header record in the file's byte order.

    mrcfile's own reading also takes the extended header into memory, of whatever size
    broken files claim.
    """
    try:
        with _opener(path)(path, "rb") as file:
            raw = file.read(_HEADER_BYTES)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise TomoscribeError(f"{path} is damaged or cut off: it cannot be unpacked.") from error
    if len(raw) < _HEADER_BYTES:
        raise TomoscribeError(f"{path} is not an MRC file, or its header is cut off.")
    head = np.frombuffer(raw, dtype=HEADER_DTYPE.newbyteorder("<")).view(np.recarray)[0]
    if int(head.mode) not in (*_TYPES, *_REFUSED) or not 0 < head.nx < _MAX_SIDE:
        # The numbers themselves decide: stamps of big-endian files are missing or wrong at times.
        head = np.frombuffer(raw, dtype=HEADER_DTYPE.newbyteorder(">")).view(np.recarray)[0]
    sides = (int(head.nx), int(head.ny), int(head.nz))
    mode = int(head.mode)
    if mode in _REFUSED:
        raise TomoscribeError(f"{path} holds {_REFUSED[mode]}, not an image (MRC mode {mode}).")
    if mode not in _TYPES or not all(0 < n < _MAX_SIDE for n in sides) or head.nsymbt < 0:
        raise TomoscribeError(f"{path} is not an MRC file: its header makes no sense.")
    if head.ispg >= _FIRST_VOLUME_STACK and 0 < head.mz < head.nz:
        raise TomoscribeError(f"{path} is a stack of several volumes: split it into single ones.")
    return head


def _axes(path: Path, head: Any) -> tuple[int, int, int]:
    """Return which axis of the file (sections, rows, columns) is z, which y, which x."""
    order = (int(head.maps), int(head.mapr), int(head.mapc))
    if order == (0, 0, 0):
        return 0, 1, 2
    if sorted(order) != [1, 2, 3]:
        raise TomoscribeError(f"{path} names its axes as {order}, which are not x, y and z.")
    return order.index(3), order.index(2), order.index(1)


def _imod(head: Any) -> tuple[bool, int]:
    """Return whether IMOD wrote the file, and its flags (bytes 152 and 156)."""
    order = head.dtype["nx"].byteorder
    words = np.frombuffer(bytes(head.extra2), dtype=np.dtype("i4").newbyteorder(order))
    return int(words[10]) == _IMOD_STAMP, int(words[11])


def _dtype(path: Path, head: Any) -> tuple[np.dtype[Any], tuple[str, ...]]:
    mode = int(head.mode)
    dtype = np.dtype(_TYPES[mode]).newbyteorder(head.dtype["nx"].byteorder)
    if mode != 0:
        return dtype, ()
    by_imod, flags = _imod(head)
    if by_imod and flags & _IMOD_4_BIT:
        raise TomoscribeError(f"{path} holds {_REFUSED[101]}.")
    if by_imod:
        return np.dtype("i1" if flags & _IMOD_SIGNED_BYTES else "u1"), ()
    if head.dmin >= 0 and 127 < head.dmax <= 255:
        # Before 2011 bytes were unsigned in practice; the extremes of the header tell.
        return np.dtype("u1"), ("Bytes are read as unsigned, as the header's extremes ask for.",)
    return dtype, ()


def _map(
    path: Path,
    shape: tuple[int, int, int],
    dtype: np.dtype[Any],
    offset: int,
    axes: tuple[int, int, int],
) -> LazyArray:
    opener = _opener(path)
    if opener is not open:

        def fill(target: NDArray[Any]) -> None:
            with opener(path, "rb") as stream:
                _fill(path, stream, target, offset)

        return UnpackedArray(str(path), shape, dtype, fill, axes)
    expected = offset + math.prod(shape) * dtype.itemsize
    actual = path.stat().st_size
    if actual < expected:
        raise _truncated(path, actual, expected)
    mapped: NDArray[Any] = np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape)
    return mapped.transpose(axes)


def _fill(path: Path, stream: BinaryIO, target: NDArray[Any], offset: int) -> None:
    """Unpack everything behind the header into `target`, and let the checksums be compared."""
    view = target.reshape(-1).view(np.uint8)
    done = 0
    try:
        stream.read(offset)
        while done < len(view):
            chunk = stream.read(min(1 << 22, len(view) - done))
            if not chunk:
                break
            view[done : done + len(chunk)] = np.frombuffer(chunk, dtype=np.uint8)
            done += len(chunk)
        # Checksums stand at the very end: without reading it, damaged voxels pass for good ones.
        while stream.read(1 << 22):
            pass
    except (EOFError, OSError, zlib.error) as error:
        raise TomoscribeError(f"{path} is damaged or cut off: it cannot be unpacked.") from error
    if done < len(view):
        raise _truncated(path, offset + done, offset + len(view))


def _truncated(path: Path, actual: int, expected: int) -> TomoscribeError:
    if actual <= _HEADER_BYTES:
        return TomoscribeError(f"{path} holds a header only and no voxels: copy the file again.")
    return TomoscribeError(
        f"{path} is cut off: its header promises {expected} bytes, it has {actual}; "
        "copy the file again."
    )


def _sizes(
    head: Any, shape: tuple[int, ...]
) -> tuple[tuple[float, float, float], str, float | None]:
    """Return voxel sizes z y x (NaN where known to be wrong, and why), and a likely size."""
    # Cell and grid are by x, y, z whatever the order of the axes in the file.
    cell = (float(head.cella.z), float(head.cella.y), float(head.cella.x))
    grid = (int(head.mz), int(head.my), int(head.mx))
    z, y, x = (round(c / m, 5) if m > 0 else 0.0 for c, m in zip(cell, grid, strict=True))
    if shape[0] == 1 and bytes(head.label[0]).rstrip() != OWN_LABEL:
        z = x  # Others never tell the thickness of a single section.
    for axis, m, n in zip("zyx", grid, shape, strict=True):
        if m == 1 and n > 1:
            same = usable(x) and usable(y) and abs(x - y) < 0.01 * x
            note = (
                f"The header's grid along {axis} is 1 for {n} voxels, so its voxel size is wrong."
            )
            return (math.nan,) * 3, note, x if same else None
    return (z, y, x), "", None


def _origin(head: Any) -> tuple[tuple[float, float, float] | None, tuple[str, ...]]:
    """Return the origin in Å z y x, None where only the start indices can tell it."""
    if bytes(head.map)[:3] != b"MAP":
        # Before 2000 the words of MAP and the stamp were the origin in the order z, x, y.
        words = bytes(head.map).ljust(4, b"\0") + head.machst.tobytes() + head.rms.tobytes()
        order = head.dtype["nx"].byteorder
        z, x, y = (float(v) for v in np.frombuffer(words, np.dtype("f4").newbyteorder(order)))
        found = (z, y, x)
        note = "The file has no MAP stamp; its origin is read where old files keep it."
    else:
        found = (float(head.origin.z), float(head.origin.y), float(head.origin.x))
        note = ""
    if not all(math.isfinite(v) and abs(v) < 1e8 for v in found):
        return None, ("The header's origin makes no sense and is ignored.",)
    if not any(abs(v) > 1e-6 for v in found):
        return None, ()
    by_imod, flags = _imod(head)
    if by_imod and not flags & 4:
        note = "IMOD may mean the origin with the opposite sign; it is taken as other programs do."
    return found, (note,) if note else ()
