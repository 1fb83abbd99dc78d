"""Procedural particle densities: a few distinct shapes, scaled to a diameter in Å.

A shape is a function of space in units of its own radius, so that one density
can be sampled at any voxel size; a seeded texture makes it look like protein.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from collections.abc import Callable

Array = NDArray[np.float32]

OVERSAMPLING = 2
"""Template samples per voxel and axis, so that rotating a template blurs it little."""
SUBUNIT_A = 22.0
"""Size of the texture's lumps in Å: about that of a 10 kDa domain."""
EDGE = 0.06
"""Softness of a shape's edge in units of its radius."""
TEXTURE_SEED = 20
"""Fixes the lumps of every shape: a class is the same particle in every tomogram."""


@dataclass(frozen=True)
class Density:
    """A particle's density in reference orientation.

    Parameters
    ----------
    name : str
        Shape.
    diameter_A : float
        Diameter in Å of the centred sphere that holds 97 % of the dense voxels.
    data : ndarray, float32
        Cube (z, y, x), centre of mass in its middle, about 1 inside and 0 outside.
    voxel_size_A : float
        Of the cube: `OVERSAMPLING` times finer than the tomogram.
    """

    name: str
    diameter_A: float
    data: Array
    voxel_size_A: float


def _soft(level: Array) -> Array:
    """Turn a signed level (negative inside, in radii) into 1 inside, 0 outside."""
    return np.asarray(1 / (1 + np.exp(np.clip(level / (EDGE / 2), -30, 30))), dtype=np.float32)


def _ellipsoid(
    z: Array, y: Array, x: Array, centre: tuple[float, ...], radii: tuple[float, ...]
) -> Array:
    q = np.sqrt(sum(((g - c) / r) ** 2 for g, c, r in zip((z, y, x), centre, radii, strict=True)))
    return np.asarray((q - 1) * min(radii), dtype=np.float32)


def _ribosome(z: Array, y: Array, x: Array) -> Array:
    """Large subunit, flatter small subunit, a cleft between them, one stalk."""
    large = _ellipsoid(z, y, x, (0.22, 0.0, 0.0), (0.66, 0.80, 0.72))
    small = _ellipsoid(z, y, x, (-0.62, 0.05, -0.05), (0.30, 0.82, 0.48))
    cleft = _ellipsoid(z, y, x, (-0.36, -0.10, 0.15), (0.09, 0.62, 0.60))
    stalk = _ellipsoid(z, y, x, (0.30, 0.78, 0.35), (0.13, 0.32, 0.14))
    return np.minimum(np.maximum(np.minimum(large, small), -cleft), stalk)


def _barrel(z: Array, y: Array, x: Array) -> Array:
    """Four stacked rings of seven with a chambered channel, as a 20S proteasome."""
    r = np.hypot(y, x)
    wall = 0.58 + 0.05 * np.cos(7 * np.arctan2(y, x)) + 0.03 * np.cos(2 * np.pi * z / 0.42)
    channel = 0.20 + 0.08 * np.cos(2 * np.pi * z / 0.62)
    level = np.maximum(np.maximum(r - wall, channel - r), np.abs(z) - 0.80)
    return np.asarray(level, dtype=np.float32)


def _ring(z: Array, y: Array, x: Array) -> Array:
    """Six lobes around a wide hole."""
    r = np.hypot(y, x)
    tube = 0.27 + 0.07 * np.cos(6 * np.arctan2(y, x))
    return np.asarray(np.hypot(r - 0.70, z) - tube, dtype=np.float32)


def _globule(z: Array, y: Array, x: Array) -> Array:
    """One compact domain with a dent."""
    body = _ellipsoid(z, y, x, (0.0, 0.0, 0.0), (0.95, 0.85, 0.90))
    return np.maximum(body, -_ellipsoid(z, y, x, (0.9, 0.3, 0.0), (0.35, 0.35, 0.35)))


def _rod(z: Array, y: Array, x: Array) -> Array:
    """Make a bent bar, five times longer than wide."""
    bend = y - 0.18 * (1 - 2 * z**2)
    return np.maximum(np.hypot(bend, x) - 0.20, np.abs(z) - 0.95).astype(np.float32)


def _shell(z: Array, y: Array, x: Array) -> Array:
    """Make a hollow sphere, as ferritin: the look-alike of a large globule."""
    r = np.sqrt(z**2 + y**2 + x**2)
    return np.asarray(np.abs(r - 0.76) - 0.20, dtype=np.float32)


def _dumbbell(z: Array, y: Array, x: Array) -> Array:
    """Two unequal balls joined by a neck."""
    balls = np.minimum(
        _ellipsoid(z, y, x, (0.50, 0.0, 0.0), (0.46, 0.46, 0.46)),
        _ellipsoid(z, y, x, (-0.55, 0.0, 0.0), (0.36, 0.36, 0.36)),
    )
    return np.minimum(balls, np.maximum(np.hypot(y, x) - 0.15, np.abs(z) - 0.5))


SHAPES: dict[str, Callable[[Array, Array, Array], Array]] = {
    "ribosome": _ribosome,
    "barrel": _barrel,
    "ring": _ring,
    "globule": _globule,
    "rod": _rod,
    "shell": _shell,
    "dumbbell": _dumbbell,
}


@cache
def _centre_and_radius(shape: str) -> tuple[NDArray[np.float64], float]:
    """Return a shape's centre of mass and the radius that holds 97 % of it, in its own units."""
    line = np.linspace(-1.3, 1.3, 53, dtype=np.float32)
    grid = np.meshgrid(line, line, line, indexing="ij")
    inside = np.stack([g[SHAPES[shape](*grid) < 0] for g in grid], axis=1).astype(np.float64)
    centre = inside.mean(axis=0)
    return centre, float(np.percentile(np.linalg.norm(inside - centre, axis=1), 97))


@cache
def make_density(shape: str, diameter_A: float, voxel_size_A: float) -> Density:
    """Return a shape's density for tomograms of `voxel_size_A`, in Å.

    Raises
    ------
    TomoscribeError
        If there is no such shape, or it would be smaller than three voxels.
    """
    if shape not in SHAPES:
        raise TomoscribeError(f"There is no shape '{shape}'; shapes are: {', '.join(SHAPES)}.")
    if diameter_A < 3 * voxel_size_A:
        raise TomoscribeError(
            f"A particle of {diameter_A:g} Å is smaller than three voxels of {voxel_size_A:g} Å; "
            "choose a larger diameter or a smaller voxel size."
        )
    step_A = voxel_size_A / OVERSAMPLING
    centre, unit_radius = _centre_and_radius(shape)
    half = int(np.ceil(0.68 * diameter_A / step_A))
    line = np.arange(-half, half + 1) * (step_A * unit_radius / (diameter_A / 2))
    grid = [g.astype(np.float32) for g in np.meshgrid(*(line + c for c in centre), indexing="ij")]
    rng = np.random.default_rng([TEXTURE_SEED, list(SHAPES).index(shape)])
    lumps = gaussian_filter(
        rng.standard_normal(grid[0].shape, dtype=np.float32), SUBUNIT_A / 2.5 / step_A
    )
    data = _soft(SHAPES[shape](*grid)) * np.clip(1 + 0.35 * lumps / lumps.std(), 0.2, 1.8)
    return Density(shape, diameter_A, data.astype(np.float32), step_A)
