"""Trainings on painted labels: small, but whole."""

from __future__ import annotations

import re
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from tests.tasks.train_steps import make_steps

from tomoscribe.cli.run_progress import summarise
from tomoscribe.errors import TomoscribeError
from tomoscribe.nets.trust import VARIABLE
from tomoscribe.project.model import Role, TrainingData, TrainingSample
from tomoscribe.project.source import DataSource, LabelFiles
from tomoscribe.segmentation.labels import UNKNOWN, ArrayLabels, LabelClass, SampleLabels
from tomoscribe.segmentation.whole import mark_whole
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.table import get_task
from tomoscribe.tasks.voxels.holdout import CELL, Held, Profile, hold_out
from tomoscribe.tasks.voxels.losses import LossOptions, total_loss
from tomoscribe.tasks.voxels.maps import map_specs
from tomoscribe.tasks.voxels.targets import TargetOptions, make_targets
from tomoscribe.training.config import RunConfig
from tomoscribe.training.run import RunFolder
from tomoscribe.training.run_summary import score_name
from tomoscribe.training.worker import run_worker

CPU = torch.device("cpu")
SHAPE = (2, 96, 192)
SMALL = {
    "batch": 2,
    "width": 8,
    "precision": "float32",
    "max_steps": 80,
    "learning_rate": 1e-2,
    "voxels": {"window_zyx": (1, 64, 64), "levels": 3, "intensity": False, "scale": 1.0},
}


