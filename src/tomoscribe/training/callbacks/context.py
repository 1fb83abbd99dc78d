"""What the callbacks of one training share."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch
    from lightning.pytorch import LightningModule, Trainer

    from tomoscribe.project.model import TrainingData
    from tomoscribe.tasks.base import Evaluation, Predictor, TaskModule
    from tomoscribe.tasks.settings import TrainingSettings
    from tomoscribe.training.callbacks.checkpoints import CheckpointKeeper
    from tomoscribe.training.clock import TrainingClock
    from tomoscribe.training.config import RunConfig
    from tomoscribe.training.reporter import Reporter
    from tomoscribe.training.run import RunFolder
    from tomoscribe.training.steering import Steering


@dataclass(frozen=True)
class Snapshot:
    """The frozen weights of a checkpoint, for its preview."""

    name: str
    step: int
    predictor: Predictor


@dataclass
class TrainingContext:
    """A training in memory.

    `step` counts from the first step of the first ancestor, `first_step` is where this
    worker begins; `data` is replaced when the labels change; `reason` says why the
    training ends, empty while it goes on. Previews are made in a thread of their own:
    `weights` is held while the averaged weights and the step change, `previewing` while
    a piece of a preview is computed; `snapshot` is the newest checkpoint to preview.
    """

    run: RunFolder
    config: RunConfig
    module: TaskModule
    data: TrainingData
    device: torch.device
    reporter: Reporter
    steering: Steering
    clock: TrainingClock
    keeper: CheckpointKeeper
    step: int = 0
    first_step: int = 0
    labels_step: int = 0
    evaluation: Evaluation | None = None
    evaluated_step: int = field(default=-1)
    reason: str = ""
    snapshot: Snapshot | None = None
    weights: threading.Lock = field(default_factory=threading.Lock)
    previewing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def settings(self) -> TrainingSettings:
        """What the user set."""
        return self.config.settings

    @property
    def checkpoint_name(self) -> str:
        """The name of this step's checkpoint and previews."""
        return f"step_{self.step:06d}"

    @property
    def last_step(self) -> int | None:
        """The step that ends the training, if any.

        The user's limit; a run that had reached it gets as many more. Else the plan's, counted
        from where the labels last changed.
        """
        limit = self.settings.max_steps
        if limit is not None:
            return limit if self.first_step < limit else self.first_step + limit
        planned = self.module.plan.get("steps")
        return self.labels_step + planned if isinstance(planned, int) else None

    @property
    def progress(self) -> float:
        """Used share of the budget: of the user's steps, else of time or planned steps."""
        last = self.last_step
        timed = self.clock.elapsed_s / self.clock.budget_s
        if last is None:
            return min(1.0, timed)
        if self.settings.max_steps is None:
            first = self.labels_step
            return min(1.0, max(timed, (self.step - first) / (last - first)))
        first = self.first_step if last != self.settings.max_steps else 0
        return min(1.0, (self.step - first) / (last - first))

    def now(self) -> float:
        """Return the time that an event carries."""
        return time.time()

    def end(self, trainer: Trainer, reason: str) -> None:
        """End the training after this step; the first reason holds."""
        self.reason = self.reason or reason
        trainer.should_stop = True


def lightning_module(module: TaskModule) -> LightningModule:
    """Return the module as the Trainer knows it; tasks bring modules that are both."""
    from lightning.pytorch import LightningModule

    if not isinstance(module, LightningModule):
        raise TypeError(f"{type(module).__name__} is not a LightningModule")
    return module
