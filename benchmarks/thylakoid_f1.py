"""F1 of two classes on real membranes: photosystem II and cytochrome b6f where experts saw them.

Meshes, segmentations and positions are those of two thylakoid membranes (EMD-10780, Wietrzynski et
al. 2020), the densities maps of both complexes; bilayer, noise and missing wedge are simulated.
Both complexes span the membrane and stand with their lumenal side on the face of the positions.
Trains on one membrane, validates by held-out clicks, scores on the other.

    python benchmarks/thylakoid_f1.py --snr 0.5 0.2 --seeds 0 1
"""

from __future__ import annotations

import argparse
import csv
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import mrcfile
import numpy as np
import torch
from scipy.ndimage import distance_transform_edt
from scipy.spatial.transform import Rotation

from cases import DEFAULT_ROOT, SHARED
from tomoscribe.coords import Geometry
from tomoscribe.io.meshes import read_mesh
from tomoscribe.io.volumes import open_volume
from tomoscribe.membranes.locate import SurfaceLocator
from tomoscribe.membranes.membrane import make_membrane, save_membrane
from tomoscribe.membranes.repair import repair_mesh
from tomoscribe.picks.match import match_picks, pr_curve
from tomoscribe.picks.table import Pick
from tomoscribe.project.model import ParticleClass, Role, TrainingData, TrainingSample
from tomoscribe.simulate.densities import Density
from tomoscribe.simulate.membranes import CONTRAST, LEAFLET_A, LEAFLET_SIGMA_A
from tomoscribe.simulate.optics import Optics
from tomoscribe.simulate.tomogram import Scene, Species, image, stamp
from tomoscribe.tasks.base import MeshGrid
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.table import get_task

if TYPE_CHECKING:
    from numpy.typing import NDArray

FOLDER = SHARED / "data" / "thylakoid_membranes"
NAMES = ("T1S2M15", "T1S4M8")
PADDING = 20
"""Voxels of empty space around the cropped segmentations."""
TOLERANCE_A = 55.0
"""How far a pick may be from the truth: half of what the closest neighbours are apart."""


@dataclass(frozen=True)
class Complex:
    """A class: its name, map, diameter told to the training, and how it stands in the membrane.

    The maps' first axis is the membrane's normal; `bilayer` is the slice on it in the middle of
    the bilayer, `lumen_first` whether the lumen lies towards slice 0. Both were read off the
    widths of the slices: the oxygen-evolving domains of the one are narrower than its membrane
    domain, the cytochromes f of the other reach wider.
    """

    name: str
    file: str
    diameter_A: float
    bilayer: int
    lumen_first: bool


COMPLEXES = (
    Complex("PSII_dimer", "PSII_C2_14A.mrc", 130.0, 25, lumen_first=True),
    Complex("b6f_dimer", "cytb6f_14A.mrc", 100.0, 19, lumen_first=False),
)


