"""Steps and epochs as events, as TensorBoard and CSV logs, and as the end of the budget."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import Callback

from tomoscribe.errors import TomoscribeError
from tomoscribe.training.events import Epoch, Step

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

    from tomoscribe.training.callbacks.context import TrainingContext

STEP_EVERY_S = 0.25
"""Step events come at most this often."""


class ProgressCallback(Callback):
    """Counts steps, tells of them, and ends the training when its time or its steps are used up."""

    def __init__(self, context: TrainingContext) -> None:
        self._context = context
        self._losses: list[torch.Tensor] = []
        self._epoch_losses: list[tuple[float, int]] = []
        self._patches = 0
        self._epoch = 0
        self._told = -math.inf

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Tell the module how far the training is."""
        self._context.module.set_progress(self._context.progress)

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Count the step and tell of it where it is time."""
        context = self._context
        context.step += 1
        loss = outputs["loss"] if isinstance(outputs, dict) else outputs
        self._losses.append(loss.detach())
        context.reporter.note(step=context.step, elapsed_s=context.clock.elapsed_s)
        if context.last_step is not None and context.step >= context.last_step:
            context.end(trainer, "steps")
        elif context.clock.over:
            context.end(trainer, "time")
        if time.monotonic() - self._told >= STEP_EVERY_S or trainer.should_stop:
            self._tell(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Tell of the last steps."""
        if self._losses:
            self._tell(trainer)

    def _count_patches(self, loss: float, steps: int) -> None:
        """Tell of an epoch when as many patches were seen as there are clicks."""
        context = self._context
        self._epoch_losses.append((loss, steps))
        batch = context.module.plan.get("batch", 1)
        self._patches += steps * (batch if isinstance(batch, int) else 1)
        if self._patches < max(1, context.reporter.status.labels_used):
            return
        self._epoch += 1
        total = sum(n for _, n in self._epoch_losses)
        mean = sum(value * n for value, n in self._epoch_losses) / total
        context.reporter.emit(
            Epoch(time=context.now(), step=context.step, epoch=self._epoch, loss=mean)
        )
        self._epoch_losses, self._patches = [], 0

    def _tell(self, trainer: Trainer) -> None:
        """Emit the mean loss since the last time; the device is waited for here only."""
        context = self._context
        loss = float(torch.stack(self._losses).mean())
        steps, self._losses = len(self._losses), []
        if not math.isfinite(loss):
            raise TomoscribeError(
                f"The loss is not a number any more at step {context.step}; "
                "train again with a lower learning_rate, or precision=float32."
            )
        rate = float(trainer.optimizers[0].param_groups[0]["lr"])
        context.reporter.emit(
            Step(
                time=context.now(),
                step=context.step,
                loss=loss,
                learning_rate=rate,
                elapsed_s=context.clock.elapsed_s,
                budget_s=context.clock.budget_s,
                previews_s=context.clock.spent("previews"),
            )
        )
        for logger in trainer.loggers:
            logger.log_metrics({"loss": loss, "learning_rate": rate}, context.step)
        self._told = time.monotonic()
        self._count_patches(loss, steps)
