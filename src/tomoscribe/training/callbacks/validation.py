"""Validation from time to time: metrics, checkpoint, patience."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lightning.pytorch import Callback

from tomoscribe.training.callbacks.context import Snapshot
from tomoscribe.training.callbacks.pictures import log_pictures
from tomoscribe.training.events import Validation
from tomoscribe.training.status import State

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

    from tomoscribe.training.callbacks.context import TrainingContext

MAX_SHARE = 0.15
"""Validations by time and their checkpoints take at most about this share of the training."""


class ValidationCallback(Callback):
    """Validates every so many seconds, less often where a validation takes long; or steps."""

    def __init__(self, context: TrainingContext) -> None:
        self._context = context
        self._due_s = context.clock.elapsed_s + context.settings.validate_every_s
        self._best = -math.inf
        self._since_best = 0
        self._labels_step = context.labels_step

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Validate where it is time, not when the training ends anyway."""
        context = self._context
        if trainer.should_stop or not self._is_due():
            return
        spent = context.clock.spent("validation")
        if not validate(context, trainer):
            return
        self._show()
        cost = context.clock.spent("validation") - spent
        pause = max(context.settings.validate_every_s, cost * (1 - MAX_SHARE) / MAX_SHARE)
        self._due_s = context.clock.elapsed_s + pause
        self._mind_patience(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Validate a last time, while the module is still on its device."""
        context = self._context
        if context.reason != "stop":
            context.reporter.update(message="Validating a last time.")
            validate(context, trainer)

    def _is_due(self) -> bool:
        steps = self._context.settings.validate_every_steps
        if steps is not None:
            return self._context.step % steps == 0
        return self._context.clock.elapsed_s >= self._due_s

    def _show(self) -> None:
        """Have this checkpoint previewed, so that what is compared has weights and figures."""
        context = self._context
        if context.settings.preview_share > 0 and context.steering.control.previews:
            context.snapshot = Snapshot(
                context.checkpoint_name, context.step, context.module.predictor()
            )

    def _mind_patience(self, trainer: Trainer) -> None:
        context = self._context
        score = -math.inf if context.evaluation is None else context.evaluation.score
        if context.labels_step != self._labels_step:  # other labels, other scores
            self._labels_step = context.labels_step
            self._best = -math.inf
        self._since_best = 0 if score > self._best else self._since_best + 1
        self._best = max(self._best, score)
        patience = context.settings.patience
        if patience is not None and self._since_best >= patience:
            context.end(trainer, "patience")


def validate(context: TrainingContext, trainer: Trainer) -> bool:
    """Evaluate the averaged weights, tell the metrics, write the checkpoint.

    It is abandoned where the user wants a stop, which then ends the training.

    Returns
    -------
    bool
        Whether the weights have been evaluated.
    """
    if context.evaluated_step == context.step:
        return True

    def should_stop() -> bool:
        context.steering.poll()
        return context.steering.stop_wanted

    with context.clock.spend("validation"):
        evaluation = context.module.evaluate(should_stop)
        if evaluation is None:
            context.end(trainer, "stop")
            context.reporter.update(state=State.STOPPING, message="Writing the checkpoint.")
            return False
        context.evaluation, context.evaluated_step = evaluation, context.step
        metrics = {k: float(v) for k, v in evaluation.metrics.items() if math.isfinite(v)}
        score = float(evaluation.score) if math.isfinite(evaluation.score) else 0.0
        context.reporter.emit(
            Validation(time=context.now(), step=context.step, score=score, metrics=metrics)
        )
        for logger in trainer.loggers:
            named = {f"val_{name}": value for name, value in metrics.items()}
            logger.log_metrics({"val_score": score, **named}, context.step)
        log_pictures(context, trainer)
        save(context, score)
    return True


def save(context: TrainingContext, score: float | None) -> None:
    """Write a checkpoint of this step."""
    context.keeper.save(
        context.checkpoint_name,
        context.module.checkpoint(),
        step=context.step,
        elapsed_s=context.clock.elapsed_s,
        score=score,
    )
