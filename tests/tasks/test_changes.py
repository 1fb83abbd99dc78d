"""Data that change while a training runs: what is refused leaves the old labels in use."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tasks.balls import SHAPE, VOXEL_A, make_sample

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import write_mrc
from tomoscribe.project.model import ParticleClass, Role, TrainingData
from tomoscribe.tasks.base import get_task
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.tomogram.module import TomogramModule

CPU = torch.device("cpu")
QUICK = TrainingSettings(precision="float32", width=8, batch=2, patch=32, max_steps=8)


def _build(data: TrainingData) -> TomogramModule:
    module = get_task("tomogram").build(data, QUICK, CPU)
    assert isinstance(module, TomogramModule)
    return module


def _refused(module: TomogramModule, data: TrainingData, sentence: str) -> None:
    """Check that `data` are refused, and that the training goes on with what it had."""
    before = module._status()
    with pytest.raises(TomoscribeError, match=sentence):
        module.set_data(data)
    assert module._status() == before
    assert torch.isfinite(module.training_step(None, 0))


@pytest.mark.parametrize("value", [float("nan"), 3.0])
def test_a_tomogram_that_cannot_be_read_leaves_the_old_labels(
    balls: TrainingData, tmp_path: Path, value: float
) -> None:
    bad = make_sample(tmp_path, "bad", 2, clicks=5)
    write_mrc(Path(bad.volume_path), np.full(SHAPE, value, np.float32), VOXEL_A)
    _refused(_build(balls), replace(balls, samples=(*balls.samples, bad)), "bad")


def test_changed_classes_need_a_new_training(balls: TrainingData) -> None:
    module = _build(balls)
    ball = balls.classes[0]
    picks = [replace(p, class_name="sphere") for p in balls.samples[0].picks]
    renamed = replace(balls.samples[0], picks=tuple(picks))
    sentence = "classes changed.*start a new training"
    _refused(
        module,
        replace(balls, samples=(renamed,), classes=(replace(ball, name="sphere"),)),
        sentence,
    )
    _refused(module, replace(balls, classes=(ball, ParticleClass("rod", 90.0))), sentence)
    _refused(module, replace(balls, classes=()), sentence)


def test_another_voxel_size_is_refused_as_at_the_start(balls: TrainingData, tmp_path: Path) -> None:
    module = _build(balls)
    other = replace(make_sample(tmp_path, "two", 2, clicks=5), voxel_size_A=2 * VOXEL_A)
    _refused(module, replace(balls, samples=(*balls.samples, other)), "one voxel size")
    corrected = replace(balls.samples[0], voxel_size_A=2 * VOXEL_A)
    _refused(module, replace(balls, samples=(corrected,)), "20 Å.*began with 10 Å")


def test_tomograms_that_are_not_used_are_asked_nothing(balls: TrainingData) -> None:
    unused = replace(
        balls.samples[0],
        name="unused",
        volume_path="gone.mrc",
        voxel_size_A=3 * VOXEL_A,
        role=Role.UNUSED,
    )
    data = replace(balls, samples=(unused, *balls.samples))
    module = _build(data)
    assert module.voxel_size_A == VOXEL_A
    assert module.set_data(data).total == 12


def test_a_tomogram_that_is_taken_out_leaves_the_memory(
    balls: TrainingData, tmp_path: Path
) -> None:
    module = _build(balls)
    added = make_sample(tmp_path, "two", 2, clicks=5)
    module.set_data(replace(balls, samples=(*balls.samples, added)))
    assert len(module._volumes) == 2
    module.set_data(balls)
    assert list(module._volumes) == [balls.samples[0].volume_path]
