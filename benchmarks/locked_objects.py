"""What locking objects does to the next training: of one section, and of six objects beside it.

One section of a simulated volume of touching objects, cells or mitochondria, is labelled whole;
then the six largest are labelled through all sections, as the brush would (`painted`), or as
objects that are locked, which end where their labels do (`locked`). A JSON line a training: AP of
all objects of the volume by the decoder that maps begin with, IoU of their voxels. CPU-seconds are
of one thread.
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
from scipy import ndimage

import segmentation
from tomoscribe.evaluation.segmentation import instance_scores, voxel_scores
from tomoscribe.project.model import Role, TrainingData, TrainingSample
from tomoscribe.segmentation.decoders import decode
from tomoscribe.segmentation.labels import UNKNOWN, ArrayLabels, LabelClass, SampleLabels
from tomoscribe.simulate.labels import VOXEL_ZYX_NM, simulate_labels
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.table import get_task

NAME = "object"
SHAPE = (24, 256, 256)
LOCKED = 6
VARIANTS = ("section", "painted", "locked")
CELLS = 34


def mitochondria() -> tuple[np.ndarray, np.ndarray]:
    """Return the simulated EM volume that the program makes, and its objects."""
    made = simulate_labels(0, SHAPE)
    return made.volume, made.objects.astype(np.int32)


def cells() -> tuple[np.ndarray, np.ndarray]:
    """Return grey cells with dark rims and nuclei, and which voxel is of which cell."""
    rng = np.random.default_rng(1)
    depth, height, width = SHAPE
    middles: list[np.ndarray] = []
    while len(middles) < CELLS:
        middle = np.array([
            rng.uniform(0, depth), rng.uniform(10, height - 10), rng.uniform(10, width - 10)
        ])  # fmt: skip
        if all(np.hypot(*(middle - other)[1:]) > 34 for other in middles):
            middles.append(middle)
        if rng.uniform() < 0.0005:
            break
    z, y, x = np.mgrid[:depth, :height, :width].astype(np.float32)
    bent = [
        150 * ndimage.gaussian_filter(rng.normal(size=SHAPE).astype(np.float32), (4, 12, 12))
        for _ in range(2)
    ]
    objects, nuclei = np.zeros(SHAPE, np.int32), np.zeros(SHAPE, bool)
    nearest = np.ones(SHAPE, np.float32)
    for number, (a, b, c) in enumerate(middles, 1):
        radius = rng.uniform(17, 24)
        long = radius * rng.uniform(0.85, 1.15)
        within = ((z - a) / 24) ** 2
        within = within + ((y + bent[0] - b) / long) ** 2 + ((x + bent[1] - c) / radius) ** 2
        mine = within < nearest
        objects[mine], nearest[mine] = number, within[mine]
        off = rng.uniform(-4, 4, 2)
        nucleus = ((z - a) / 16) ** 2 + ((y - b - off[0]) / (long * 0.42)) ** 2
        nucleus = nucleus + ((x - c - off[1]) / (radius * 0.42)) ** 2
        nuclei |= (nucleus < 1) & (objects == number)
    grey = np.where(objects > 0, np.float32(0.48), np.float32(0.75))
    for section, labels in zip(grey, objects, strict=True):
        rim = ndimage.maximum_filter(labels, 3) != ndimage.minimum_filter(labels, 3)
        section[rim & (labels > 0)] = 0.25
    grey[nuclei] = 0.3
    grey = ndimage.gaussian_filter(grey, (0, 0.7, 0.7)) + 0.08 * rng.normal(size=SHAPE)
    seen = np.clip(grey + 0.06 * np.sin(x / 60), 0, 1) * 255
    return seen.astype(np.uint8), objects


CASES = {"cells": (cells, 10), "mitochondria": (mitochondria, 12)}
"""What makes a volume, and the section that is labelled whole."""


def labels_of(variant: str, truth: np.ndarray, section: int) -> tuple[np.ndarray, frozenset[int]]:
    """Return the labels (z, y, x) of a variant, and which objects are whole."""
    labels = np.full(truth.shape, UNKNOWN, np.int32)
    labels[section] = truth[section]
    if variant == "section":
        return labels, frozenset()
    sizes = np.bincount(truth.ravel())
    sizes[0] = 0
    largest = np.argsort(-sizes, kind="stable")[:LOCKED]
    labels[np.isin(truth, largest)] = truth[np.isin(truth, largest)]
    return labels, frozenset(largest.tolist()) if variant == "locked" else frozenset()


def run(name: str, variant: str, budget: float, seed: int) -> dict[str, Any]:
    """Train, take the best checkpoint, score all of the volume."""
    make, section = CASES[name]
    (volume, truth), edge = make(), 10 * VOXEL_ZYX_NM[0]
    labels, whole = labels_of(variant, truth, section)
    sections = np.flatnonzero((labels != UNKNOWN).any((1, 2))).tolist()
    boxes = tuple(((z, 0, 0), (z + 1, *SHAPE[1:])) for z in sections)
    with tempfile.TemporaryDirectory() as folder:
        path, best = Path(folder) / "image.tif", Path(folder) / "best.pt"
        tifffile.imwrite(path, volume)
        sample = TrainingSample(
            "image", str(path), edge, Role.TRAIN, voxel_sizes_zyx_A=(edge, edge, edge),
            labels=SampleLabels(ArrayLabels(labels[None]), boxes, "benchmark", whole=whole),
        )  # fmt: skip
        data = TrainingData((sample,), (), label_classes=(LabelClass(NAME),))
        settings = TrainingSettings(max_minutes=budget / 60, seed=seed)
        module = get_task("instance").build(data, settings, torch.device("cpu"))
        steps, _ = segmentation.train(module, budget, best, "cpu")
        case = segmentation.Case("instance", volume, labels, truth, np.index_exp[:],
                                 (edge, edge, edge), NAME, deep=True)  # fmt: skip
        predictor = get_task("instance").load(best, torch.device("cpu"))
        maps = segmentation.maps_of(case, predictor, str(path))
        decoder = segmentation._decoders(case, predictor)["default"]
    objects = decode(maps, predictor.maps, [NAME], decoder, VOXEL_ZYX_NM)[0].labels
    return {
        "case": name, "variant": variant, "cpu_s": budget, "seed": seed, "steps": steps,
        "ap50": round(instance_scores(truth, objects).at_50.average_precision, 3),
        "iou": round(voxel_scores(truth, maps[0] >= 0.5).iou, 3),
        "objects": int(truth.max()), "found": int(objects.max()),
    }  # fmt: skip


def main() -> None:
    """Run the variants that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="+", default=list(CASES), choices=CASES)
    parser.add_argument("--variants", nargs="+", default=VARIANTS, choices=VARIANTS)
    parser.add_argument("--budgets", nargs="+", type=float, default=[40.0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for name in asked.cases:
        for budget in asked.budgets:
            for seed in asked.seeds:
                for variant in asked.variants:
                    print(json.dumps(run(name, variant, budget, seed)), flush=True)


if __name__ == "__main__":
    main()