def lumen_up(kind: Complex) -> Density:
    """Return a map as a cube with the bilayer's middle in its centre and the lumen towards +z."""
    with mrcfile.open(FOLDER / kind.file) as file:
        data, size = np.asarray(file.data, np.float32), float(file.voxel_size.x)
    middle = np.array([kind.bilayer, data.shape[1] // 2, data.shape[2] // 2])
    half = int(np.max(np.maximum(middle, np.array(data.shape) - 1 - middle)))
    cube = np.zeros((2 * half + 1,) * 3, np.float32)
    lo = half - middle
    cube[tuple(slice(a, a + n) for a, n in zip(lo, data.shape, strict=True))] = data
    cube /= np.percentile(data[data > 0.2 * data.max()], 90)
    if kind.lumen_first:
        cube = cube[::-1, ::-1]
    return Density(kind.name, kind.diameter_A, np.ascontiguousarray(cube), size)


def bilayer(mask: NDArray[np.bool_], voxel_size_A: float) -> tuple[NDArray[np.float32], float]:
    """Return two head-group layers within a segmentation, and half of its thickness in Å."""
    depth_A = distance_transform_edt(mask) * voxel_size_A
    depth_A -= distance_transform_edt(~mask) * voxel_size_A
    half = float(np.percentile(depth_A[mask], 95))
    layer = np.exp(-0.5 * ((depth_A - (half - LEAFLET_A)) / LEAFLET_SIGMA_A) ** 2)
    return np.asarray(CONTRAST * layer, dtype=np.float32), half


def read_positions(name: str) -> tuple[list[Complex], NDArray[np.float64], list[float]]:
    """Return complexes, positions (N, 3) xyz in Å and angles in the plane that experts gave."""
    known = {kind.name: kind for kind in COMPLEXES}
    with (FOLDER / f"{name}_particles.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["class"] in known]
    xyz_A = np.array([[float(row[axis]) for axis in "xyz"] for row in rows])
    return [known[row["class"]] for row in rows], xyz_A, [float(r["inplane_rad"]) for r in rows]


def make(name: str, folder: Path, snr: float, seed: int) -> TrainingSample:
    """Write the container of a membrane; return it with all expert positions as picks."""
    segmentation = open_volume(FOLDER / f"{name}_seg.mrc.gz")
    size_A = segmentation.require_voxel_size()
    mask = np.pad(np.asarray(segmentation.data[...]) > 0, PADDING)
    z, y, x = (o - PADDING * size_A for o in segmentation.origin_zyx_A)
    shape = (mask.shape[0], mask.shape[1], mask.shape[2])
    file = read_mesh(FOLDER / f"{name}.obj", Geometry(shape, size_A, (z, y, x)), "A")
    mesh, _ = repair_mesh(file.mesh)
    kinds, xyz_A, turns = read_positions(name)
    wanted = (xyz_A[:, ::-1] - (z, y, x)) / size_A
    zyx, _, normals, _ = SurfaceLocator(mesh).closest_many(wanted)
    clean, half_A = bilayer(mask, size_A)
    densities = {kind.name: lumen_up(kind) for kind in COMPLEXES}
    for kind, place, normal, turn in zip(kinds, zyx, normals, turns, strict=True):
        upright = Rotation.align_vectors(normal[None, ::-1], np.array([[0.0, 0.0, 1.0]]))[0]
        middle = place - normal * half_A / size_A
        stamp(clean, densities[kind.name], middle, upright * Rotation.from_euler("z", turn), size_A)
    species = tuple(Species(kind.name, "", kind.diameter_A, 0) for kind in COMPLEXES)
    scene = Scene(species, shape, size_A, snr, background=0.1, optics=Optics(defocus_um=0.0))
    volume = image(clean, np.random.default_rng(seed), scene, zyx)
    path = folder / f"{name}.h5"
    save_membrane(path, make_membrane(name, mesh, volume, size_A))
    picks = tuple(
        Pick(i + 1, (float(p[0]), float(p[1]), float(p[2])), kind.name, membrane=name)
        for i, (kind, p) in enumerate(zip(kinds, zyx, strict=True))
    )
    return TrainingSample(name, str(path), size_A, Role.TRAIN, picks)


def score(train: TrainingSample, test: TrainingSample, seed: int) -> None:
    """Train on one membrane and print a line a class of the other."""
    classes = tuple(ParticleClass(kind.name, kind.diameter_A) for kind in COMPLEXES)
    began = time.process_time()
    data = TrainingData((train,), classes)
    module = get_task("membrane").build(data, TrainingSettings(seed=seed), torch.device("cpu"))
    for _ in range(int(str(module.plan["steps"]))):
        module.train()
        loss = module.training_step(None, 0)
        module.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        module.optimizer.step()
    module.evaluate()
    predictor = module.predictor()
    membrane = predictor.open(test.volume_path, test.voxel_size_A)
    scores = np.concatenate([b.scores for b in predictor.blocks(membrane)], axis=-1)
    picks = predictor.decode(scores, MeshGrid.of(membrane), 0.001)
    seconds = time.process_time() - began
    reach = TOLERANCE_A / test.voxel_size_A
    for found in picks:
        truth = np.array([p.zyx for p in test.of_class(found.class_name)])
        kept = found.zyx[found.scores >= predictor.thresholds[found.class_name]]
        match = match_picks(kept, truth, reach)
        best = pr_curve(found.zyx, found.scores, truth, reach).best().f1
        clicks = len(train.of_class(found.class_name))
        print(
            f"{train.name} to {test.name} seed {seed} {found.class_name}: {clicks} clicks, "
            f"F1 {match.f1:.3f} P {match.precision:.2f} R {match.recall:.2f} of {len(truth)} "
            f"(any threshold {best:.3f}), {seconds:.1f} CPU-s for both classes",
            flush=True,
        )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--snr", type=float, nargs="+", default=[0.5, 0.2])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--work", type=Path, default=DEFAULT_ROOT / "thylakoid_f1")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    arguments.work.mkdir(parents=True, exist_ok=True)
    for snr in arguments.snr:
        print(f"signal-to-noise ratio {snr:g}")
        first, second = (make(n, arguments.work, snr, i) for i, n in enumerate(NAMES))
        for seed in arguments.seeds:
            score(first, second, seed)
            score(second, first, seed)


if __name__ == "__main__":
    main()
