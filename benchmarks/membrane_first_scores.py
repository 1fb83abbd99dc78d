"""CPU-seconds from segmentation and clicks to useful scores (F1 of 0.8) on an unseen membrane.

Three ways, on one thread: our instant answer (clicks of membrane 1, no training), our training on
membranes 1 to 3, and MemBrain-pick's with the band found by hand. Meshing, everything that is
prepared, training and the prediction of membrane 5 are counted; reading the case is not. Our F1
is that at the threshold which the tool chose, MemBrain-pick's the best of its sweep. Runs of
`membrane_peer.py` with as many epochs are not done again.

    OMP_NUM_THREADS=1 python benchmarks/membrane_first_scores.py m15 [--peer-python PYTHON]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from scipy.spatial import cKDTree

from cases import DEFAULT_ROOT, ensure_case
from membrane_f1 import DIAMETER_A, TOLERANCE, USEFUL_F1, make_meshes, read_truth, sample
from membrane_peer import EPOCHS, PEER_VARIABLE, run_peer
from tomoscribe.membranes.membrane import load_membrane
from tomoscribe.picks.match import precision_recall_f1
from tomoscribe.prediction.instant_mesh import InstantMesh
from tomoscribe.project.model import ParticleClass, Role, TrainingData
from tomoscribe.tasks.base import MeshGrid
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.table import get_task

TEST = 5
EVERY = 5
MOST_STEPS = 150


def instant(case: Path, folder: Path, clicks: int) -> tuple[float, float]:
    """Return CPU-seconds and F1 of the instant answer from clicks on membrane 1."""
    meshed = make_meshes(case, folder, [1, TEST])
    truth, aim = read_truth(case, 1).zyx[:clicks], read_truth(case, TEST).zyx
    clicked, unseen = (load_membrane(folder / f"mb{i}.h5") for i in (1, TEST))
    start = time.process_time()
    vertices = cKDTree(clicked.mesh.vertices_zyx).query(truth)[1]
    answer = InstantMesh(unseen).apply(InstantMesh(clicked).fit(vertices))
    found = answer.peaks.above(answer.threshold)
    seconds = sum(meshed.values()) + time.process_time() - start
    return seconds, precision_recall_f1(found.zyx, aim, TOLERANCE)[2]


def trained(case: Path, folder: Path, share: float) -> tuple[float, float, int]:
    """Return CPU-seconds, F1 and steps of our training, when it is useful first."""
    meshed = make_meshes(case, folder, [1, 2, 3, 4, TEST])
    roles = [(i, Role.TRAIN) for i in (1, 2, 3)] + [(4, Role.VALIDATE)]
    samples = tuple(sample(case, folder, i, r, share, 0, complete=False) for i, r in roles)
    data = TrainingData(samples, (ParticleClass("target", DIAMETER_A),))
    unseen, aim = load_membrane(folder / f"mb{TEST}.h5"), read_truth(case, TEST).zyx
    start = time.process_time()
    settings = TrainingSettings(seed=0, max_steps=MOST_STEPS)
    module = get_task("membrane").build(data, settings, torch.device("cpu"))
    spent = sum(meshed.values()) + time.process_time() - start
    for step in range(1, MOST_STEPS + 1):
        start = time.process_time()
        module.train()
        loss = module.training_step(None, 0)
        module.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        module.optimizer.step()
        spent += time.process_time() - start
        if step % EVERY:
            continue
        start = time.process_time()
        module.evaluate()
        predictor = module.predictor()
        scores = np.concatenate([b.scores for b in predictor.blocks(unseen)], axis=-1)
        least = predictor.thresholds["target"]
        found = predictor.decode(scores, MeshGrid.of(unseen), least)[0]
        look = time.process_time() - start
        f1 = precision_recall_f1(found.zyx, aim, TOLERANCE)[2]
        # A user looks once, when the scores are useful; what was looked at before is not counted.
        if f1 >= USEFUL_F1 or step == MOST_STEPS:
            return spent + look, f1, step
    raise AssertionError(f"{MOST_STEPS} is no multiple of {EVERY}")


def main() -> None:
    """Print a line a way."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="+")
    parser.add_argument("--peer-python", default=os.environ.get(PEER_VARIABLE))
    parser.add_argument("--peer-epochs", type=int, default=EPOCHS)
    parser.add_argument("--clicks", type=int, default=10, help="of the instant answer")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in options.cases:
        case = ensure_case(name)
        with tempfile.TemporaryDirectory() as folder:
            seconds, f1 = instant(case, Path(folder), options.clicks)
            print(f"{name}  instant, {options.clicks} clicks: {seconds:.1f} CPU-s, F1 {f1:.3f}")
            seconds, f1, steps = trained(case, Path(folder), 1.0)
            print(f"{name}  trained, {steps} steps: {seconds:.1f} CPU-s, F1 {f1:.3f}", flush=True)
        if options.peer_python:
            work, epochs = DEFAULT_ROOT / "peer", options.peer_epochs
            peer = run_peer(options.peer_python, name, work, epochs=epochs)
            seconds = peer["first_scores_s"] + 4 * peer["mesh_s"]
            print(
                f"{name}  MemBrain-pick, {options.peer_epochs} epochs: {seconds:.1f} CPU-s, "
                f"F1 {peer['f1']:.3f} (its defaults {peer['f1_defaults']:.3f})"
            )


if __name__ == "__main__":
    main()
