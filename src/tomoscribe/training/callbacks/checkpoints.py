"""Writing checkpoints, and keeping the newest and the best of them."""

from __future__ import annotations

import io
import math
import time
from typing import TYPE_CHECKING, Any

import torch

from tomoscribe.io.atomic import atomic_path
from tomoscribe.training.events import Checkpoint
from tomoscribe.training.run import checkpoints_of

if TYPE_CHECKING:
    from pathlib import Path

    from tomoscribe.training.events import Event
    from tomoscribe.training.reporter import Reporter
    from tomoscribe.training.run import CheckpointInfo, RunFolder

RUN_KEY = "run"
"""Of a checkpoint: what the worker adds to what the task needs (name, step, score, elapsed_s)."""


class CheckpointKeeper:
    """Writes `step_000120.pt` files and removes those that are neither newest nor among the best.

    Parameters
    ----------
    run : RunFolder
        Where they go.
    reporter : Reporter
        Where they are announced.
    keep_best : int
        How many are kept besides the newest.
    """

    def __init__(self, run: RunFolder, reporter: Reporter, keep_best: int) -> None:
        self._run = run
        self._reporter = reporter
        self._keep_best = keep_best
        self._events: list[Event] = []

    def note(self, event: Event) -> None:
        """Take an event into account that changes what scores can be compared (new labels)."""
        self._events.append(event)

    def save(
        self, name: str, state: dict[str, Any], *, step: int, elapsed_s: float, score: float | None
    ) -> Path:
        """Write a checkpoint, announce it, then remove what is not to be kept.

        Nothing is done where the step's checkpoint is on disk already with a score as good.

        Raises
        ------
        TomoscribeError
            If the disk is full; nothing half-written stays.
        """
        path = self._run.checkpoint_path(name)
        if score is None and path.is_file():
            return path
        path.parent.mkdir(exist_ok=True)
        extra = {"name": name, "step": step, "elapsed_s": elapsed_s, "score": score}
        buffer = io.BytesIO()
        torch.save({**state, RUN_KEY: extra}, buffer)
        with atomic_path(path) as temporary:
            temporary.write_bytes(buffer.getbuffer())
        event = Checkpoint(
            time=time.time(), step=step, name=name, path=self._run.relative(path), score=score
        )
        self._events.append(event)
        best = next((c.name for c in self.kept() if c.best), None)
        if best == name:
            event = Checkpoint(
                time=event.time, step=step, name=name, path=event.path, score=score, best=True
            )
        self._reporter.emit(event)
        self._remove_others()
        return path

    def kept(self) -> list[CheckpointInfo]:
        """Return the checkpoints of this run that are on disk, oldest first."""
        return checkpoints_of(self._run, self._events)

    def _remove_others(self) -> None:
        kept = self.kept()
        best = next((c for c in kept if c.best), None)
        ranked = sorted(kept[:-1], key=lambda c: (c is best, _rank(c.score), c.step), reverse=True)
        for info in ranked[self._keep_best :]:
            info.path.unlink(missing_ok=True)


def _rank(score: float | None) -> float:
    return -math.inf if score is None else score
