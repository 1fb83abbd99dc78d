"""A decoder is tuned where objects are judged as they will be found."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from tests.tasks.train_steps import make_steps

from tomoscribe.project.model import Role, TrainingData, TrainingSample
from tomoscribe.segmentation.decoder_settings import THICK
from tomoscribe.segmentation.labels import UNKNOWN, ArrayLabels, LabelClass, SampleLabels
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.table import get_task
from tomoscribe.tasks.voxels import validation

CPU = torch.device("cpu")
EDGE = 96
SETTINGS = TrainingSettings(
    bin=1,
    width=8,
    batch=4,
    precision="float32",
    max_steps=30,
    learning_rate=1e-2,
    voxels={"dimension": "2d", "window_zyx": (1, 32, 32), "levels": 2, "hold_out_labels": 0.3},
)


def rods(folder: Path, depth: int, depth_nm: float, labelled: int) -> TrainingData:
    """Bright rods through all sections, labelled whole in the first ones; pixels of 10 nm."""
    section = np.zeros((EDGE, EDGE), np.int32)
    for number, (y, x) in enumerate(np.ndindex(4, 4), start=1):
        section[24 * y + 4 : 24 * y + 20, 24 * x + 4 : 24 * x + 20] = number
    labels = np.repeat(section[None], depth, 0)
    grey = np.where(labels > 0, 180, 60) + np.random.default_rng(0).normal(0, 8, labels.shape)
    path = folder / "image.tif"
    tifffile.imwrite(path, grey.clip(0, 255).astype(np.uint8), photometric="minisblack")
    labels[labelled:] = UNKNOWN
    box = ((0, 0, 0), (labelled, EDGE, EDGE))
    sample = TrainingSample(
        "rods", str(path), 100.0, Role.TRAIN,
        labels=SampleLabels(ArrayLabels(labels[None]), (box,), "test"),
        voxel_sizes_zyx_A=(10 * depth_nm, 100.0, 100.0),
    )  # fmt: skip
    return TrainingData((sample,), (), label_classes=(LabelClass("rod"),))


@pytest.mark.parametrize(
    ("depth", "depth_nm", "labelled", "found"),
    [
        (20, 10.0, 20, "3d"),
        (20, 50.0, 20, "linked"),
        (20, 10.0, 1, None),  # How objects go on is not judged: the usual decoder stays.
        (4, 50.0, 4, "2d"),
    ],
)
def test_a_decoder_is_tuned_on_stacks_where_objects_go_through_them(
    tmp_path: Path, depth: int, depth_nm: float, labelled: int, found: str | None
) -> None:
    data = rods(tmp_path, depth, depth_nm, labelled)
    module = get_task("instance").build(data, SETTINGS, CPU)
    make_steps(module, 30)
    evaluation = module.evaluate()
    assert evaluation is not None
    assert evaluation.score > 0
    tuned = evaluation.decoder.get("rod")
    assert (tuned and tuned["dimension"]) == found


def test_of_equal_scores_the_last_is_tuned_too_for_it_is_the_best(tmp_path: Path) -> None:
    module = get_task("instance").build(rods(tmp_path, 4, 50.0, 4), SETTINGS, CPU)
    make_steps(module, 30)
    first, second = module.evaluate(), module.evaluate()
    assert first is not None
    assert second is not None
    assert second.score == first.score
    assert first.decoder
    assert second.decoder == first.decoder


def test_scores_on_other_labels_are_not_compared_to_tune_a_decoder(tmp_path: Path) -> None:
    data = rods(tmp_path, 4, 50.0, 4)
    module = get_task("instance").build(data, SETTINGS, CPU)
    make_steps(module, 30)
    first = module.evaluate()
    (sample,) = data.samples
    assert sample.labels is not None
    shifted = np.roll(sample.labels.reader.read((0, 0, 0), (4, EDGE, EDGE)), 6, 2)
    box = ((0, 0, 0), (3, EDGE, EDGE))
    worse = replace(sample, labels=SampleLabels(ArrayLabels(shifted), (box,), "shifted"))
    module.set_data(replace(data, samples=(worse,)))
    second = module.evaluate()
    assert first is not None
    assert second is not None
    assert 0 < second.score < first.score
    assert second.decoder


def test_stacks_are_cut_until_a_validation_can_look_at_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "_MOST_VOXELS", THICK * 40 * 40)
    pieces = validation._cut((0, 10, 0), (40, 110, 30), THICK)
    assert sum(voxels_of(piece) for piece in pieces) == 40 * 100 * 30
    assert {hi[0] - lo[0] for lo, hi in pieces} == {20}
    assert {hi[2] - lo[2] for lo, hi in pieces} == {30}
    assert max(hi[1] - lo[1] for lo, hi in pieces) <= 40


def voxels_of(piece: tuple[tuple[int, ...], tuple[int, ...]]) -> int:
    lo, hi = piece
    return int(np.prod([b - a for a, b in zip(lo, hi, strict=True)]))
