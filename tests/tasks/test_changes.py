"""What a running training is given and asked: new data, validations, predictors."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tasks.balls import SHAPE, VOXEL_A, make_sample

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import open_volume, write_mrc
from tomoscribe.nets.precision import PrecisionTest
from tomoscribe.picks.table import PickState
from tomoscribe.prediction.volume import predict_heatmap
from tomoscribe.project.model import ParticleClass, Role, TrainingData
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.table import get_task
from tomoscribe.tasks.tomogram import scaled, task
from tomoscribe.tasks.tomogram.module import TomogramModule

CPU = torch.device("cpu")
QUICK = TrainingSettings(precision="float32", width=8, batch=2, patch=32, max_steps=8)


def _build(data: TrainingData) -> TomogramModule:
    module = get_task("tomogram").build(data, QUICK, CPU)
    assert isinstance(module, TomogramModule)
    return module


def _refused(module: TomogramModule, data: TrainingData, sentence: str) -> None:
    """Check that `data` are refused, and that the training goes on with what it had."""
    before = module.status()
    with pytest.raises(TomoscribeError, match=sentence):
        module.set_data(data)
    assert module.status() == before
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
    status = module.set_data(data)
    assert (status.used, status.held_out, status.total) == (10, 2, 24)


def test_a_tomogram_that_is_taken_out_leaves_the_memory(
    balls: TrainingData, tmp_path: Path
) -> None:
    module = _build(balls)
    added = make_sample(tmp_path, "two", 2, clicks=5)
    module.set_data(replace(balls, samples=(*balls.samples, added)))
    assert len(module._volumes) == 2
    module.set_data(balls)
    assert list(module._volumes) == [balls.samples[0].volume_path]


def test_a_validation_that_is_stopped_leaves_no_trace(balls: TrainingData) -> None:
    module = _build(balls)
    before = dict(module.thresholds)
    assert module.evaluate(lambda: True) is None
    assert module.thresholds == before
    assert module.evaluate(lambda: False) is not None


def test_what_is_in_memory_is_not_read_again(
    balls: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = _build(balls)
    volume = open_volume(balls.samples[0].volume_path)
    monkeypatch.setattr(scaled, "read_binned", None)
    assert module.evaluate() is not None
    heatmap, grid = predict_heatmap(module.predictor(), volume)
    assert heatmap.shape[1:] == grid.shape_zyx


def test_proposals_do_not_make_a_tomogram_validate(balls: TrainingData, tmp_path: Path) -> None:
    sample = make_sample(tmp_path, "val", 3, Role.VALIDATE, clicks=4)
    proposed = tuple(replace(p, state=PickState.PROPOSED) for p in sample.picks)
    data = replace(balls, samples=(*balls.samples, replace(sample, picks=proposed)))
    module = _build(data)
    assert module.set_data(data).used == 10
    judged = replace(balls, samples=(*balls.samples, sample))
    status = module.set_data(judged)
    assert (status.used, status.held_out, status.total) == (12, 4, 16)


@pytest.fixture
def tests(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The devices that were tested; the test always says that bfloat16 pays."""
    asked: list[str] = []

    def measure(net: object, shape: object, device: torch.device) -> PrecisionTest:
        asked.append(device.type)
        return PrecisionTest(2.0, 1.0, 0.0)

    monkeypatch.setattr(task, "measure_precision", measure)
    task._test_network.cache_clear()
    yield asked
    task._test_network.cache_clear()


@pytest.mark.parametrize(
    ("precision", "device", "bfloat16", "asked"),
    [
        ("float32", "cuda", False, []),
        ("bfloat16", "cpu", True, []),
        ("bfloat16", "cuda", True, ["cpu"]),
    ],
)
def test_a_checkpoint_keeps_its_precision(
    balls: TrainingData,
    tmp_path: Path,
    tests: list[str],
    precision: str,
    device: str,
    bfloat16: bool,
    asked: list[str],
) -> None:
    settings = QUICK.model_copy(update={"precision": precision})
    state = get_task("tomogram").build(balls, settings, CPU).checkpoint()
    path = tmp_path / "checkpoint.pt"
    torch.save({**state, "device": device}, path)
    loaded = [get_task("tomogram").load(path, CPU) for _ in range(2)]
    assert [predictor.net.bfloat16 for predictor in loaded] == 2 * [bfloat16]
    assert tests == asked
