"""A simulated FIB-SEM-like volume of cells with mitochondria, and what each voxel is, exactly.

What makes real volumes hard is there: mitochondria that touch, membranes a few voxels thick,
vesicles that look like small mitochondria, uneven staining, noise, and sections that are thicker
than pixels if asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Grid = NDArray[np.float32]

MITOCHONDRION, MEMBRANE = CLASSES = ("mitochondrion", "membrane")
"""Names of the classes; the value of each in `SimulatedLabels.classes` is its place, from 1."""

SHAPE_ZYX = (48, 192, 192)
VOXEL_ZYX_NM = (8.0, 8.0, 8.0)

_CELL_NM = 650.0
"""Mean distance of the cells' centres."""
_MEMBRANE_NM = 13.0
"""Half the thickness of two membranes that face each other."""
_WARP_NM = 45.0
"""How far the shapes are bent, about."""
_RADIUS_NM = (70.0, 115.0)
_LENGTH_NM = (60.0, 380.0)
_RIM_NM = 14.0
"""Thickness of the dark rim of a mitochondrion."""
_CRISTAE_NM = 48.0
"""Distance of the cristae."""
_SHARE = 0.13
"""Share of the volume that mitochondria fill."""
_TOUCHING = 0.5
"""Share of the mitochondria that are put right beside another."""
_OVERLAP = 0.06
"""Largest share of a new mitochondrion that may lie in others."""
_LEAST_NM3 = 5e5
"""Smaller parts of mitochondria, at the volume's border, are left out."""

# Grey values between black (0) and white (1), as of stained resin.
_CYTOPLASM, _DARK, _MATRIX, _CRISTA, _LUMEN = 0.68, 0.24, 0.47, 0.34, 0.8


@dataclass(frozen=True)
class SimulatedLabels:
    """A volume with its labels.

    Parameters
    ----------
    volume : (Z, Y, X) array of uint8
        What the microscope sees: membranes are dark.
    classes : (Z, Y, X) array of uint8
        0 background, 1 mitochondrion, 2 membrane.
    objects : (Z, Y, X) array of uint16
        0, or the number of the mitochondrion.
    voxel_size_zyx_nm : tuple of float
        Voxel edges in nm.
    """

    volume: NDArray[np.uint8]
    classes: NDArray[np.uint8]
    objects: NDArray[np.uint16]
    voxel_size_zyx_nm: tuple[float, float, float]


def simulate_labels(
    seed: int = 0,
    shape_zyx: tuple[int, int, int] = SHAPE_ZYX,
    voxel_size_zyx_nm: tuple[float, float, float] = VOXEL_ZYX_NM,
    noise: float = 0.09,
) -> SimulatedLabels:
    """Return a volume with exact labels; the same arguments give the same volume.

    Parameters
    ----------
    seed : int
        Fixes everything.
    shape_zyx : tuple of int
        Voxels along each axis.
    voxel_size_zyx_nm : tuple of float
        Voxel edges; 40, 8, 8 gives sections as of serial sectioning.
    noise : float
        Standard deviation of the noise, where black is 0 and white 1.

    Raises
    ------
    TomoscribeError
        If the volume is too small, or a size makes no sense.
    """
    if min(shape_zyx) < 4 or min(voxel_size_zyx_nm) <= 0 or noise < 0:
        raise TomoscribeError(
            "A simulated volume needs at least 4 voxels along each axis, voxel sizes above 0 and "
            "noise of 0 or more."
        )
    rng = np.random.default_rng([seed, 2718])
    space = _Space.bent(rng, shape_zyx, voxel_size_zyx_nm)
    walls = _distance_to_walls(rng, space)
    grey = np.full(shape_zyx, _CYTOPLASM, dtype=np.float32)
    objects = np.zeros(shape_zyx, dtype=np.uint16)
    _add_mitochondria(rng, space, walls, grey, objects)
    _add_vesicles(rng, space, walls, grey, objects)
    membrane = (walls < _MEMBRANE_NM) & (objects == 0)
    grey[membrane] = _DARK
    classes = np.where(objects > 0, 1, 2 * membrane).astype(np.uint8)
    return SimulatedLabels(
        _seen(rng, grey, voxel_size_zyx_nm, noise), classes, objects, voxel_size_zyx_nm
    )


