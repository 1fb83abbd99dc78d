"""How good segmentations are after some CPU-seconds: dense labels, strokes, touching objects.

One JSON line a run. Everything is chosen by the tool; the best checkpoint is the one that its own
validation ranks first, written to disk and loaded again. What is scored never trains, judges or
chooses. Scores are those of `bench/segmentation/evaluate.py` of the shared folder, which shares no
code with tomoscribe. Seconds are those of one thread of the process, from the first step,
validations included.

Cases
-----
plate : SEM of a sieve plate, half resolution. Columns 0-299 train, the others are scored (IoU).
chloroplast : ten sections at full resolution, columns 0-559 train; columns 560 on of sections 8-9
    are scored (AP of objects by the default decoder, and by the tuned one).
membrane : FIB-SEM of neurons, cubes of 10 nm. Class: pixels that touch another neuron within
    their section. Sections 0-127 train, 140-159 are scored (IoU).
strokes : as membrane, but of sections 40 and 90 only a twentieth is labelled, by discs of which
    every other lies on a membrane.
neurons : the same volume, every neuron an object. Sections 0-127 train, 136-159 are scored: objects
    through the volume (AP at an IoU of 0.5, variation of information, adapted Rand error), by the
    decoder that maps begin with and by the one that the checkpoint was tuned to.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile
import torch
from skimage import measure

from tomoscribe.project.model import Role, TrainingData, TrainingSample
from tomoscribe.segmentation.decoders import decode
from tomoscribe.segmentation.labels import UNKNOWN, ArrayLabels, LabelClass, SampleLabels
from tomoscribe.segmentation.stored_settings import settings_by_class
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.table import get_task

if TYPE_CHECKING:
    from tomoscribe.segmentation.decoder_settings import DecoderSettings

SHARED = Path(os.environ.get("TOMOSCRIBE_SHARED", "../shared"))
VALIDATIONS = 8
"""In a run; the worker's pace at these lengths."""


@dataclass
class Case:
    """What trains, and what is scored: a slice of the image, and the truth there."""

    task: str
    image: np.ndarray
    labels: np.ndarray
    """(z, y, x): -1 unlabelled, 0 background, else an object."""
    truth: np.ndarray
    """(z, y, x) of the whole image."""
    scored: tuple[slice, slice, slice]
    voxel_size_zyx_A: tuple[float, float, float]
    class_name: str
    developed: bool = False
    deep: bool = False
    """Objects go through the volume."""


def plate() -> Case:
    """Return the SEM plate, at half resolution."""
    folder = SHARED / "data" / "em_wsu_chloroplast"
    image, truth = (
        _halved(tifffile.imread(folder / name).astype(np.float32))
        for name in ("plate_sem_2d.tif", "plate_sem_2d_label.tif")
    )
    truth = (truth >= 0.5).astype(np.int32)[None]
    labels = truth.copy()
    labels[:, :, 300:] = UNKNOWN
    scored = np.s_[:, :, 300:]
    return Case("semantic", image[None].round().astype(np.uint8), labels, truth, scored,
                (100.0, 100.0, 100.0), "pore")  # fmt: skip


def chloroplast() -> Case:
    """Return the ten sections with touching chloroplasts."""
    folder = SHARED / "data" / "em_wsu_chloroplast"
    image = tifffile.imread(folder / "images.tif")
    truth = tifffile.imread(folder / "labels.tif").astype(np.int32)
    labels = truth.copy()
    labels[:, :, 560:] = UNKNOWN
    return Case("instance", image, labels, truth, np.s_[8:10, :, 560:],
                (500.0, 50.0, 50.0), "chloroplast")  # fmt: skip


def membrane() -> Case:
    """Return the FIB-SEM volume with the borders of its neurons."""
    folder = SHARED / "data" / "em_fib25_medulla"
    image = tifffile.imread(folder / "raw.tif")
    bodies = tifffile.imread(folder / "labels.tif").astype(np.int32)
    truth = np.zeros(bodies.shape, np.int32)
    for axis in (1, 2):
        a, b = np.moveaxis(bodies, axis, 0)[:-1], np.moveaxis(bodies, axis, 0)[1:]
        np.moveaxis(truth, axis, 0)[:-1] |= a != b
        np.moveaxis(truth, axis, 0)[1:] |= a != b
    labels = truth.copy()
    labels[128:] = UNKNOWN
    return Case("semantic", image, labels, truth, np.index_exp[140:160], (100.0, 100.0, 100.0),
                "membrane")  # fmt: skip


