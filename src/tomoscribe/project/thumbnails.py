"""Small pictures of tomograms, made once and kept in the user's own folder.

They lie there and not in the project, so that one that is only read gets pictures too.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.arrays import UnpackedArray
from tomoscribe.io.atomic import atomic_path
from tomoscribe.io.own_folder import own_folder
from tomoscribe.io.volumes import open_volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.io.arrays import LazyArray

PIXELS = 96
"""Longest edge of a picture: twice what a list shows, for screens with dense pixels."""

THICKNESS_A = 60.0
"""Slices in this depth are averaged, so that something is seen through the noise."""

MOST_SLICES = 9
"""A larger slab would be read from the disk for a small picture."""

LARGEST_PACKED_BYTES = 256_000_000
"""A packed volume must be unpacked whole for one slice; larger ones get no picture."""

MOST_KEPT = 2_000
"""Pictures that are kept, of some 10 kB each; the oldest go first."""

_VERSION = 1


class Thumbnail(NamedTuple):
    """A picture of a tomogram's middle and the size of the tomogram.

    `pixels` are uint8, (y, x), 0 dark; None where making them would cost too much.
    """

    pixels: NDArray[np.uint8] | None
    shape_zyx: tuple[int, int, int]


def thumbnail(address: str, voxel_size_A: float) -> Thumbnail:
    """Return the picture of a tomogram, as it was kept or made anew.

    Parameters
    ----------
    address : str
        What `open_volume` reads.
    voxel_size_A : float
        Edge of a voxel in Å.

    Raises
    ------
    TomoscribeError
        If the tomogram is gone or cannot be read.
    """
    path = _kept_at(address)
    kept = None if path is None else _read(path)
    if kept is not None:
        return kept
    volume = open_volume(address, voxel_size_A)
    made = Thumbnail(_pixels(volume.data, voxel_size_A), volume.shape_zyx)
    if path is not None:
        _keep(path, made)
    return made


def picture(slab: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return a slab (z, y, x) as a picture (y, x): averaged, shrunk, from dark to bright.

    The 1st and 99th percentile are black and white, so that beads and dead pixels do not decide.
    """
    plane = np.asarray(slab, dtype=np.float32).mean(axis=0)
    step = max(-(-max(plane.shape) // PIXELS), 1)
    height, width = (max(n // step, 1) for n in plane.shape)
    blocks = plane[: height * step, : width * step]
    if min(plane.shape) >= step:
        blocks = blocks.reshape(height, step, width, step).mean(axis=(1, 3))
    finite = blocks[np.isfinite(blocks)]
    if not finite.size:
        return np.zeros(blocks.shape, np.uint8)
    low, high = np.percentile(finite, [1, 99])
    scaled = (np.nan_to_num(blocks, nan=low) - low) / max(high - low, 1e-12)
    return np.asarray(np.clip(scaled, 0, 1) * 255, dtype=np.uint8)


def _pixels(data: LazyArray, voxel_size_A: float) -> NDArray[np.uint8] | None:
    packed = isinstance(data, UnpackedArray) and not data.unpacked
    size = int(np.prod(data.shape)) * np.dtype(data.dtype).itemsize
    if packed and size > LARGEST_PACKED_BYTES:
        return None
    half = min(int(THICKNESS_A / voxel_size_A), MOST_SLICES) // 2
    middle = data.shape[0] // 2
    return picture(data[max(middle - half, 0) : middle + half + 1])


def _kept_at(address: str) -> Path | None:
    """Return where a picture is kept; None for what has no time of change."""
    if "://" in address:
        return None
    try:
        status = os.stat(address.partition("::")[0])
    except OSError:
        return None  # opening it tells why
    told = f"{_VERSION} {address} {status.st_size} {status.st_mtime_ns}"
    digest = hashlib.sha256(told.encode(errors="surrogateescape")).hexdigest()
    return own_folder() / "thumbnails" / f"{digest[:32]}.npz"


def _read(path: Path) -> Thumbnail | None:
    try:
        with np.load(path, allow_pickle=False) as kept:
            pixels, shape = kept["pixels"], kept["shape_zyx"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # not there, or damaged: it is made anew
    depth, height, width = (int(n) for n in shape)
    return Thumbnail(pixels if pixels.size else None, (depth, height, width))


def _keep(path: Path, made: Thumbnail) -> None:
    pixels = np.zeros((0, 0), np.uint8) if made.pixels is None else made.pixels
    # A folder that cannot be written costs the time of making the picture again, nothing else.
    with contextlib.suppress(OSError, TomoscribeError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as temporary:
            np.savez(temporary, pixels=pixels, shape_zyx=np.array(made.shape_zyx))
        _make_room(path.parent)


def _make_room(folder: Path) -> None:
    with os.scandir(folder) as entries:
        kept = [(entry.stat().st_mtime_ns, entry.path) for entry in entries]
    for _, path in sorted(kept)[:-MOST_KEPT]:
        Path(path).unlink(missing_ok=True)
