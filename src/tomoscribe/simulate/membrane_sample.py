"""A tomogram of vesicles that carry particles on their outer faces, with exact truth.

Two classes stand on the membranes and a look-alike among them, all on the outer face.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial.transform import Rotation

from tomoscribe.io.atomic import write_text_atomic
from tomoscribe.io.volumes import write_mrc
from tomoscribe.simulate.case import make_empty_folder
from tomoscribe.simulate.densities import make_density
from tomoscribe.simulate.membranes import LEAFLET_A, Vesicle, add_bilayer
from tomoscribe.simulate.optics import Optics
from tomoscribe.simulate.tomogram import TRIES, Scene, Species, image, stamp

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

HALF_THICKNESS_A = 25.0
"""Of the segmentation: what a membrane segmentation network outlines."""
FOOT = 0.7
"""A particle's centre lies so many of its radii above the outer head groups."""
STEEPEST = 0.75
"""Largest |z| of a normal that carries particles: the missing wedge hides tops and bottoms."""
SCENE = Scene(
    (
        Species("barrel", "barrel", 150, 22),
        Species("ring", "ring", 150, 16),
        Species("globule", "globule", 110, 10),
    ),
    shape_zyx=(80, 176, 176),
    snr=0.5,
    background=0.1,
    optics=Optics(defocus_um=0.0),
)
"""Particle numbers are a membrane's; the last species is the look-alike. Without the contrast
transfer's rings, as after correction and denoising: membranes are annotated on such tomograms."""
CLASSES = 2
"""The first species are classes of the project, the others look-alikes."""


@dataclass(frozen=True)
class SimulatedMembranes:
    """A tomogram of vesicles and its truth.

    Parameters
    ----------
    volume : (Z, Y, X) array of float32
        Particles and membranes are dark.
    labels : (Z, Y, X) array of uint8
        Segmentation: 1 to 4 inside a membrane, 0 elsewhere.
    scene : Scene
        Species, voxel size, imaging.
    class_names : tuple of str
        Of each of the N particles.
    membranes : (N,) array of int
        The label of the membrane that each stands on.
    zyx, normals_zyx : (N, 3) arrays
        Where they stand, on the outer face of the segmentation, voxels; outward unit normals.
    """

    volume: NDArray[np.float32]
    labels: NDArray[np.uint8]
    scene: Scene
    class_names: tuple[str, ...]
    membranes: NDArray[np.int64]
    zyx: NDArray[np.float64]
    normals_zyx: NDArray[np.float64]


def simulate_membranes(seed: int = 0, scene: Scene = SCENE) -> SimulatedMembranes:
    """Return four vesicles with particles; the same seed and scene give the same."""
    rng = np.random.default_rng(seed)
    vesicles = _vesicles(rng, scene)
    clean = np.zeros(scene.shape_zyx, np.float32)
    labels = np.zeros(scene.shape_zyx, np.uint8)
    z, y, x = np.ogrid[tuple(slice(n) for n in scene.shape_zyx)]
    for index, vesicle in enumerate(vesicles):
        add_bilayer(clean, vesicle, scene.voxel_size_A)
        inside = np.abs(vesicle.distance(z, y, x)) * scene.voxel_size_A <= HALF_THICKNESS_A
        labels[inside] = index + 1
    kinds, on, zyx, normals = _stand(rng, scene, vesicles)
    densities = [make_density(s.shape, s.diameter_A, scene.voxel_size_A) for s in scene.species]
    centres = zyx.copy()
    for number, (kind, normal) in enumerate(zip(kinds.tolist(), normals, strict=True)):
        lift = _lift_A(scene.species[kind]) - HALF_THICKNESS_A
        centres[number] += normal * lift / scene.voxel_size_A
        spin = Rotation.from_euler("z", rng.uniform(0, 2 * np.pi))
        upright = Rotation.align_vectors(normal[None, ::-1], np.array([[0.0, 0.0, 1.0]]))[0]
        stamp(clean, densities[kind], centres[number], upright * spin, scene.voxel_size_A)
    volume = image(clean, rng, scene, centres[kinds == 0])
    names = tuple(scene.species[k].name for k in kinds)
    return SimulatedMembranes(volume, labels, scene, names, on, zyx, normals)


