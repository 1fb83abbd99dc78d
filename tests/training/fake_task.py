"""A task that learns nothing, fast: it lets the worker be tested without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from lightning.pytorch import LightningModule

from tomoscribe.io.volumes import Volume, open_volume
from tomoscribe.io.voxel_size import VoxelSize
from tomoscribe.project.model import ParticleClass, TrainingData
from tomoscribe.tasks.base import Block, Evaluation, Focus, FoundPicks, Grid, TrainingStatus
from tomoscribe.tasks.settings import TrainingSettings

SLAB = 2


@dataclass
class FakePredictor:
    kind: ClassVar[Literal["volume", "mesh"]] = "volume"

    classes: tuple[ParticleClass, ...]
    thresholds: dict[str, float]
    value: float

    @property
    def maps(self) -> tuple[str, ...]:
        return tuple(particle.name for particle in self.classes)

    def open(
        self, path: str, voxel_size_A: VoxelSize | None = None, tomogram: str | None = None
    ) -> Volume:
        return open_volume(path, voxel_size_A)

    def grid(self, volume: Volume) -> Grid:
        return Grid(volume.shape_zyx, 1)

    def blocks(self, volume: Volume, focus: Focus | None = None) -> Iterator[Block]:
        z, y, x = volume.shape_zyx
        center = 0.0 if focus is None else focus.center_zyx[0]
        for lo in sorted(range(0, z, SLAB), key=lambda lo: abs(lo + SLAB / 2 - center)):
            yield Block((lo, 0, 0), self._scores((min(SLAB, z - lo), y, x)))

    def slice_first(self, volume: Volume, focus: Focus) -> Block:
        _, y, x = volume.shape_zyx
        return Block((int(focus.center_zyx[0]), 0, 0), self._scores((1, y, x)))

    def _scores(self, shape: tuple[int, int, int]) -> np.ndarray:
        return np.full((len(self.classes), *shape), self.value, np.float32)

    def decode(self, heatmap: np.ndarray, grid: Grid, min_score: float = 0.0) -> list[FoundPicks]:
        zyx, scores = np.array([[1.0, 2.0, 3.0]]), np.array([0.75], np.float32)
        return [FoundPicks(c.name, zyx, scores) for c in self.classes]


class FakeModule(LightningModule):
    """Counts steps; its "weights" are their number."""

    def __init__(self, task: FakeTask, data: TrainingData, settings: TrainingSettings) -> None:
        super().__init__()
        self.task, self.settings = task, settings
        self.plan: dict[str, object] = {"batch": settings.batch or 4, "precision": "float32"}
        if task.planned is not None:
            self.plan["steps"] = task.planned
        self.reasons = {"batch": "a test"}
        self.weight = torch.nn.Parameter(torch.zeros(task.size))
        self.steps = self.averaged = 0
        self.fractions: list[float] = []
        self.data = data

    def set_data(self, data: TrainingData) -> TrainingStatus:
        if self.task.refuse is not None:
            raise self.task.refuse
        self.data = data
        count = sum(len(s.picks) for s in data.samples)
        return TrainingStatus(used=count - 1, total=count, held_out=1, warnings=("A test.",))

    def set_progress(self, fraction: float) -> None:
        self.fractions.append(fraction)

    def train_dataloader(self) -> torch.utils.data.DataLoader:
        return torch.utils.data.DataLoader(range(10**9), batch_size=None)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=0.1, momentum=0.9)

    def training_step(self, batch: object, batch_idx: int) -> torch.Tensor:
        self.steps += 1
        self.task.on_step(self)
        return (self.weight.mean() - 1) ** 2 + self.task.add_to_loss

    def optimizer_step(self, *args: Any, **kwargs: Any) -> None:
        super().optimizer_step(*args, **kwargs)
        self.averaged = self.steps

    def evaluate(self, should_stop: Callable[[], bool] | None = None) -> Evaluation | None:
        self.task.on_evaluate(self)
        if should_stop is not None and should_stop():
            return None
        score = self.task.scores.pop(0) if self.task.scores else 0.5
        return Evaluation(score, {"f1": score, "bad": float("nan")}, {"ribosome": 0.4})

    def predictor(self) -> FakePredictor:
        self.task.on_predictor(self)
        value = min(1.0, self.averaged / 254)
        return FakePredictor(self.data.classes, {"ribosome": 0.4}, value)

    def checkpoint(self) -> dict[str, Any]:
        return {"weight": self.weight.detach().clone(), "steps": self.steps}

    def restore(self, state: dict[str, Any], *, weights_only: bool) -> None:
        self.weight.data.copy_(state["weight"])
        if not weights_only:
            self.steps = self.averaged = state["steps"]


@dataclass
class FakeTask:
    """What happens at each step is the test's choice."""

    name: str = "fake"
    on_step: Callable[[FakeModule], None] = lambda module: None
    on_evaluate: Callable[[FakeModule], None] = lambda module: None
    on_predictor: Callable[[FakeModule], None] = lambda module: None
    scores: list[float] = field(default_factory=list)
    add_to_loss: float = 0.0
    size: int = 3
    refuse: Exception | None = None
    planned: int | None = None
    module: FakeModule | None = None
    start: dict[str, Any] | None = None

    def build(
        self,
        data: TrainingData,
        settings: TrainingSettings,
        device: torch.device,
        start: dict[str, Any] | None = None,
    ) -> FakeModule:
        self.start = start
        self.module = FakeModule(self, data, settings)
        return self.module

    def load(self, checkpoint: Path, device: torch.device) -> FakePredictor:
        state = torch.load(checkpoint, weights_only=True)
        classes = (ParticleClass("ribosome", 100.0),)
        return FakePredictor(classes, {"ribosome": 0.4}, min(1.0, state["steps"] / 254))
