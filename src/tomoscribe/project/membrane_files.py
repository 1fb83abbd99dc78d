"""Membranes that are read once and used often: by every reading of the labels, and by a task."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.coords import Geometry
from tomoscribe.membranes.locate import SurfaceLocator
from tomoscribe.membranes.membrane import Membrane, load_membrane

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_MEMBRANES = 64
"""Membranes that are kept: a large one takes some ten megabytes."""


def open_membrane(
    path: str, voxel_size_A: float | None = None, tomogram: str | None = None
) -> Membrane:
    """Return a membrane, as `load_membrane`; the same one again until its file changes.

    Parameters
    ----------
    path : str
        The container.
    voxel_size_A : float or None
        Overrides what the files say.
    tomogram : str or None
        Where its tomogram is; one that is not there is not asked.

    Raises
    ------
    TomoscribeError
        If it is broken, its voxel size is unknown, or it lies outside its tomogram.
    """
    return _cached(path, voxel_size_A, if_there(tomogram), _stamp(path))


def if_there(tomogram: str | None) -> str | None:
    """Return the tomogram's path or address; None where no file is there to be asked."""
    known = tomogram is not None and ("://" in tomogram or Path(tomogram).exists())
    return tomogram if known else None


def distances_A(membrane: Membrane, zyx: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distance (N,) in Å of positions (N, 3) in voxels to the surface."""
    return _locator(_ById(membrane)).closest_many(zyx)[3] * membrane.voxel_size_A


def geometry_of(membrane: Membrane) -> Geometry:
    """Return size, voxel size and origin of a membrane's tomogram, as far as they are known."""
    shape = membrane.tomogram_shape_zyx
    if shape is None:
        z, y, x = np.maximum(np.ceil(membrane.mesh.vertices_zyx.max(axis=0)) + 1, 1).astype(int)
        shape = (int(z), int(y), int(x))
    return Geometry(shape, membrane.voxel_size_A, membrane.tomogram_origin_zyx_A)


class _ById:
    """A membrane as a key: arrays have no hash."""

    def __init__(self, membrane: Membrane) -> None:
        self.membrane = membrane

    def __hash__(self) -> int:
        return id(self.membrane)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _ById) and other.membrane is self.membrane


def _stamp(path: str) -> tuple[int, int]:
    try:
        status = Path(path).stat()
    except OSError:
        return (0, 0)
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=MOST_MEMBRANES)
def _cached(
    path: str, voxel_size_A: float | None, tomogram: str | None, stamp: tuple[int, int]
) -> Membrane:
    return load_membrane(path, tomogram=tomogram, voxel_size_A=voxel_size_A)


@lru_cache(maxsize=MOST_MEMBRANES)
def _locator(key: _ById) -> SurfaceLocator:
    return SurfaceLocator(key.membrane.mesh, key.membrane.normals_zyx)
