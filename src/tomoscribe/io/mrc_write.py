"""Writing MRC2014 files slab by slab, so that a volume need not fit into memory."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from mrcfile.dtypes import HEADER_DTYPE  # type: ignore[import-untyped]

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import atomic_path
from tomoscribe.io.opened import usable

if TYPE_CHECKING:
    from tomoscribe.io.arrays import LazyArray

_MODES = {
    "b1": (0, "i1"),
    "i1": (0, "i1"),
    "i2": (1, "i2"),
    "u1": (6, "u2"),
    "u2": (6, "u2"),
    "f2": (12, "f2"),
}
_SLAB_BYTES = 1 << 26
OWN_LABEL = b"Written by tomoscribe"
"""First label of the header."""


def write_mrc(
    path: str | Path,
    data_zyx: LazyArray,
    voxel_size_A: float | tuple[float, float, float],
    origin_zyx_A: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> None:
    """Write a volume as MRC, atomically.

    Parameters
    ----------
    path : str or Path
        Target; an older file there is replaced only when the new one is whole.
    data_zyx : array
        Axes z y x, numpy or lazy. int8, bool, int16, uint16 and float16 keep their type,
        uint8 becomes uint16, everything else float32.
    voxel_size_A : float or tuple of float
        Voxel edge in Å; z y x where the voxels are not cubes.
    origin_zyx_A : tuple of float
        Position in Å of the first voxel's centre.

    Raises
    ------
    TomoscribeError
        If the array has not three axes, the size is impossible, or the disk refuses.
    """
    if Path(path).suffix.lower() in (".gz", ".bz2"):
        raise TomoscribeError(f"{path} cannot be written compressed: choose a name with .mrc.")
    if len(data_zyx.shape) != 3 or 0 in data_zyx.shape:
        raise TomoscribeError(f"{path} needs a volume of three axes, not {data_zyx.shape}.")
    sizes = voxel_size_A if isinstance(voxel_size_A, tuple) else (voxel_size_A,) * 3
    for size in sizes:
        if not usable(size):
            raise TomoscribeError(f"{path} needs a voxel size in Å, not {size:g}.")
    dtype = np.dtype(data_zyx.dtype)
    mode, stored = _MODES.get(f"{dtype.kind}{dtype.itemsize}", (2, "f4"))
    header = _header(data_zyx.shape, mode, sizes, origin_zyx_A)
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        file.write(header.tobytes())
        _write_slabs(file, data_zyx, np.dtype(stored).newbyteorder("<"), header)
        file.seek(0)
        file.write(header.tobytes())


def _write_slabs(file: Any, data: LazyArray, dtype: np.dtype[Any], header: Any) -> None:
    """Append the voxels and put their statistics into the header."""
    depth, height, width = data.shape
    step = max(1, _SLAB_BYTES // (height * width * dtype.itemsize))
    low, high, total, squares = math.inf, -math.inf, 0.0, 0.0
    for start in range(0, depth, step):
        slab = np.ascontiguousarray(data[start : start + step], dtype=dtype)
        file.write(slab.tobytes())
        low, high = min(low, float(slab.min())), max(high, float(slab.max()))
        total += float(slab.sum(dtype=np.float64))
        squares += float(np.square(slab, dtype=np.float64).sum())
    count = depth * height * width
    mean = total / count
    header["dmin"], header["dmax"], header["dmean"] = low, high, mean
    header["rms"] = math.sqrt(max(0.0, squares / count - mean**2))


def _header(
    shape: tuple[int, ...],
    mode: int,
    sizes_zyx_A: tuple[float, ...],
    origin_zyx_A: tuple[float, float, float],
) -> Any:
    header = np.zeros((), dtype=HEADER_DTYPE.newbyteorder("<"))
    for axis, count, size, start in zip("zyx", shape, sizes_zyx_A, origin_zyx_A, strict=True):
        header[f"n{axis}"] = header[f"m{axis}"] = count
        header["cella"][axis] = count * size
        header["origin"][axis] = start
    header["mode"] = mode
    for angle in ("alpha", "beta", "gamma"):
        header["cellb"][angle] = 90.0
    header["mapc"], header["mapr"], header["maps"] = 1, 2, 3
    header["ispg"] = 1
    header["nversion"] = 20141
    header["map"] = b"MAP "
    header["machst"] = (0x44, 0x44, 0, 0)
    header["nlabl"] = 1
    header["label"][0] = OWN_LABEL
    return header
