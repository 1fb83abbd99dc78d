"""What locking objects does to the next training: of one section, and of six objects beside it.

One section of a simulated volume of touching mitochondria is labelled whole; then the six largest
objects are labelled through all sections, as the brush would (`painted`), or as objects that are
locked, which end where their labels do (`locked`). A JSON line a training: AP of all objects of the
volume by the decoder that maps begin with, IoU of their voxels. CPU-seconds are of one thread.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
import torch

import segmentation
from tomoscribe.evaluation.segmentation import instance_scores, voxel_scores
from tomoscribe.project.model import Role, TrainingData, TrainingSample
from tomoscribe.segmentation.decoders import decode
from tomoscribe.segmentation.labels import UNKNOWN, ArrayLabels, LabelClass, SampleLabels
from tomoscribe.simulate.labels import MITOCHONDRION, VOXEL_ZYX_NM, simulate_labels
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.table import get_task

SHAPE = (24, 256, 256)
SECTION, LOCKED = 12, 6
VARIANTS = ("section", "painted", "locked")


def labels_of(variant: str, truth: np.ndarray) -> tuple[np.ndarray, frozenset[int]]:
    """Return the labels (z, y, x) of a variant, and which objects are whole."""
    labels = np.full(truth.shape, UNKNOWN, np.int32)
    labels[SECTION] = truth[SECTION]
    if variant == "section":
        return labels, frozenset()
    sizes = np.bincount(truth.ravel())
    sizes[0] = 0
    largest = np.argsort(-sizes, kind="stable")[:LOCKED]
    labels[np.isin(truth, largest)] = truth[np.isin(truth, largest)]
    return labels, frozenset(largest.tolist()) if variant == "locked" else frozenset()


def run(variant: str, budget: float, seed: int) -> dict[str, Any]:
    """Train, take the best checkpoint, score all of the volume."""
    made = simulate_labels(0, SHAPE)
    truth, edge = made.objects.astype(np.int32), 10 * VOXEL_ZYX_NM[0]
    labels, whole = labels_of(variant, truth)
    sections = np.flatnonzero((labels != UNKNOWN).any((1, 2))).tolist()
    boxes = tuple(((z, 0, 0), (z + 1, *SHAPE[1:])) for z in sections)
    with tempfile.TemporaryDirectory() as folder:
        path, best = Path(folder) / "image.tif", Path(folder) / "best.pt"
        tifffile.imwrite(path, made.volume)
        sample = TrainingSample(
            "image", str(path), edge, Role.TRAIN, voxel_sizes_zyx_A=(edge, edge, edge),
            labels=SampleLabels(ArrayLabels(labels[None]), boxes, "benchmark", whole=whole),
        )  # fmt: skip
        data = TrainingData((sample,), (), label_classes=(LabelClass(MITOCHONDRION),))
        settings = TrainingSettings(max_minutes=budget / 60, seed=seed)
        module = get_task("instance").build(data, settings, torch.device("cpu"))
        steps, _ = segmentation.train(module, budget, best, "cpu")
        case = segmentation.Case("instance", made.volume, labels, truth, np.index_exp[:],
                                 (edge, edge, edge), MITOCHONDRION, deep=True)  # fmt: skip
        predictor = get_task("instance").load(best, torch.device("cpu"))
        maps = segmentation.maps_of(case, predictor, str(path))
        decoder = segmentation._decoders(case, predictor)["default"]
    objects = decode(maps, predictor.maps, [MITOCHONDRION], decoder, VOXEL_ZYX_NM)[0].labels
    return {
        "variant": variant, "cpu_s": budget, "seed": seed, "steps": steps,
        "ap50": round(instance_scores(truth, objects).at_50.average_precision, 3),
        "iou": round(voxel_scores(truth, maps[0] >= 0.5).iou, 3),
        "objects": int(truth.max()), "found": int(objects.max()),
    }  # fmt: skip


def main() -> None:
    """Run the variants that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--variants", nargs="+", default=VARIANTS, choices=VARIANTS)
    parser.add_argument("--budgets", nargs="+", type=float, default=[40.0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for budget in asked.budgets:
        for seed in asked.seeds:
            for variant in asked.variants:
                print(json.dumps(run(variant, budget, seed)), flush=True)


if __name__ == "__main__":
    main()
