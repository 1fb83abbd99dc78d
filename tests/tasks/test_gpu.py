"""What only a GPU can show: it learns the same, predicts the same, and gives its memory back."""

from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tasks.balls import DIAMETER, ball_centres, make_sample

from tomoscribe.io.volumes import open_volume
from tomoscribe.picks.match import precision_recall_f1
from tomoscribe.prediction.volume import predict_heatmap
from tomoscribe.project.model import TrainingData
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