@dataclass(frozen=True)
class _Space:
    """The position of each voxel in nm, (3, Z, Y, X), bent smoothly: nothing is straight."""

    points: Grid
    voxel_nm: NDArray[np.float64]
    extent_nm: NDArray[np.float64]
    bend_nm: NDArray[np.float64]
    """The farthest that a voxel is moved along each axis."""

    @classmethod
    def bent(
        cls, rng: np.random.Generator, shape: tuple[int, int, int], voxel: tuple[float, ...]
    ) -> _Space:
        axes = [(np.arange(n) + 0.5) * v for n, v in zip(shape, voxel, strict=True)]
        points = np.stack(np.meshgrid(*axes, indexing="ij")).astype(np.float32)
        farthest = []
        for axis in range(3):
            moved = _WARP_NM * _smooth_noise(rng, shape, voxel, 220.0)
            points[axis] += moved
            farthest.append(float(np.abs(moved).max()))
        size = np.array(voxel)
        return cls(points, size, size * shape, np.array(farthest))

    def box(
        self, low_nm: NDArray[np.float64], high_nm: NDArray[np.float64]
    ) -> tuple[slice, slice, slice] | None:
        """Return voxels among which are all whose positions lie between; None: there are none."""
        first = np.floor((low_nm - self.bend_nm) / self.voxel_nm).astype(int)
        last = np.ceil((high_nm + self.bend_nm) / self.voxel_nm).astype(int)
        first, last = np.maximum(first, 0), np.minimum(last, self.points.shape[1:])
        if (first >= last).any():
            return None
        z, y, x = (slice(a, b) for a, b in zip(first.tolist(), last.tolist(), strict=True))
        return z, y, x


def _smooth_noise(
    rng: np.random.Generator,
    shape: tuple[int, ...],
    voxel: tuple[float, ...],
    period_nm: float,
) -> Grid:
    """Return noise of mean 0 and deviation about 1 that varies over `period_nm`."""
    coarse = [
        max(int(np.ceil(n * v / period_nm)) + 3, 4) for n, v in zip(shape, voxel, strict=True)
    ]
    knots = rng.normal(size=coarse).astype(np.float32)
    at = [
        np.arange(n, dtype=np.float32) * np.float32(v / period_nm) + 1
        for n, v in zip(shape, voxel, strict=True)
    ]
    # Axis by axis, which is a hundred times as fast as at all points at once.
    for axis, positions in enumerate(at):
        low = positions.astype(int)
        share = positions - low
        share = share * share * (3 - 2 * share)
        size = [1, 1, 1]
        size[axis] = -1
        part = share.reshape(size)
        knots = np.take(knots, low, axis) * (1 - part) + np.take(knots, low + 1, axis) * part
    return knots


def _distance_to_walls(rng: np.random.Generator, space: _Space) -> Grid:
    """Return each voxel's distance in nm to the wall between its cell and the next one.

    Cells are those of Voronoi's diagram: the wall between two is the plane halfway.
    """
    around = space.extent_nm + _CELL_NM
    count = max(int(np.prod(around) / _CELL_NM**3), 4)
    centers = rng.uniform(-_CELL_NM / 2, space.extent_nm + _CELL_NM / 2, (count, 3))
    centers = centers.astype(np.float32)
    squares = np.stack([_square_distance(space.points, c) for c in centers])
    nearest = squares.argmin(axis=0)
    least = np.take_along_axis(squares, nearest[None], axis=0)[0]
    walls = np.full(least.shape, np.inf, dtype=np.float32)
    for index in range(count):
        apart = np.linalg.norm(centers - centers[index], axis=1)
        gap = (squares[index] - least) / (2 * np.maximum(apart[nearest], 1e-3))
        walls = np.where(nearest == index, walls, np.minimum(walls, gap))
    return walls


def _square_distance(points: Grid, center: NDArray[np.float32]) -> Grid:
    z, y, x = (points[axis] - center[axis] for axis in range(3))
    return np.asarray(z * z + y * y + x * x)


def _capsule(
    space: _Space, start: NDArray[np.float64], end: NDArray[np.float64], radius: float
) -> tuple[tuple[slice, slice, slice], Grid, Grid] | None:
    """Return a box of voxels around a capsule, distances in nm to its surface, and along its axis.

    Distances are negative inside. None where it lies outside of the volume.
    """
    margin = radius + 2 * _RIM_NM
    box = space.box(np.minimum(start, end) - margin, np.maximum(start, end) + margin)
    if box is None:
        return None
    local = space.points[(slice(None), *box)] - start.astype(np.float32)[:, None, None, None]
    axis_nm = (end - start).astype(np.float32)
    length = max(float(np.linalg.norm(axis_nm)), 1e-3)
    along = np.tensordot(axis_nm / length, local, axes=1)
    clipped = np.clip(along, 0, length)
    foot = clipped * (axis_nm / length)[:, None, None, None]
    distance = np.sqrt(((local - foot) ** 2).sum(axis=0)) - radius
    return box, distance.astype(np.float32), along.astype(np.float32)


