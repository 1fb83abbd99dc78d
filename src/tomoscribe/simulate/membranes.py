"""Bilayers: closed vesicles, and sheets as parts of very large ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Grid = NDArray[np.floating] | NDArray[np.integer] | float

LEAFLET_A = 18.0
"""Half the distance between the two head-group layers, in Å (bilayers are 35-40 Å thick)."""
LEAFLET_SIGMA_A = 7.0
"""Width of one head-group layer as the sigma of a Gaussian, in Å."""
CONTRAST = 0.7
"""Peak density of a head-group layer against protein."""
REACH_A = LEAFLET_A + 4 * LEAFLET_SIGMA_A
"""Distance from the middle of the bilayer at which its density is nothing, in Å."""


@dataclass(frozen=True)
class Vesicle:
    """An ellipsoid's surface: centre and semi-axes (z, y, x) in voxels of the tomogram."""

    centre_zyx: tuple[float, float, float]
    radii_zyx: tuple[float, float, float]

    def distance(self, z: Grid, y: Grid, x: Grid) -> NDArray[np.float32]:
        """Return the signed distance in voxels from the surface, outside positive.

        First-order (value over gradient), which is exact on the surface and for spheres.
        """
        scaled = [
            (g - c) / r for g, c, r in zip((z, y, x), self.centre_zyx, self.radii_zyx, strict=True)
        ]
        value = np.sqrt(scaled[0] ** 2 + scaled[1] ** 2 + scaled[2] ** 2)
        slope = np.sqrt(
            sum((s / r) ** 2 for s, r in zip(scaled, self.radii_zyx, strict=True))
        ) / np.maximum(value, 1e-6)
        return np.asarray((value - 1) / np.maximum(slope, 1e-6), dtype=np.float32)


def random_vesicle(
    rng: np.random.Generator,
    shape_zyx: tuple[int, int, int],
    voxel_size_A: float,
    radius_A: tuple[float, float],
) -> Vesicle:
    """Return a vesicle of a random radius (Å, between two), up to 20 % longer along one axis."""
    radius = rng.uniform(*radius_A) / voxel_size_A
    stretch = rng.uniform(0.9, 1.1, 3)
    centre = rng.uniform(0, np.array(shape_zyx) - 1)
    return Vesicle(
        (float(centre[0]), float(centre[1]), float(centre[2])),
        (float(radius * stretch[0]), float(radius * stretch[1]), float(radius * stretch[2])),
    )


def random_sheet(
    rng: np.random.Generator, shape_zyx: tuple[int, int, int], voxel_size_A: float
) -> Vesicle:
    """Return a gently curved sheet that crosses the tomogram from top to bottom."""
    radius = rng.uniform(4000, 8000) / voxel_size_A
    through = rng.uniform(0.25, 0.75, 3) * np.array(shape_zyx)
    angle = rng.uniform(0, 2 * np.pi)
    tilt = rng.uniform(-0.3, 0.3)
    direction = np.array([np.sin(tilt), np.cos(tilt) * np.sin(angle), np.cos(tilt) * np.cos(angle)])
    centre = through - radius * direction
    return Vesicle((float(centre[0]), float(centre[1]), float(centre[2])), (float(radius),) * 3)


def add_bilayer(volume: NDArray[np.float32], vesicle: Vesicle, voxel_size_A: float) -> None:
    """Add a bilayer's density to `volume` (z, y, x) in place."""
    reach = np.array(vesicle.radii_zyx) + REACH_A / voxel_size_A
    centre = np.array(vesicle.centre_zyx)
    lo = np.maximum(np.floor(centre - reach), 0).astype(int)
    hi = np.minimum(np.ceil(centre + reach) + 1, volume.shape).astype(int)
    if np.any(hi <= lo):
        return
    sigma = LEAFLET_SIGMA_A / voxel_size_A
    leaf = LEAFLET_A / voxel_size_A
    y, x = np.ogrid[lo[1] : hi[1], lo[2] : hi[2]]
    for z in range(lo[0], hi[0]):
        distance = np.abs(vesicle.distance(np.array(float(z)), y, x))
        near = distance < REACH_A / voxel_size_A
        profile = CONTRAST * np.exp(-(((distance[near] - leaf) / sigma) ** 2) / 2)
        volume[z, lo[1] : hi[1], lo[2] : hi[2]][near] += profile
