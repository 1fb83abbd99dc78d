"""What every training in memory has: optimizer, schedule, averaged weights, their checkpoint."""

from __future__ import annotations

import copy
import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from lightning.pytorch import LightningModule

from tomoscribe.tasks.checkpoint import rng_state, set_rng_state
from tomoscribe.tasks.optimizers import EpochSchedule, make_optimizer

if TYPE_CHECKING:
    from torch import Tensor, nn
    from torch.utils.data import DataLoader

_WARM_UP = 0.05
"""Share of the training in which the learning rate rises."""
_EMA_DECAY = 0.98
_FIRST_RATE = "initial_lr"
"""What a scheduler adds to the optimizer's options."""
_ENDLESS = 1_000_000_000
"""Steps that the loader offers; budget and plan end a training, not the loader."""


class Learner(LightningModule):
    """A network in training, and the average of its weights, which is what predicts.

    A step draws its own batch; the data loader only counts.

    Parameters
    ----------
    net : nn.Module
        On its device already.
    steps : int
        Planned steps: they drive the schedule where nobody tells the progress.
    learning_rate, weight_decay : float
        Of AdamW; the learning rate is the peak.
    seed : int
        Of the two random generators.
    optimizer, scheduler : str, optional
        By torch's names with arguments; else AdamW, and a warm-up and a cosine.
    epoch_steps : int, optional
        Steps of the optimizer between two of the scheduler.
    """

    def __init__(
        self,
        net: nn.Module,
        *,
        steps: int,
        learning_rate: float,
        weight_decay: float,
        seed: int,
        optimizer: str | None = None,
        scheduler: str | None = None,
        epoch_steps: int | None = None,
    ) -> None:
        super().__init__()
        self.net = net
        self.ema = copy.deepcopy(net).eval().requires_grad_(False)
        self.optimizer = make_optimizer(optimizer, net.parameters(), learning_rate, weight_decay)
        self._epochs = scheduler and EpochSchedule(scheduler, self.optimizer, epoch_steps)
        self.optimizer.register_step_post_hook(lambda *_: self._after_step())
        self.steps_done = 0
        self._planned_steps, self._learning_rate = steps, learning_rate
        self._progress: float | None = None
        self._rng = np.random.default_rng(seed)
        self._generator = torch.Generator().manual_seed(seed)

    def set_progress(self, fraction: float) -> None:
        """Tell how much of the budget is used, 0..1; it drives learning rate and schedule."""
        self._progress = min(max(fraction, 0.0), 1.0)

    @property
    def progress(self) -> float:
        """Share of the budget that is used; by steps where nobody told."""
        if self._progress is not None:
            return self._progress
        return min(1.0, self.steps_done / self._planned_steps)

    def train_dataloader(self) -> DataLoader[int]:
        """Return a loader that only counts steps."""
        steps: Any = range(_ENDLESS)
        return torch.utils.data.DataLoader(steps, batch_size=None)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimizer; it lives here so that a checkpoint can be made at any time."""
        return self.optimizer

    def schedule(self) -> None:
        """Set the learning rate of this step: a warm-up, then a cosine; or as the user named."""
        if self._epochs:
            self._epochs.follow(self.steps_done)
            return
        done = self.progress
        rise = min(1.0, (done + 0.002) / _WARM_UP) if self.steps_done < 200 else 1.0
        fall = 0.5 * (1 + math.cos(math.pi * max(0.0, done - _WARM_UP) / (1 - _WARM_UP)))
        for group in self.optimizer.param_groups:
            group["lr"] = self._learning_rate * rise * max(fall, 0.02)

    def _after_step(self) -> None:
        self.steps_done += 1
        decay = min(_EMA_DECAY, (1 + self.steps_done) / (10 + self.steps_done))
        with torch.no_grad():
            average = [*self.ema.parameters(), *self.ema.buffers()]
            current = [*self.net.parameters(), *self.net.buffers()]
            for mean, value in zip(average, current, strict=True):
                _follow(mean, value, decay)

    def training_state(self) -> dict[str, Any]:
        """Return what resuming needs besides the averaged weights."""
        return {
            "net": self.net.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "scheduler": self._epochs.state() if self._epochs else None,
            "steps_done": self.steps_done,
            "progress": self.progress,
            "numpy_rng": rng_state(self._rng),
            "torch_rng": self._generator.get_state(),
        }

    def take_over(
        self, ema: dict[str, Tensor], training: dict[str, Any], *, weights_only: bool
    ) -> None:
        """Take averaged weights over, and what `training_state` returned where all is resumed."""
        self.ema.load_state_dict(ema)
        if weights_only:
            self.net.load_state_dict(ema)
            return
        self.net.load_state_dict(training["net"])
        self._take_over_optimizer(training)
        self.steps_done = int(training["steps_done"])
        set_rng_state(self._rng, training["numpy_rng"])
        self._generator.set_state(training["torch_rng"].cpu())

    def _take_over_optimizer(self, training: dict[str, Any]) -> None:
        """Take the optimizer's and the scheduler's state over, unless another is named now."""
        before = training["optimizer"]
        mine, theirs = (s["param_groups"][0].keys() for s in (self.optimizer.state_dict(), before))
        if mine - {_FIRST_RATE} == theirs - {_FIRST_RATE}:
            self.optimizer.load_state_dict(before)
        scheduled = training.get("scheduler")
        if self._epochs and scheduled is not None:
            self._epochs.restore(scheduled)
        elif self._epochs:
            for group in self.optimizer.param_groups:
                group["lr"] = self._learning_rate


def _follow(mean: Tensor, value: Tensor, decay: float) -> None:
    if mean.is_floating_point():
        mean.lerp_(value, 1 - decay)
    else:
        mean.copy_(value)