def stripes() -> np.ndarray:
    """Bands of classes 0, 1, 2, 3, twenty pixels wide."""
    band = (np.arange(SHAPE[2]) // 20) % 4
    return np.broadcast_to(band, SHAPE).astype(np.int32)


def sample_of(folder: Path, classes: np.ndarray, labels: np.ndarray) -> TrainingSample:
    """An image whose grey tells the class, with labels (class, z, y, x)."""
    rng = np.random.default_rng(0)
    grey = np.array([60, 110, 160, 210])[classes] + rng.normal(0, 8, SHAPE)
    path = folder / "image.tif"
    tifffile.imwrite(path, grey.clip(0, 255).astype(np.uint8))
    known = SampleLabels(ArrayLabels(labels), (((0, 0, 0), SHAPE),), str(path))
    return TrainingSample("one", str(path), 100.0, Role.TRAIN, labels=known)


@pytest.fixture
def three_classes(tmp_path: Path) -> TrainingData:
    """All of it labelled, with three classes that exclude each other."""
    classes = stripes()
    labels = np.stack([(classes == k).astype(np.int32) for k in (1, 2, 3)])
    names = tuple(LabelClass(name) for name in ("wall", "pore", "plasma"))
    return TrainingData((sample_of(tmp_path, classes, labels),), (), label_classes=names)


def test_three_classes_stay_three_classes(three_classes: TrainingData) -> None:
    module = get_task("semantic").build(three_classes, TrainingSettings(**SMALL), CPU)
    make_steps(module, 80)
    evaluation = module.evaluate()
    assert evaluation is not None
    assert evaluation.score > 0.8
    predictor = module.predictor()
    volume = predictor.open(three_classes.samples[0].volume_path, 100.0)
    maps = np.concatenate([b.scores for b in predictor.blocks(volume)], axis=1)
    assert predictor.maps == ("wall", "pore", "plasma")
    assert maps.shape == (3, *SHAPE)
    assert maps.sum(0).max() <= 1 + 1e-5
    likeliest = np.concatenate([1 - maps.sum(0, keepdims=True), maps]).argmax(0)
    assert (likeliest == stripes()).mean() > 0.9


def test_how_many_voxels_of_each_class_train_is_told(three_classes: TrainingData) -> None:
    module = get_task("semantic").build(three_classes, TrainingSettings(**SMALL), CPU)
    told = module.set_data(three_classes)
    assert list(told.of_class) == ["wall", "pore", "plasma"]
    everywhere = np.bincount(stripes().ravel(), minlength=4)[1:]
    trains = np.array(list(told.of_class.values()))
    assert ((trains > 0) & (trains <= everywhere)).all()
    assert trains.sum() <= told.used < told.total


def test_images_whose_sections_lie_otherwise_train_only_where_sections_are_seen_alone(
    three_classes: TrainingData,
) -> None:
    (one,) = three_classes.samples
    thin = replace(one, voxel_sizes_zyx_A=(200.0, 100.0, 100.0))
    thick = replace(one, name="thick", voxel_sizes_zyx_A=(900.0, 100.0, 100.0))
    told = replace(one, name="pixels only")
    voxels, task = dict(SMALL["voxels"]), get_task("semantic")
    for dimension, wrong in (("2d", False), ("2.5d", True)):
        settings = TrainingSettings(**{**SMALL, "voxels": {**voxels, "dimension": dimension}})
        module = task.build(replace(three_classes, samples=(thin, told)), settings, CPU)
        with pytest.raises(TomoscribeError, match="90 nm apart") if wrong else nullcontext():
            module.set_data(replace(three_classes, samples=(thin, thick)))


def test_voxels_that_nobody_labelled_pull_at_nothing() -> None:
    specs = map_specs(["a", "b"], ["foreground", "contour"])
    labels = np.full((2, 1, 16, 16), UNKNOWN, np.int32)
    labels[0, :, 4:9, 4:9], labels[1, :, 4:9, 4:9] = 1, 0
    maps, known = (torch.from_numpy(a)[None] for a in make_targets(labels, specs, TargetOptions()))
    told = torch.from_numpy(labels[0] >= 0)
    for softmax in (False, True):
        logits = torch.zeros((1, 4 + softmax, 1, 16, 16), requires_grad=True)
        total_loss(logits, maps, known, specs, LossOptions(softmax=softmax)).backward()
        assert logits.grad is not None
        assert not logits.grad[0, :, ~told].any()
        assert logits.grad[0, :2, told].any()


def test_a_stroke_teaches_as_much_in_a_large_window_as_in_a_small_one() -> None:
    specs = map_specs(["a"], ["foreground"])
    labels = np.full((1, 1, 64, 64), UNKNOWN, np.int32)
    labels[0, 0, 10:20, 10:20] = 1
    labels[0, 0, 10:20, 20:30] = 0
    logits = torch.randn((1, 1, 1, 64, 64), generator=torch.Generator().manual_seed(0))
    losses = []
    for part in (np.s_[..., 10:20, 10:30], np.s_[..., :, :]):
        maps, known = (
            torch.from_numpy(a)[None] for a in make_targets(labels[part], specs, TargetOptions())
        )
        losses.append(total_loss(logits[part], maps, known, specs, LossOptions()))
    assert losses[0] == pytest.approx(float(losses[1]), rel=1e-5)


def test_what_lies_beside_a_whole_object_is_not_of_it_though_unknown() -> None:
    labels = np.full((1, 1, 5, 9), -1, np.int32)
    labels[..., 1:4, 2:6] = 7
    kinds = ["foreground", "contour", "distance", "affinity 0,0,-1 nm"]
    specs = map_specs(["a"], kinds)
    at = labels[0] == 7
    inside = np.zeros_like(at)
    inside[:, 2, 3:5] = True
    _, known = make_targets(labels, specs, TargetOptions(distance_scale=2.0))
    assert np.array_equal(known[1], inside)
    assert known[3].sum() == 3 * 3
    maps, known = make_targets(mark_whole(labels, [7]), specs, TargetOptions(distance_scale=2.0))
    assert np.array_equal(known[0], at)  # what it is beside the object nobody knows
    assert np.array_equal(known[1], at)
    assert np.array_equal(maps[1][at] > 0, ~inside[at])
    assert np.array_equal(known[2], at)
    assert np.array_equal(maps[2][at] > 0, inside[at])
    # The voxel of it, or the one before, is known to be of another object.
    assert known[3].sum() == 3 * 5
    assert maps[3][known[3]].sum() == 3 * 3


def test_a_contour_beside_the_unknown_is_not_known() -> None:
    labels = np.full((1, 1, 12, 12), UNKNOWN, np.int32)
    labels[0, 0, 2:10, 2:6], labels[0, 0, 2:10, 6:10] = 1, 2
    (contour,), (known,) = make_targets(labels, map_specs(["a"], ["contour"]), TargetOptions())
    assert contour[0, 5, 5:7].all()
    assert known[0, 5, 5:7].all()
    assert not contour[0, 5, 3:5].any()
    assert known[0, 5, 3:5].all()
    assert not known[0, 5, 2]


def test_depth_in_an_object_of_thick_sections_is_measured_with_their_true_distance() -> None:
    labels = np.zeros((1, 9, 40, 40), np.int32)
    labels[0, 2:7, 5:35, 5:35] = 1
    specs = map_specs(["a"], ["distance"])
    for edge, deep in ((1.0, 2.0), (4.0, 8.0)):
        options = TargetOptions(
            distance_scale=20.0, volume=True, voxel_size_zyx_nm=(edge, 1.0, 1.0)
        )
        (depth,), (known,) = make_targets(labels, specs, options)
        assert known.all()
        assert depth[4, 20, 20] == pytest.approx(deep / 20)
    thick = TargetOptions(distance_scale=8.0, volume=True, voxel_size_zyx_nm=(4.0, 1.0, 1.0))
    assert thick.margin(["distance"]) == (3, 9, 9)


def test_what_judges_never_teaches_while_strokes_grow() -> None:
    few, more = np.full((2, 100), 8), np.full((2, 300), 80)
    small = hold_out([Profile(((0, 0, 0), (4, 100, 100)), few)], 0.2)
    grown = hold_out([Profile(((0, 0, 0), (4, 300, 200)), more)], 0.2)
    lo, hi = (0, 0, 0), (4, 100, 100)
    assert (small.mask(lo, hi) == grown.mask(lo, hi)).all()
    assert 0.05 < grown.mask((0, 0, 0), (4, 600, 600)).mean() < 0.4


def test_each_place_is_as_likely_to_judge_as_another() -> None:
    held = Held(share=0.2)
    cells = held.mask((0, 0, 0), (80, 20 * CELL, 20 * CELL))[::8, ::CELL, ::CELL]
    for axes in ((1, 2), (0, 2), (0, 1)):
        assert 0.1 < cells.mean(axes).min() <= cells.mean(axes).max() < 0.35
    # What lies at the corner is held out no sooner than the rest.
    assert not Held(share=0.05).mask((0, 0, 0), (1, 9, 9)).any()
    part = held.mask((13, 100, 50), (40, 200, 333))
    assert (part == held.mask((0, 0, 0), (40, 200, 333))[13:, 100:, 50:]).all()


@pytest.mark.parametrize(
    ("task", "voxels"),
    [
        ("semantic", {}),
        ("instance", {"dimension": "3d", "window_zyx": (2, 64, 64), "distance": True}),
        ("semantic", {"memory_gb": 0}),
    ],
    ids=["sections", "volumes of objects", "windows that are read"],
)
def test_a_training_that_is_resumed_goes_on_as_if_it_had_not_ended(
    three_classes: TrainingData, task: str, voxels: dict[str, object]
) -> None:
    own = {**SMALL["voxels"], "intensity": True, "scale": 1.25, **voxels}
    settings, kind = TrainingSettings(**{**SMALL, "voxels": own}), get_task(task)
    straight = kind.build(three_classes, settings, CPU)
    make_steps(straight, 3)
    state = straight.checkpoint()
    rest = make_steps(straight, 3)
    resumed = kind.build(three_classes, settings, CPU, state)
    resumed.restore(state, weights_only=False)
    assert make_steps(resumed, 3) == rest


def test_a_training_goes_on_with_the_network_of_its_checkpoint_where_none_is_named(
    three_classes: TrainingData,
) -> None:
    task, named = get_task("semantic"), {"net": "resnet", "net_options": {"blocks": 1}}
    first = task.build(
        three_classes, TrainingSettings(**{**SMALL, "voxels": SMALL["voxels"] | named}), CPU
    )
    state = first.checkpoint()
    onward = task.build(three_classes, TrainingSettings(**SMALL), CPU, state)
    onward.restore(state, weights_only=True)
    assert (onward.plan["net"], onward.plan["net_options"]) == ("resnet", {"blocks": 1})
    assert "checkpoint" in onward.reasons["net"]
    # Maps that it does not predict cannot be had of it.
    for name in ("distance", "affinity"):
        more = TrainingSettings(**{**SMALL, "voxels": SMALL["voxels"] | {name: True}})
        with pytest.raises(TomoscribeError, match=f"no maps of voxels.{name}"):
            task.build(three_classes, more, CPU, state)
    # What nobody named is not said to be set.
    usual = task.build(three_classes, TrainingSettings(**SMALL), CPU)
    assert (usual.plan["net"], usual.reasons["net"]) == ("unet", "")


def test_windows_are_what_a_network_of_ones_own_needs(
    three_classes: TrainingData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from torch import nn\n"
        "model = nn.Sequential(\n"
        "    nn.MaxPool3d(16), nn.Conv3d(1, 4, 1), nn.Upsample(scale_factor=16))\n"
    )
    monkeypatch.setenv(VARIABLE, str(file))
    voxels = {"net": "file", "net_options": {"file": str(file)}, "dimension": "3d"}
    settings = TrainingSettings(batch=1, precision="float32", max_steps=2, voxels=voxels)
    module = get_task("semantic").build(three_classes, settings, CPU)
    make_steps(module, 1)
    assert all(n % 16 == 0 for n in module.plan["window_zyx"])


def test_a_window_larger_than_the_image_is_told_before_anything_is_trained(
    three_classes: TrainingData,
) -> None:
    settings = TrainingSettings(voxels={"window_zyx": (1, 512, 512)})
    with pytest.raises(TomoscribeError, match="larger than the smallest image, 2 x 96 x 192"):
        get_task("semantic").build(three_classes, settings, CPU)


def test_the_worker_trains_objects_from_two_files(tmp_path: Path) -> None:
    classes = stripes()
    labels = np.where(classes == 1, 1 + np.arange(SHAPE[2]) // 80, 0)
    sample_of(tmp_path, classes, labels[None])
    tifffile.imwrite(tmp_path / "labels.tif", labels.astype(np.uint8))
    source = DataSource(
        kind="pair",
        voxels=LabelFiles(
            image=str(tmp_path / "image.tif"),
            labels=str(tmp_path / "labels.tif"),
            classes=("band",),
            voxel_size_zyx_nm=(40.0, 10.0, 10.0),
        ),
    )
    settings = TrainingSettings(**SMALL, threads=1, device="cpu")
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.write_config(RunConfig(task="instance", data=source, settings=settings))
    assert run_worker(run) == 0
    best = next(c for c in run.checkpoints() if c.best)
    predictor = get_task("instance").load(best.path, CPU)
    assert predictor.maps == ("band", "band contour")
    assert predictor.voxel_size_zyx_nm == (40.0, 10.0, 10.0)
    volume = predictor.open(str(tmp_path / "image.tif"), 100.0)
    maps = np.concatenate([b.scores for b in predictor.blocks(volume)], axis=1)
    assert ((maps[0] >= 0.5) == (labels > 0)).mean() > 0.9
    # Of the outlines nobody chooses a threshold.
    told = summarise(run).splitlines()
    assert re.fullmatch(r"Chosen threshold: band 0\.\d{3}", told[-1])
    assert re.search(r"\(IoU\+AP 0\.\d{3}\)$", told[-2])


def test_instances_painted_sparsely_are_ranked_by_objects(tmp_path: Path) -> None:
    band = np.arange(SHAPE[2]) // 20
    objects = np.broadcast_to(np.where(band % 2, band + 1, 0), SHAPE).astype(np.int32)
    sparse = objects.copy()
    sparse[:, np.arange(SHAPE[1]) % 32 >= 12] = UNKNOWN
    data = TrainingData(
        (sample_of(tmp_path, (objects > 0).astype(int), sparse[None]),),
        (),
        label_classes=(LabelClass("band"),),
    )
    module = get_task("instance").build(data, TrainingSettings(**SMALL), CPU)
    make_steps(module, 3)
    evaluation = module.evaluate()
    assert evaluation is not None
    assert "ap50" in evaluation.metrics
    # What is wrong beside the strokes is not seen.
    assert evaluation.metrics["labelled"] == pytest.approx(12 / 32, abs=0.1)
    assert score_name(evaluation.metrics) == "IoU+AP ≈"
