"""A tomogram with exact truth: particles, bilayers and beads, imaged and made noisy.

Everything is a function of a `Scene` and a seed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import affine_transform, zoom
from scipy.spatial.transform import Rotation

from tomoscribe.errors import TomoscribeError
from tomoscribe.simulate.densities import Density, make_density
from tomoscribe.simulate.membranes import (
    REACH_A,
    Vesicle,
    add_bilayer,
    random_sheet,
    random_vesicle,
)
from tomoscribe.simulate.optics import Optics, image_signal, wedge_noise

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRIES = 300
"""Random positions tried for a particle before the tomogram counts as full."""
BEAD_RADIUS_A = 50.0
"""Gold beads of 10 nm."""
BEAD_CONTRAST = 6.0
"""Peak density of gold against protein, as much as leaves the streaks of real data."""
BACKGROUND_SCALE = 48
"""Voxels between the nodes of the slowly varying background."""


@dataclass(frozen=True)
class Species:
    """A kind of particle in a scene: name of the class, shape, diameter in Å, how many."""

    name: str
    shape: str
    diameter_A: float
    count: int


@dataclass(frozen=True)
class Scene:
    """What is in a tomogram and how it is imaged.

    Parameters
    ----------
    species : tuple of Species
        The first is the target; the others are look-alikes.
    shape_zyx : tuple of int
        Size in voxels.
    voxel_size_A : float
        Voxel size in Å.
    snr : float
        Variance of the signal in the targets' boxes over the variance of the noise, both after
        the missing wedge and the signal also after CTF and envelope. A box is the
        cube of one diameter around a particle.
    spacing : float
        Least centre distance of two particles in units of the sum of their radii.
    vesicles, sheets, beads : int
        Closed membranes, membranes that cross the tomogram, gold beads.
    vesicle_radius_A : tuple of float
        Smallest and largest vesicle radius in Å.
    background : float
        Standard deviation of slow intensity changes over that of the noise.
    optics : Optics
        CTF and missing wedge.
    """

    species: tuple[Species, ...]
    shape_zyx: tuple[int, int, int] = (64, 320, 320)
    voxel_size_A: float = 10.0
    snr: float = 0.1
    spacing: float = 1.0
    vesicles: int = 0
    sheets: int = 0
    beads: int = 0
    vesicle_radius_A: tuple[float, float] = (250.0, 500.0)
    background: float = 0.15
    optics: Optics = field(default_factory=Optics)


@dataclass(frozen=True)
class SimulatedTomogram:
    """A tomogram and its truth.

    Parameters
    ----------
    volume : ndarray, float32
        (z, y, x), particles dark as in a raw tomogram, noise of standard deviation 1.
    voxel_size_A : float
        Voxel size in Å.
    scene : Scene
        What it was made from.
    class_names : tuple of str
        Class of each of the N particles.
    zyx : ndarray
        (N, 3) centres of mass in voxels, 0 at the first voxel's centre.
    rotations_xyzw : ndarray
        (N, 4) quaternions x y z w that turn the reference density (x, y, z axes) into the particle.
    vesicles : tuple of Vesicle
        The membranes.
    """

    volume: NDArray[np.float32]
    voxel_size_A: float
    scene: Scene
    class_names: tuple[str, ...]
    zyx: NDArray[np.float64]
    rotations_xyzw: NDArray[np.float64]
    vesicles: tuple[Vesicle, ...] = ()

    @property
    def truth(self) -> dict[str, NDArray[np.float64]]:
        """Positions (N, 3) zyx in voxels by class name."""
        names = np.array(self.class_names)
        return {s.name: self.zyx[names == s.name] for s in self.scene.species}


def simulate_tomogram(scene: Scene, seed: int = 0) -> SimulatedTomogram:
    """Return the tomogram of a scene; the same scene and seed give the same tomogram.

    Raises
    ------
    TomoscribeError
        If a particle does not fit into the tomogram, or a shape is unknown.
    """
    rng = np.random.default_rng(seed)
    densities = [make_density(s.shape, s.diameter_A, scene.voxel_size_A) for s in scene.species]
    clean = np.zeros(scene.shape_zyx, np.float32)
    vesicles = [
        random_vesicle(rng, scene.shape_zyx, scene.voxel_size_A, scene.vesicle_radius_A)
        for _ in range(scene.vesicles)
    ] + [random_sheet(rng, scene.shape_zyx, scene.voxel_size_A) for _ in range(scene.sheets)]
    for vesicle in vesicles:
        add_bilayer(clean, vesicle, scene.voxel_size_A)
    index, zyx = _place(rng, scene, vesicles)
    rotations = Rotation.random(len(index), rng=rng) if len(index) else Rotation.identity(0)
    for kind, position, rotation in zip(index, zyx, rotations, strict=True):
        stamp(clean, densities[kind], position, rotation, scene.voxel_size_A)
    _add_beads(clean, rng, scene.beads, scene.voxel_size_A)
    volume = image(clean, rng, scene, zyx[index == 0])
    return SimulatedTomogram(
        volume,
        scene.voxel_size_A,
        scene,
        tuple(scene.species[k].name for k in index),
        zyx,
        np.asarray(rotations.as_quat(), dtype=np.float64).reshape(-1, 4),
        tuple(vesicles),
    )


def _place(
    rng: np.random.Generator, scene: Scene, vesicles: list[Vesicle]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Place particles one after another, the largest first, off each other and off membranes."""
    size = np.array(scene.shape_zyx, dtype=float)
    total = sum(s.count for s in scene.species)
    zyx, radii, index = np.empty((total, 3)), np.empty(total), np.empty(total, dtype=np.int64)
    placed = 0
    for kind in np.argsort([-s.diameter_A for s in scene.species], kind="stable"):
        species = scene.species[kind]
        radius = species.diameter_A / 2 / scene.voxel_size_A
        if 2 * radius > size.min() - 1:
            raise TomoscribeError(
                f"A particle of {species.diameter_A:g} Å does not fit into a tomogram that is "
                f"{size.min() * scene.voxel_size_A:g} Å thin; make the tomogram larger."
            )
        clearance = radius + REACH_A / scene.voxel_size_A
        for _ in range(species.count):
            for _ in range(TRIES):
                p = rng.uniform(0.8 * radius, size - 1 - 0.8 * radius)
                away = np.linalg.norm(zyx[:placed] - p, axis=1)
                if np.all(away > (radii[:placed] + radius) * scene.spacing) and all(
                    abs(float(v.distance(*p))) > clearance for v in vesicles
                ):
                    zyx[placed], radii[placed], index[placed] = p, radius, kind
                    placed += 1
                    break
            else:
                break
    return index[:placed], zyx[:placed]