def write_membranes(made: SimulatedMembranes, out: Path, name: str = "membranes") -> None:
    """Write `<name>.mrc`, `<name>_labels.mrc` and `<name>_truth.csv` to a folder.

    Columns x, y, z are voxels, 0 at the first voxel's centre, on the outer face.

    Raises
    ------
    TomoscribeError
        If the folder is not empty, or cannot be written.
    """
    make_empty_folder(out)
    write_mrc(out / f"{name}.mrc", made.volume, made.scene.voxel_size_A)
    write_mrc(out / f"{name}_labels.mrc", made.labels, made.scene.voxel_size_A)
    write_truth(made, out / f"{name}_truth.csv")


def write_truth(made: SimulatedMembranes, path: Path) -> None:
    """Write all particles as a CSV file."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["x", "y", "z", "class", "membrane", "nx", "ny", "nz"])
    rows = zip(made.zyx, made.class_names, made.membranes.tolist(), made.normals_zyx, strict=True)
    for zyx, class_name, label, normal in rows:
        place, way = ([f"{v:.4f}" for v in values[::-1]] for values in (zyx, normal))
        table.writerow([*place, class_name, label, *way])
    write_text_atomic(path, text.getvalue())


def _vesicles(rng: np.random.Generator, scene: Scene) -> list[Vesicle]:
    """Return four ellipsoids, one in each quarter."""
    size = np.array(scene.shape_zyx, float)
    tallest = max(_lift_A(s) + s.diameter_A / 2 for s in scene.species) / scene.voxel_size_A
    room = np.array([size[0] / 2, size[1] / 4, size[2] / 4]) - tallest / 2
    found = []
    for row in (0.25, 0.75):
        for column in (0.25, 0.75):
            radii = room * rng.uniform(0.8, 0.95, 3)
            centre = size * (0.5, row, column) + rng.uniform(-2, 2, 3)
            found.append(Vesicle(_triple(centre), _triple(radii)))
    return found


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    z, y, x = (float(v) for v in values)
    return z, y, x


def _lift_A(species: Species) -> float:
    """Return how far above the middle of the bilayer a particle's centre lies, in Å."""
    return LEAFLET_A + FOOT * species.diameter_A / 2


def _stand(
    rng: np.random.Generator, scene: Scene, vesicles: list[Vesicle]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Return kinds (N,), labels (N,), places (N, 3) and normals (N, 3) of particles."""
    kinds: list[int] = []
    on: list[int] = []
    places: list[NDArray[np.float64]] = []
    normals: list[NDArray[np.float64]] = []
    size = np.array(scene.shape_zyx, float)
    for label, vesicle in enumerate(vesicles, 1):
        radii, centre = np.array(vesicle.radii_zyx), np.array(vesicle.centre_zyx)
        for kind in rng.permutation(np.repeat(np.arange(len(scene.species)), _counts(scene))):
            radius = scene.species[kind].diameter_A / 2 / scene.voxel_size_A
            for _ in range(TRIES):
                way = rng.normal(size=3)
                way /= np.linalg.norm(way)
                normal = way / radii
                normal /= np.linalg.norm(normal)
                place = centre + way * radii + normal * HALF_THICKNESS_A / scene.voxel_size_A
                others = [
                    radius + scene.species[k].diameter_A / 2 / scene.voxel_size_A for k in kinds
                ]
                apart = [float(np.linalg.norm(place - p)) for p in places]
                free = all(a > 1.1 * b for a, b in zip(apart, others, strict=True))
                top = place + normal * radius
                if free and abs(normal[0]) < STEEPEST and (top > 0).all() and (top < size).all():
                    kinds.append(int(kind))
                    on.append(label)
                    places.append(place)
                    normals.append(normal)
                    break
    return (
        np.array(kinds, np.int64),
        np.array(on, np.int64),
        np.array(places).reshape(-1, 3),
        np.array(normals).reshape(-1, 3),
    )


def _counts(scene: Scene) -> list[int]:
    return [species.count for species in scene.species]
