"""What only a GPU can show: it learns the same, predicts the same, and gives its memory back."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tasks.balls import DIAMETER, ball_centres, make_sample
from tests.tasks.train_steps import make_steps

from tomoscribe.io.score_maps import open_score_maps
from tomoscribe.io.volumes import open_volume, write_mrc
from tomoscribe.picks.match import precision_recall_f1
from tomoscribe.prediction.settings import PredictionSettings
from tomoscribe.prediction.streamed import stream_maps
from tomoscribe.prediction.volume import predict_heatmap
from tomoscribe.project.model import Role, TrainingData, TrainingSample
from tomoscribe.segmentation.labels import ArrayLabels, LabelClass, SampleLabels
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.table import get_task
from tomoscribe.tasks.tomogram.module import TomogramModule

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]

GPU, CPU = torch.device("cuda:0"), torch.device("cpu")


def _train(data: TrainingData, steps: int, precision: str = "float32") -> TomogramModule:
    settings = TrainingSettings(precision=precision, width=8, batch=4, patch=32, max_steps=steps)
    module = get_task("tomogram").build(data, settings, GPU)
    assert isinstance(module, TomogramModule)
    module.train()
    for _ in range(steps):
        module.training_step(None, 0).backward()
        module.optimizer.step()
        module.optimizer.zero_grad(set_to_none=True)
    module.evaluate()
    return module


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_gpu_learns_to_pick_another_tomogram(
    balls: TrainingData, tmp_path: Path, precision: str
) -> None:
    predictor = _train(balls, 60, precision).predictor()
    volume = open_volume(make_sample(tmp_path, "other", 2).volume_path)
    heatmap, grid = predict_heatmap(predictor, volume)
    found = predictor.decode(heatmap, grid, predictor.thresholds["ball"])[0]
    _, _, f1 = precision_recall_f1(found.zyx, ball_centres(2), DIAMETER / 2)
    assert f1 > 0.9


def test_a_checkpoint_of_a_gpu_predicts_the_same_on_a_cpu(
    balls: TrainingData, tmp_path: Path
) -> None:
    file = tmp_path / "step.pt"
    torch.save(_train(balls, 20).checkpoint(), file)
    volume = open_volume(balls.samples[0].volume_path)
    maps = [
        predict_heatmap(get_task("tomogram").load(file, place), volume)[0] for place in (GPU, CPU)
    ]
    np.testing.assert_allclose(maps[0], maps[1], atol=0.01)


def test_a_paused_training_frees_the_gpu_and_goes_on(balls: TrainingData) -> None:
    module = _train(balls, 5)
    held = torch.cuda.memory_allocated(GPU)
    volume_bytes = 4 * np.prod(open_volume(balls.samples[0].volume_path).shape_zyx)
    module.to(CPU)
    assert held - torch.cuda.memory_allocated(GPU) >= volume_bytes
    module.to(GPU)
    module.training_step(None, 0).backward()
    assert torch.isfinite(next(module.net.parameters()).grad).all()


SHAPE = (16, 128, 128)


@pytest.fixture
def cells(tmp_path: Path) -> TrainingData:
    """Bright cells of 24 pixels with dark borders, each an object through all sections."""
    at = np.indices(SHAPE)[1:] % 32
    inside = ((at > 3) & (at < 28)).all(0)
    number = 1 + np.indices(SHAPE)[1] // 32 * 4 + np.indices(SHAPE)[2] // 32
    grey = np.random.default_rng(0).normal(0, 0.3, SHAPE) + 2 * inside
    path = tmp_path / "cells.mrc"
    write_mrc(path, grey.astype(np.float32), 100.0)
    labels = np.where(inside, number, 0).astype(np.int32)[None]
    known = SampleLabels(ArrayLabels(labels), (((0, 0, 0), SHAPE),), "made")
    sample = TrainingSample("cells", str(path), 100.0, Role.TRAIN, labels=known)
    return TrainingData((sample,), (), label_classes=(LabelClass("cell"),))


VOXELS = [("semantic", "2d", (1, 64, 64)), ("instance", "2.5d", (1, 64, 64))]
VOXELS += [("semantic", "3d", (16, 32, 32)), ("instance", "3d", (16, 32, 32))]


def _voxels(dimension: str, window: tuple[int, int, int]) -> TrainingSettings:
    own = {"dimension": dimension, "window_zyx": window, "levels": 3}
    return TrainingSettings(
        batch=2, width=8, bin=1, precision="bfloat16", max_steps=60, learning_rate=1e-2, voxels=own
    )


@pytest.mark.parametrize(("task", "dimension", "window"), VOXELS)
def test_a_gpu_learns_labels_and_streams_what_a_processor_predicts(
    cells: TrainingData, tmp_path: Path, task: str, dimension: str, window: tuple[int, int, int]
) -> None:
    module = get_task(task).build(cells, _voxels(dimension, window), GPU)
    assert all(part.whole for part in module._parts)  # type: ignore[attr-defined]
    make_steps(module, 60)
    evaluation = module.evaluate()
    assert evaluation is not None
    assert evaluation.metrics["iou"] > 0.8
    file = tmp_path / "step.pt"
    torch.save(module.checkpoint(), file)
    volume = open_volume(cells.samples[0].volume_path)
    maps = []
    for place in (GPU, CPU):
        predictor = get_task(task).load(file, place)
        out = tmp_path / f"{place.type}.zarr"
        stream_maps(predictor, volume, out, PredictionSettings())  # type: ignore[arg-type]
        maps.append(np.asarray(open_score_maps(out).data[...]).astype(int))
    # Steps of 1/255; bfloat16 against float32.
    assert np.abs(maps[0] - maps[1]).mean() < 3


@pytest.mark.parametrize(("task", "dimension", "window"), VOXELS)
def test_a_training_of_labels_that_is_resumed_on_a_gpu_goes_on(
    cells: TrainingData, task: str, dimension: str, window: tuple[int, int, int]
) -> None:
    settings, kind = _voxels(dimension, window), get_task(task)
    with torch.backends.cudnn.flags(deterministic=True, benchmark=False):
        straight = kind.build(cells, settings, GPU)
        make_steps(straight, 3)
        state = straight.checkpoint()
        rest = make_steps(straight, 3)
        resumed = kind.build(cells, settings, GPU, state)
        resumed.restore(state, weights_only=False)
        # Sums of a GPU may be in another order each time.
        assert make_steps(resumed, 3) == pytest.approx(rest, rel=0.01)


def test_a_training_of_labels_that_pauses_frees_the_gpu(cells: TrainingData) -> None:
    module = get_task("semantic").build(cells, _voxels("2d", (1, 64, 64)), GPU)
    make_steps(module, 2)
    held = torch.cuda.memory_allocated(GPU)
    module.to(CPU)  # type: ignore[attr-defined]
    # Image and labels, four bytes each.
    assert held - torch.cuda.memory_allocated(GPU) >= 2 * 4 * np.prod(SHAPE)
    module.to(GPU)  # type: ignore[attr-defined]
    assert np.isfinite(make_steps(module, 2)).all()