def stamp(
    volume: NDArray[np.float32],
    density: Density,
    zyx: NDArray[np.float64],
    rotation: Rotation,
    voxel_size_A: float,
) -> None:
    """Add one rotated density at a sub-voxel position, in place."""
    finer = voxel_size_A / density.voxel_size_A
    middle = density.data.shape[0] // 2
    half = int(np.ceil(middle / finer * 0.9))
    base = np.floor(zyx).astype(int)
    # a sample of the box at offset o from the particle's centre shows the density at R^T o
    back = rotation.as_matrix()[::-1, ::-1].T * finer
    centre = half + (zyx - base)
    box = affine_transform(
        density.data, back, offset=middle - back @ centre, output_shape=(2 * half + 2,) * 3, order=1
    )
    lo = base - half
    a, b = np.maximum(lo, 0), np.minimum(lo + box.shape, volume.shape)
    target = tuple(slice(i, j) for i, j in zip(a, b, strict=True))
    source = tuple(slice(i, j) for i, j in zip(a - lo, b - lo, strict=True))
    volume[target] += box[source]


def _add_beads(
    volume: NDArray[np.float32], rng: np.random.Generator, count: int, voxel_size_A: float
) -> None:
    radius = BEAD_RADIUS_A / voxel_size_A
    for centre in rng.uniform(0, np.array(volume.shape) - 1, (count, 3)):
        lo = np.maximum(np.floor(centre - radius - 2), 0).astype(int)
        hi = np.minimum(np.ceil(centre + radius + 2) + 1, volume.shape).astype(int)
        box = tuple(slice(i, j) for i, j in zip(lo, hi, strict=True))
        grid = np.ogrid[box]
        away = np.sqrt(sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)))
        volume[box] += BEAD_CONTRAST / (1 + np.exp(3 * (away - radius)))


def image(
    clean: NDArray[np.float32],
    rng: np.random.Generator,
    scene: Scene,
    targets_zyx: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Image the clean volume, scale it to the signal-to-noise ratio, add noise and background."""
    signal = image_signal(clean, scene.voxel_size_A, scene.optics)
    boxes = np.zeros(clean.shape, bool)
    half = round(scene.species[0].diameter_A / 2 / scene.voxel_size_A) if scene.species else 0
    for p in np.rint(targets_zyx).astype(int):
        boxes[tuple(slice(max(c - half, 0), c + half + 1) for c in p)] = True
    inside = signal[boxes] if boxes.any() else signal.ravel()
    spread = float(inside.std())
    volume = wedge_noise(rng, scene.shape_zyx, scene.optics.max_tilt_deg)
    if spread > 0:
        signal *= np.float32(np.sqrt(scene.snr) / spread)
        volume -= signal
    if scene.background > 0:
        nodes = [int(np.ceil(n / BACKGROUND_SCALE)) + 1 for n in scene.shape_zyx]
        coarse = rng.standard_normal(nodes, dtype=np.float32)
        factors = [n / m for n, m in zip(scene.shape_zyx, nodes, strict=True)]
        slow = zoom(coarse, factors, order=1, mode="nearest", grid_mode=True)
        volume += np.float32(scene.background / max(float(slow.std()), 1e-6)) * slow
    return volume