def neurons() -> Case:
    """Return the FIB-SEM volume with its neurons as objects."""
    folder = SHARED / "data" / "em_fib25_medulla"
    image = tifffile.imread(folder / "raw.tif")
    truth = tifffile.imread(folder / "labels.tif").astype(np.int32)
    labels = truth.copy()
    labels[128:] = UNKNOWN
    return Case("instance", image, labels, truth, np.index_exp[136:160], (100.0, 100.0, 100.0),
                "neuron", deep=True)  # fmt: skip


def strokes(seed: int) -> Case:
    """Return the FIB-SEM volume with strokes on two sections."""
    case = membrane()
    rng = np.random.default_rng(seed)
    labels = np.full_like(case.truth, UNKNOWN)
    y, x = np.mgrid[: labels.shape[1], : labels.shape[2]]
    for z in (40, 90):
        on, turn = np.argwhere(case.truth[z] > 0), 0
        while (labels[z] != UNKNOWN).mean() < 0.05:
            place = (
                on[rng.integers(len(on))] if turn % 2 == 0 else rng.integers(0, labels.shape[1:])
            )
            disc = (y - place[0]) ** 2 + (x - place[1]) ** 2 < 8**2
            labels[z][disc] = case.truth[z][disc]
            turn += 1
    return replace(case, labels=labels)


