"""Previews while training: where the user looks first, within their share of the time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from lightning.pytorch import Callback

from tomoscribe.errors import TomoscribeError
from tomoscribe.training.callbacks.preview_job import PreviewJob, Watched

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

    from tomoscribe.training.callbacks.context import TrainingContext

FIRST_AFTER_STEPS = 2
"""The first preview comes at once: it shows that something lives, however poor."""

STALE_S = 30.0
"""An unfinished preview gives way to newer weights after so long, then twice, four times, ..."""


class PreviewCallback(Callback):
    """Makes previews between steps.

    A jump of the focus is answered at once with the newest weights on the
    slice in view, however much time previews have had; jumps in quick
    succession leave the training half of the time. Everything else keeps to
    `preview_share`. Previews never overlap: all blocks of one come before the next.
    """

    def __init__(self, context: TrainingContext) -> None:
        self._context = context
        self._watched = Watched(context.data)
        self._job: PreviewJob | None = None
        self._turn = 0
        self._answered = 0
        self._next_jump = 0.0
        self._stale_s = STALE_S
        self._block_s = 0.0
        self._complained: set[str] = set()

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Answer a jump, else go on with the preview as far as its share allows."""
        context = self._context
        control = context.steering.control
        share = context.settings.preview_share
        if trainer.should_stop or not control.previews or share == 0:
            return
        try:
            if context.step >= FIRST_AFTER_STEPS and self._jumped():
                self._answer_jump()
            self._fill(share)
        except TomoscribeError as error:
            self._complain(str(error))
            self._job = None
            self._next_jump = time.monotonic() + self._every_s()

    def _jumped(self) -> bool:
        revision = self._context.steering.control.focus_revision
        new = self._job is None or revision != self._answered
        return new and time.monotonic() >= self._next_jump

    def _answer_jump(self) -> None:
        began = time.monotonic()
        self._turn = 0
        self._begin().slice_first()
        self._next_jump = time.monotonic() + (time.monotonic() - began)

    def _fill(self, share: float) -> None:
        """Predict blocks while the share of previews allows and nothing else is wanted."""
        steering, clock = self._context.steering, self._context.clock
        while (job := self._job) is not None:
            spent = clock.spent("previews")
            if spent + self._block_s > share * clock.here_s:
                return
            age = time.monotonic() - job.began
            if job.finished and age < self._every_s():
                return
            with clock.spend("previews"):
                if job.finished:
                    self._stale_s = STALE_S
                    self._turn += 1
                    self._begin()
                elif age > self._stale_s:
                    self._stale_s *= 2
                    self._begin()
                else:
                    job.next_block()
            self._block_s = clock.spent("previews") - spent
            steering.poll()
            if self._jumped() or steering.stop_wanted:
                return

    def _every_s(self) -> float:
        wanted = self._context.steering.control.preview_every_s
        return self._context.settings.preview_every_s if wanted is None else wanted

    def _begin(self) -> PreviewJob:
        """Begin a preview of the sample whose turn it is with the newest weights."""
        context = self._context
        control = context.steering.control
        self._watched.data = context.data
        for name in self._watched.unknown(control):
            self._complain(f"{name} cannot be previewed: the training has no such tomogram.")
        names = self._watched.names(control)
        sample = names[self._turn % len(names)]
        self._answered = control.focus_revision
        self._job = PreviewJob(
            context.reporter,
            context.module.predictor(),
            name=context.checkpoint_name,
            step=context.step,
            sample=sample,
            volume=self._watched.volume(sample),
            focus=self._watched.focus(sample, control),
        )
        return self._job

    def _complain(self, message: str) -> None:
        if message not in self._complained:
            self._complained.add(message)
            self._context.reporter.warn(message)
