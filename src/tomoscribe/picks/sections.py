"""Three sections through a place of a volume, such as an eye needs to judge a particle.

Reads no more of the volume than they touch; knows neither files nor screens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tomoscribe.io.arrays import LazyArray

MOST_VOXELS = 128
"""Edge of the largest box that is read; a larger one is read with gaps."""

Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Plane:
    """A section's directions, unit vectors z y x: across to the right, down, and through it."""

    name: str
    across: Vector
    down: Vector
    through: Vector


UPRIGHT = (
    Plane("xy", (0, 0, 1), (0, 1, 0), (1, 0, 0)),
    Plane("xz", (0, 0, 1), (1, 0, 0), (0, 1, 0)),
    Plane("yz", (0, 1, 0), (1, 0, 0), (0, 0, 1)),
)
"""The planes of the volume's axes: the first letter runs to the right, the second down."""


def planes_along(normal_zyx: Sequence[float]) -> tuple[Plane, Plane, Plane]:
    """Return two sections that hold a normal, which points up in them, and one across it.

    The first section's other direction lies in a slice (z constant), as far as there is one.
    """
    normal = np.asarray(normal_zyx, dtype=float)
    normal = normal / np.linalg.norm(normal)
    level = np.cross((1.0, 0.0, 0.0), normal)
    if np.linalg.norm(level) < 1e-3:  # it looks along z: any direction in the slice does
        level = np.cross(normal, (0.0, 1.0, 0.0))
    first = level / np.linalg.norm(level)
    second = np.cross(normal, first)
    up, one, two = _vector(-normal), _vector(first), _vector(second)
    return (
        Plane("side", one, up, two),
        Plane("other side", two, up, one),
        Plane("from outside", one, two, _vector(normal)),
    )


def spacing(width: float) -> int:
    """Return how many voxels apart the pixels of a section of that width are."""
    return max(int(np.ceil(width / MOST_VOXELS)), 1)


def sections(
    data: LazyArray,
    centers_zyx: Sequence[Sequence[float]] | NDArray[np.floating],
    planes: Sequence[Plane],
    width: float,
    thickness: float,
) -> NDArray[np.float32]:
    """Return sections through a volume, each a mean over its thickness.

    Parameters
    ----------
    data : LazyArray
        The volume, z y x.
    centers_zyx : (P, 3) array
        The middle of each section, in voxels.
    planes : sequence of Plane
        Their directions, P of them.
    width : float
        Edge of each section in voxels.
    thickness : float
        Voxels that each is averaged over, along `through`.

    Returns
    -------
    (P, n, n) array of float32
        Rows run down, columns across, `spacing(width)` voxels apart, n odd; NaN outside of the
        volume.
    """
    centers = np.asarray(centers_zyx, dtype=float).reshape(-1, 3)
    step = spacing(width)
    half, deep = _half(width, step), _half(thickness, step)
    axis, depth = step * np.arange(-half, half + 1), step * np.arange(-deep, deep + 1)
    places = np.stack(
        [
            center
            + depth[:, None, None, None] * np.array(plane.through)
            + axis[:, None, None] * np.array(plane.down)
            + axis[:, None] * np.array(plane.across)
            for center, plane in zip(centers, planes, strict=True)
        ]
    )  # (P, depth, down, across, 3)
    shape = np.array(data.shape[-3:])
    lo = np.clip(np.floor(places.min(axis=(0, 1, 2, 3))).astype(int) - 1, 0, shape)
    hi = np.clip(np.ceil(places.max(axis=(0, 1, 2, 3))).astype(int) + 2, 0, shape)
    if (hi <= lo).any():
        return np.full((len(planes), len(axis), len(axis)), np.nan, np.float32)
    box = np.asarray(data[tuple(slice(a, b, step) for a, b in zip(lo, hi, strict=True))])
    values = scipy.ndimage.map_coordinates(
        box.astype(np.float32),
        np.moveaxis((places - lo) / step, -1, 0),
        order=1,
        mode="constant",
        cval=np.nan,
    )
    known = np.isfinite(values)
    counts = known.sum(axis=1)
    sums = np.where(known, values, 0).sum(axis=1)
    means = np.divide(sums, counts, out=np.full(sums.shape, np.nan, np.float32), where=counts > 0)
    return np.asarray(means, np.float32)


def _half(length: float, step: int) -> int:
    """Return how many steps lie on each side of the middle."""
    return max(round((length / step - 1) / 2), 0)


def _vector(values: NDArray[np.floating]) -> Vector:
    return float(values[0]), float(values[1]), float(values[2])
