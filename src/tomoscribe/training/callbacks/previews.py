"""Previews while training: where the user looks first, within their share of the time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch import Callback

from tomoscribe.training.callbacks.previewer import Previewer

if TYPE_CHECKING:
    from concurrent.futures import Future

    from lightning.pytorch import LightningModule, Trainer

    from tomoscribe.training.callbacks.context import TrainingContext

LOOK_S = 0.02
"""Between two looks at the control file, of which a look costs some microseconds."""

ONE_THREAD = ("mps",)
"""Devices that must not be used from two threads: there previews come between steps."""


class PreviewCallback(Callback):
    """Lets a `Previewer` work in a thread beside the training.

    A step or a validation takes seconds on a CPU, and a jump must be answered within one:
    the thread answers it meanwhile. It uses frozen copies of the averaged weights, which
    it takes while no step changes them, and no random numbers, so that a training goes the
    same way with and without previews.
    """

    def __init__(self, context: TrainingContext) -> None:
        self._context = context
        self._previewer = Previewer(context)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="previews")
        self._work: Future[None] | None = None
        self._ended = threading.Event()
        self._holding = False

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the thread."""
        context = self._context
        if context.device.type not in ONE_THREAD and context.settings.preview_share > 0:
            self._work = self._pool.submit(self._run, torch.get_num_threads())

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: torch.optim.Optimizer
    ) -> None:
        """Keep the weights to the training until the step is done and counted."""
        self._context.weights.acquire()
        self._holding = True

    def on_train_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
    ) -> None:
        """Let the thread have the weights; what went wrong in it goes wrong here."""
        self._release()
        if self._work is not None:
            if self._work.done():
                work, self._work = self._work, None
                work.result()
        elif self._context.settings.preview_share > 0 and not trainer.should_stop:
            while self._previewer.work():
                pass

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the device to the last validation."""
        self.close()

    def close(self) -> None:
        """End the thread; a piece under way is finished, and what went wrong in it is told."""
        self._ended.set()
        self._release()
        self._pool.shutdown()
        work, self._work = self._work, None
        error = None if work is None else work.exception()
        if error is not None:
            first = " ".join(str(error).split())[:300]
            self._context.reporter.warn(
                f"The last preview was not finished ({type(error).__name__}: {first})."
            )

    def _release(self) -> None:
        if self._holding:
            self._holding = False
            self._context.weights.release()

    def _run(self, threads: int) -> None:
        torch.set_num_threads(threads)  # OpenMP counts for each thread
        while not self._ended.is_set():
            with self._context.previewing:
                worked = not self._ended.is_set() and self._previewer.work()
            # Also after work: a lock that is taken again at once would never be free for a pause.
            self._ended.wait(0.0 if worked else LOOK_S)
