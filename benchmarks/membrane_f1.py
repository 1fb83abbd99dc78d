"""F1 of picks on membranes with everything chosen by the tool: band, radius, threshold.

Trains on membranes 1 to 3 of a case, validates on 4, scores on 5 (or on 4 while developing), with
all clicks and a share of them. Costs are CPU-seconds of one thread, meshing included.

    python benchmarks/membrane_f1.py m15 m04 m_crowd --seeds 0 1 2 --shares 1 0.2
"""

from __future__ import annotations

import argparse
import csv
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from cases import DEFAULT_ROOT, ensure_case
from tomoscribe.io.volumes import open_volume
from tomoscribe.membranes.membrane import load_membrane, make_membrane, save_membrane
from tomoscribe.membranes.meshing import mesh_segmentation
from tomoscribe.picks.match import match_picks, pr_curve
from tomoscribe.picks.table import Pick
from tomoscribe.project.model import ParticleClass, Role, TrainingData, TrainingSample
from tomoscribe.tasks.base import MeshGrid
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.table import get_task

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = 4.0
"""Voxels: how far a pick may be from the truth, as in the peer's benchmark."""
DIAMETER_A = 120.0
"""What a user would tell of the particle."""
USEFUL_F1 = 0.8


@dataclass(frozen=True)
class Truth:
    """Targets of a membrane: positions (N, 3) zyx voxels and outward normals (N, 3) zyx."""

    zyx: NDArray[np.float64]
    normals_zyx: NDArray[np.float64]


def read_truth(case: Path, index: int) -> Truth:
    """Return the targets of membrane `index`."""
    with (case / "gt" / f"mb{index}_all.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if int(row["target"])]
    zyx = np.array([[float(r[a]) for a in "zyx"] for r in rows])
    normals = np.array([[float(r[a]) for a in ("nz", "ny", "nx")] for r in rows])
    return Truth(zyx, normals)


def make_meshes(case: Path, folder: Path, indices: list[int]) -> dict[int, float]:
    """Write the containers of a case's membranes; return the CPU-seconds of each."""
    seconds = {}
    volume = open_volume(str(case / "tomogram.mrc"))
    for index in indices:
        path = folder / f"mb{index}.h5"
        began = time.process_time()
        labels = np.asarray(open_volume(str(case / "segmentations" / f"mb{index}.mrc")).data[...])
        meshing = mesh_segmentation(labels, volume.require_voxel_size())
        membrane = make_membrane(path.stem, meshing.meshes[0].mesh, volume)
        save_membrane(path, membrane)
        seconds[index] = time.process_time() - began
    return seconds


def sample(
    case: Path, folder: Path, index: int, role: Role, share: float, seed: int, *, complete: bool
) -> TrainingSample:
    """Return a membrane with clicks on a share of its targets."""
    truth = read_truth(case, index).zyx
    count = max(2, round(share * len(truth)))
    order = np.random.default_rng([seed, index]).permutation(len(truth))[:count]
    picks = tuple(
        Pick(i + 1, (float(z), float(y), float(x)), "target", membrane=f"mb{index}")
        for i, (z, y, x) in enumerate(truth[np.sort(order)])
    )
    path = str(folder / f"mb{index}.h5")
    return TrainingSample(f"mb{index}", path, 10.0, role, picks, complete=complete)


def run(case: Path, folder: Path, arguments: argparse.Namespace, share: float, seed: int) -> None:
    """Train once and print a line a validation."""
    data = TrainingData(
        tuple(
            sample(case, folder, i, role, share, seed, complete=arguments.complete)
            for i, role in [(i, Role.TRAIN) for i in arguments.train]
            + [(i, Role.VALIDATE) for i in arguments.validate]
        ),
        (ParticleClass("target", DIAMETER_A),),
    )
    settings = TrainingSettings(seed=seed, max_steps=arguments.steps)
    began = time.process_time()
    module = get_task("membrane").build(data, settings, torch.device("cpu"))
    planned = int(str(module.plan["steps"]))
    print(
        f"{case.name} {share:.0%} seed {seed}: band {module.plan['band_low_A']:.0f}.."
        f"{module.plan['band_high_A']:.0f} Å, radius {module.plan['radius_A']:.0f} Å, "
        f"built in {time.process_time() - began:.1f} CPU-s",
        flush=True,
    )
    best, kept, spent = -1.0, "", time.process_time() - began
    for step in range(1, planned + 1):
        began = time.process_time()
        module.train()
        loss = module.training_step(None, 0)
        module.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        module.optimizer.step()
        spent += time.process_time() - began
        if step % arguments.every and step != planned:
            continue
        began = time.process_time()
        evaluation = module.evaluate()
        spent += time.process_time() - began
        line = judged(module.predictor(), case, folder, arguments.test)
        line = f"step {step} {spent:5.1f} CPU-s val {evaluation.score:.3f} {line}"
        print("  ", line, flush=True)
        if evaluation.score > best:
            best, kept = evaluation.score, line
    print(f"{case.name} {share:.0%} seed {seed} BEST: {kept}", flush=True)


def judged(predictor, case: Path, folder: Path, indices: list[int]) -> str:
    """Return the figures on membranes at the chosen threshold, and the best possible F1."""
    lines = []
    for index in indices:
        membrane = load_membrane(folder / f"mb{index}.h5")
        began = time.process_time()
        scores = np.concatenate([b.scores for b in predictor.blocks(membrane)], axis=-1)
        found = predictor.decode(scores, MeshGrid.of(membrane), 0.01)[0]
        cost = time.process_time() - began
        truth = read_truth(case, index)
        oracle = pr_curve(found.zyx, found.scores, truth.zyx, TOLERANCE).best().f1
        kept = found.scores >= predictor.thresholds["target"]
        match = match_picks(found.zyx[kept], truth.zyx, TOLERANCE)
        normals = found.normals_zyx[kept][match.pairs[:, 0]]
        cosine = (normals * truth.normals_zyx[match.pairs[:, 1]]).sum(axis=1)
        angle = np.degrees(np.median(np.arccos(np.clip(cosine, -1, 1)))) if len(cosine) else 180
        lines.append(
            f"mb{index} F1 {match.f1:.3f} P {match.precision:.2f} R {match.recall:.2f} "
            f"(any threshold {oracle:.3f}) normals {angle:.1f}° predicted in {cost:.1f} CPU-s"
        )
    return "; ".join(lines)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="+")
    parser.add_argument("--train", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--validate", type=int, nargs="+", default=[4])
    parser.add_argument("--test", type=int, nargs="+", default=[5])
    parser.add_argument("--shares", type=float, nargs="+", default=[1.0, 0.2])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--steps", type=int)
    parser.add_argument("--every", type=int, default=50)
    parser.add_argument("--complete", action="store_true", help="tell that all is clicked")
    parser.add_argument("--work", type=Path, default=DEFAULT_ROOT / "membrane_f1")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    for name in arguments.cases:
        case, folder = ensure_case(name), arguments.work / name
        folder.mkdir(parents=True, exist_ok=True)
        indices = [*arguments.train, *arguments.validate, *arguments.test]
        missing = [i for i in dict.fromkeys(indices) if not (folder / f"mb{i}.h5").exists()]
        seconds = make_meshes(case, folder, missing)
        if seconds:
            print(f"{name} meshes: {sum(seconds.values()):.1f} CPU-s for {len(seconds)}")
        for share in arguments.shares:
            for seed in arguments.seeds:
                run(case, folder, arguments, share, seed)


if __name__ == "__main__":
    main()
