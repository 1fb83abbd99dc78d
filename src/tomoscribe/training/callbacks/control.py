"""The user's wishes between two steps: stop, pause, and labels that changed."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import Callback

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.default_task import VOXEL_TASKS
from tomoscribe.project.training_data import load_training_data, read_revision
from tomoscribe.training.callbacks.context import lightning_module
from tomoscribe.training.events import Labels
from tomoscribe.training.status import State

if TYPE_CHECKING:
    from lightning.pytorch import LightningModule, Trainer

    from tomoscribe.tasks.base import TrainingStatus
    from tomoscribe.training.callbacks.context import TrainingContext
    from tomoscribe.training.turn import DeviceTurn

LABELS_EVERY_S = 0.5
"""The project's revision is looked at this often."""

PAUSE_POLL_S = 0.2


class ControlCallback(Callback):
    """Obeys the control between two steps."""

    def __init__(self, context: TrainingContext, turn: DeviceTurn) -> None:
        self._context = context
        self._turn = turn
        self._looked = 0.0
        self._asked = context.steering.control.labels_revision
        self._refused: tuple[int, int] | None = None
        self._told = ""

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the signals back that Lightning took."""
        self._context.steering.listen()

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Look at the control and at the labels."""
        context = self._context
        context.steering.poll()
        if context.steering.pause_wanted:
            self._pause(trainer)
        if context.steering.stop_wanted:
            context.end(trainer, "stop")
            context.reporter.update(state=State.STOPPING, message="Writing the checkpoint.")
            return
        if time.monotonic() - self._looked >= LABELS_EVERY_S:
            self._read_labels()
            self._looked = time.monotonic()

    def _pause(self, trainer: Trainer) -> None:
        """Give the device and its memory back and wait in place."""
        context = self._context
        with context.previewing:
            self._wait_for_resume(trainer)

    def _wait_for_resume(self, trainer: Trainer) -> None:
        context = self._context
        move(context.module, trainer, torch.device("cpu"))
        if context.device.type == "cuda":
            torch.cuda.empty_cache()
        self._turn.give_back()
        with context.clock.pause():
            goes_on = self._wait_for_turn()
        if goes_on:
            move(context.module, trainer, context.device)
            context.reporter.update(state=State.RUNNING, message="")

    def _wait_for_turn(self) -> bool:
        """Wait for the end of the pause, then for the device; return False on a stop."""
        steering = self._context.steering
        never = threading.Event()
        while not steering.stop_wanted:
            self._context.reporter.update(
                state=State.PAUSED, message="Paused; the device is free for others."
            )
            while steering.pause_wanted:
                never.wait(PAUSE_POLL_S)
                steering.poll()
            if self._turn.wait(lambda: steering.stop_wanted or steering.pause_wanted):
                return True
        return False

    def _read_labels(self) -> None:
        """Take labels over that have changed, where that is wanted and they can be used."""
        context = self._context
        asked = context.steering.control.labels_revision
        try:
            news = (asked, read_revision(context.config.data))
            if news in ((self._asked, context.data.revision), self._refused):
                context.reporter.note(labels_wait=False)
                return
            if not context.steering.control.take_labels:
                if not context.reporter.status.labels_wait:
                    context.reporter.update(labels_wait=True)
                return
            self._refused = news
            data = load_training_data(context.config.data, context.config.task)
            status = context.module.set_data(data)
        except TomoscribeError as error:
            # The labels of a moment ago still hold: the user may be about to undo.
            if str(error) != self._told:
                context.reporter.warn(f"The new labels are not used: {error}")
                self._told = str(error)
            return
        self._asked, self._refused, self._told = asked, None, ""
        if not data.teaches_as(context.data):
            context.labels_step = context.step
        context.data = data
        tell_labels(context, status)


def tell_labels(context: TrainingContext, status: TrainingStatus) -> None:
    """Announce the labels that are used from now on."""
    revision = context.data.revision
    event = Labels(
        time=context.now(),
        step=context.step,
        used=status.used,
        total=status.total,
        held_out=status.held_out,
        revision=revision,
        rejected=status.rejected,
        unit="voxels" if context.config.task in VOXEL_TASKS else "clicks",
        of_class=dict(status.of_class),
    )
    context.reporter.emit(event)
    context.keeper.note(event)
    context.reporter.update(
        labels_used=status.used,
        labels_total=status.total,
        labels_revision=revision,
        labels_wait=False,
    )
    for warning in status.warnings:
        context.reporter.warn(warning)


def move(module: object, trainer: Trainer, device: torch.device) -> None:
    """Move a training with all its state to a device."""
    lightning_module(module).to(device)  # type: ignore[arg-type]
    for optimizer in trainer.optimizers:
        for state in optimizer.state.values():
            for key, value in state.items():
                if isinstance(value, torch.Tensor):
                    state[key] = value.to(device)