def _add_mitochondria(
    rng: np.random.Generator,
    space: _Space,
    walls: Grid,
    grey: Grid,
    objects: NDArray[np.uint16],
) -> None:
    placed: list[tuple[NDArray[np.float64], NDArray[np.float64], float]] = []
    filled, wanted = 0, _SHARE * objects.size
    least = _LEAST_NM3 / np.prod(space.voxel_nm)
    for _ in range(600):
        if filled >= wanted:
            break
        radius = rng.uniform(*_RADIUS_NM)
        start, end = _axis(rng, space.extent_nm, placed, radius)
        found = _capsule(space, start, end, radius)
        if found is None:
            continue
        box, distance, along = found
        inside = distance < 0
        total = int(inside.sum())
        if total < least or (walls[box][inside] < 1.5 * _MEMBRANE_NM).any():
            continue
        taken = inside & (objects[box] > 0)
        if taken.sum() > _OVERLAP * total:
            continue
        own = inside & ~taken
        if own.sum() < least or ndimage.label(own)[1] != 1:
            continue
        placed.append((start, end, radius))
        objects[box][own] = len(placed)
        filled += int(own.sum())
        # The rim follows the object's own border, also where it was cut by another.
        rim = (distance > -_RIM_NM) | (ndimage.binary_dilation(taken, iterations=1) & own)
        stripes = np.cos(along * np.float32(2 * np.pi / _CRISTAE_NM)) > 0.35
        shade = np.where(stripes, _CRISTA, _MATRIX) + rng.normal(0, 0.03)
        grey[box][own] = np.where(rim, _DARK, shade)[own]


def _axis(
    rng: np.random.Generator,
    extent: NDArray[np.float64],
    placed: list[tuple[NDArray[np.float64], NDArray[np.float64], float]],
    radius: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the ends of a new mitochondrion's axis, often right beside one that is there."""
    if placed and rng.random() < _TOUCHING:
        start, end, other = placed[int(rng.integers(len(placed)))]
        along = (end - start) / max(float(np.linalg.norm(end - start)), 1e-3)
        aside = np.cross(along, rng.normal(size=3))
        aside /= max(float(np.linalg.norm(aside)), 1e-3)
        move = aside * (radius + other) * 0.98 + along * rng.normal(0, 40)
        return start + move, end + move
    direction = rng.normal(size=3)
    direction /= np.linalg.norm(direction)
    start = rng.uniform(0, extent)
    return start, start + direction * rng.uniform(*_LENGTH_NM)


def _add_vesicles(
    rng: np.random.Generator,
    space: _Space,
    walls: Grid,
    grey: Grid,
    objects: NDArray[np.uint16],
) -> None:
    """Add what looks a little like the rest and is none of it."""
    count = int(np.prod(space.extent_nm) / 280.0**3)
    for _ in range(count):
        center, radius = rng.uniform(0, space.extent_nm), rng.uniform(20, 38)
        found = _capsule(space, center, center, radius)
        if found is None:
            continue
        box, distance, _along = found
        if (objects[box][distance < _RIM_NM] > 0).any():
            continue
        if (walls[box][distance < 0] < 2 * _MEMBRANE_NM).any():
            continue
        grey[box][distance < 0] = _LUMEN
        grey[box][np.abs(distance + 4) < 6] = _DARK + 0.1


def _seen(
    rng: np.random.Generator, grey: Grid, voxel: tuple[float, float, float], noise: float
) -> NDArray[np.uint8]:
    """Return what the microscope makes of it: texture, blur, uneven stain, noise, 8 bits."""
    shape: tuple[int, int, int] = (grey.shape[0], grey.shape[1], grey.shape[2])
    grain = _smooth_noise(rng, shape, voxel, 22.0)
    stain = _smooth_noise(rng, shape, voxel, 500.0)
    seen = ndimage.gaussian_filter(grey + 0.05 * grain, [5.0 / v for v in voxel])
    seen += 0.03 * stain + rng.normal(0, noise, grey.shape).astype(np.float32)
    return np.asarray(np.clip(np.rint(255 * seen), 0, 255).astype(np.uint8))