def for_development(case: Case) -> Case:
    """Return the case with what trains split once more: nothing of what is scored is seen."""
    labels = case.labels.copy()
    known = np.argwhere((case.labels != UNKNOWN).any((0, 1)))
    if case.class_name in ("membrane", "neuron"):
        labels[100:] = UNKNOWN
        return replace(case, labels=labels, scored=np.index_exp[108:128], developed=True)
    edge = int(known[len(known) * 6 // 10][0])
    end = int(known[-1][0]) + 1
    labels[:, :, edge:] = UNKNOWN
    z = np.s_[8:10] if len(labels) > 1 else np.s_[:]
    return replace(case, labels=labels, scored=(z, np.s_[:], np.s_[edge:end]), developed=True)


def training_data(case: Case, folder: Path) -> TrainingData:
    """Return what trains; the image is written into a folder."""
    path = folder / "image.tif"
    tifffile.imwrite(path, case.image)
    boxes = _boxes(case.labels, np.argwhere(case.labels != UNKNOWN))
    sample = TrainingSample(
        "image", str(path), case.voxel_size_zyx_A[2], Role.TRAIN,
        labels=SampleLabels(ArrayLabels(case.labels[None]), boxes, "benchmark"),
        voxel_sizes_zyx_A=case.voxel_size_zyx_A,
    )  # fmt: skip
    return TrainingData((sample,), (), label_classes=(LabelClass(case.class_name),))


def run(case: Case, budget: float, seed: int, device: str, settings: dict[str, Any]) -> dict:
    """Train, take the best checkpoint, score it."""
    with tempfile.TemporaryDirectory() as folder:
        data = training_data(case, Path(folder))
        given = TrainingSettings(max_minutes=budget / 60, seed=seed, **settings)
        task, place = get_task(case.task), torch.device(device)
        began = time.process_time()
        module = task.build(data, given, place)
        built = time.process_time() - began
        best = Path(folder) / "best.pt"
        steps, curve = train(module, budget, best, device)
        predictor = task.load(best, place)
        return {
            "cpu_s": budget, "seed": seed, "device": device, "steps": steps,
            "build_s": round(built, 1), "plan": {k: module.plan[k] for k in SHOWN},
            "settings": settings, "curve": curve,
            **score(case, predictor, data.samples[0].volume_path),
        }  # fmt: skip


SHOWN = ("dimension", "reduction_zyx", "window_zyx", "batch", "width", "levels", "precision",
         "learning_rate")  # fmt: skip


def train(module: Any, budget: float, best: Path, device: str) -> tuple[int, list]:
    """Make steps until the budget is used; keep the best checkpoint."""
    clock = time.process_time if device == "cpu" else time.perf_counter
    began, steps, top, curve = clock(), 0, -1.0, []
    due = [budget * (i + 1) / VALIDATIONS for i in range(VALIDATIONS - 1)]

    def validate() -> None:
        nonlocal top
        evaluation = module.evaluate()
        curve.append((round(clock() - began, 1), round(evaluation.score, 4)))
        if evaluation.score >= top:  # of equal ones the last is the best, as in a run
            top = evaluation.score
            torch.save(module.checkpoint(), best)

    while (used := clock() - began) < budget:
        module.set_progress(used / budget)
        loss = module.training_step(None, 0)
        module.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        module.optimizer.step()
        steps += 1
        if due and clock() - began >= due[0]:
            due.pop(0)
            validate()
    validate()
    return steps, curve


def maps_of(case: Case, predictor: Any, path: str) -> np.ndarray:
    """Return the maps (map, z, y, x) of the whole image."""
    volume = predictor.open(path, case.voxel_size_zyx_A[2])
    maps = np.zeros((len(predictor.maps), *volume.shape_zyx), np.float32)
    for block in predictor.blocks(volume):
        z, y, x = block.lo_zyx
        _, dz, dy, dx = block.scores.shape
        maps[:, z : z + dz, y : y + dy, x : x + dx] = block.scores
    return maps


def score(case: Case, predictor: Any, path: str) -> dict[str, Any]:
    """Return what the independent scorer says of the scored part."""
    scorer, began = _scorer(), time.process_time()
    maps = maps_of(case, predictor, path)
    told = {"predict_s": round(time.process_time() - began, 1)}
    maps, truth = maps[(slice(None), *case.scored)], case.truth[case.scored]
    found = (maps[0] >= 0.5).astype(int)
    one = scorer.semantic(found, (truth > 0).astype(int), [1], rounds=0)["1"]
    told |= {key: one[key] for key in ("iou", "f1", "precision", "recall", "boundary_f1")}
    if case.task == "semantic":
        return told
    for name, settings in _decoders(case, predictor).items():
        began = time.process_time()
        objects = decode(maps, predictor.maps, [case.class_name], settings, _voxel_nm(case))[0]
        told[f"{name}_s"] = round(time.process_time() - began, 1)
        found, shown = objects.labels.astype(np.int64), truth.astype(np.int64)
        if case.deep:
            found, shown = _connected(found), _connected(shown)
            shown[np.isin(shown, np.flatnonzero(np.bincount(shown.ravel()) < LEAST))] = UNKNOWN
        result = scorer.instance(found, shown, ignore=UNKNOWN, rounds=0, three_d=case.deep)
        told[name] = {key: result[key] for key in OBJECTS}
        told[f"{name}_settings"] = {key: getattr(settings, key) for key in settings.in_use()}
    return told


LEAST = 200
"""Voxels; parts of neurons in what is scored that are smaller count neither way."""
OBJECTS = ("ap50", "ap50_95", "pq_50", "voi_split", "voi_merge", "voi", "adapted_rand_error",
           "tp_fp_fn_50")  # fmt: skip


def _decoders(case: Case, predictor: Any) -> dict[str, DecoderSettings]:
    """Return the decoder that maps begin with, and the one that the checkpoint was tuned to."""

    def chosen(stored: dict[str, Any]) -> DecoderSettings:
        return settings_by_class(
            stored, [case.class_name], predictor.maps, instances=True, exclusive=True,
            shape_zyx=case.image.shape, voxel_size_zyx_nm=_voxel_nm(case),
        )[case.class_name]  # fmt: skip

    return {"default": chosen({}), "tuned": chosen(predictor.decoder)}


def _voxel_nm(case: Case) -> tuple[float, float, float]:
    z, y, x = (size / 10 for size in case.voxel_size_zyx_A)
    return z, y, x


def _connected(labels: np.ndarray) -> np.ndarray:
    """Return labels whose objects are connected: branches may meet outside of what is scored."""
    return measure.label(labels, connectivity=1, background=0).astype(np.int64)


def _boxes(labels: np.ndarray, known: np.ndarray) -> tuple:
    """Return one box of what is labelled, or one a section where few sections are."""
    sections = np.unique(known[:, 0])
    if len(sections) == known[:, 0].max() - known[:, 0].min() + 1:
        return ((tuple(known.min(0).tolist()), tuple((known.max(0) + 1).tolist())),)
    return tuple(((int(z), 0, 0), (int(z) + 1, labels.shape[1], labels.shape[2])) for z in sections)


def _halved(image: np.ndarray) -> np.ndarray:
    height, width = image.shape[0] // 2, image.shape[1] // 2
    return image[: 2 * height, : 2 * width].reshape(height, 2, width, 2).mean((1, 3))


def _scorer() -> Any:
    path = SHARED / "bench" / "segmentation" / "evaluate.py"
    spec = importlib.util.spec_from_file_location("evaluate", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Run the cases that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="+", default=["plate"])
    parser.add_argument("--budgets", nargs="+", type=float, default=[60.0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--develop", action="store_true", help="score within what trains")
    parser.add_argument("--set", default="{}", help="settings as JSON")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    if asked.device == "cpu":
        torch.set_num_threads(1)
    for name in asked.cases:
        for seed in asked.seeds:
            case = strokes(seed) if name == "strokes" else globals()[name]()
            case = for_development(case) if asked.develop else case
            for budget in asked.budgets:
                told = run(case, budget, seed, asked.device, json.loads(asked.set))
                line = json.dumps({"case": name, "develop": asked.develop, **told})
                print(line, flush=True)
                if asked.out:
                    with asked.out.open("a") as file:
                        file.write(line + "\n")


if __name__ == "__main__":
    main()
