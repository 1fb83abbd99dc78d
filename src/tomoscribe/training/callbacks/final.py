"""After the training: the best checkpoint on the watched samples, whole, and their pick lists."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.training.callbacks.watched import Watched
from tomoscribe.training.pick_lists import list_picks
from tomoscribe.training.preview_job import PreviewJob

if TYPE_CHECKING:
    from tomoscribe.tasks.base import Predictor, Task
    from tomoscribe.training.callbacks.context import TrainingContext
    from tomoscribe.training.run import CheckpointInfo

LEAST_S, SHARE = 20.0, 0.1
"""Seconds of a segmentation's last preview, or their share of the training's time."""


def preview_with_best(context: TrainingContext, task: Task) -> None:
    """Predict the watched samples whole with the best checkpoint and list their picks.

    It ends early where the user wants it.
    """
    best = next((c for c in context.keeper.kept() if c.best), None)
    if best is None:
        return
    control = context.steering.poll()
    predictor = task.load(best.path, context.device)
    watched = Watched(context.data)
    for sample in watched.names(control):
        if context.steering.stop_wanted:
            return
        try:
            _preview(context, predictor, best, watched, sample)
        except TomoscribeError as error:
            if isinstance(error.__cause__, OSError):
                raise
            context.reporter.warn(str(error))


def _most_s(context: TrainingContext) -> float:
    """Return the seconds after which the rest of a segmentation is left to whoever asks for it."""
    return max(LEAST_S, SHARE * context.clock.budget_s)


def _preview(
    context: TrainingContext,
    predictor: Predictor,
    best: CheckpointInfo,
    watched: Watched,
    sample: str,
) -> None:
    steering = context.steering
    subject = watched.subject(sample, predictor)
    grid = predictor.grid(subject)
    heatmap = None
    if predictor.classes:  # a segmentation has no picks to list, and may be very large
        heatmap = np.zeros((len(predictor.maps), *grid.shape_zyx), np.float32)
    job = PreviewJob(
        context.reporter,
        predictor,
        name=best.name,
        step=best.step,
        sample=sample,
        subject=subject,
        focus=watched.focus(sample, steering.control),
    )
    while (block := job.next_block()) is not None:
        if heatmap is not None:
            z, y, x = block.lo_zyx
            _, dz, dy, dx = block.scores.shape
            heatmap[:, z : z + dz, y : y + dy, x : x + dx] = block.scores
        steering.poll()
        if steering.stop_wanted:
            return
        if heatmap is None and time.monotonic() - job.began > _most_s(context):
            return
    list_picks(
        context.reporter,
        predictor,
        heatmap,
        grid,
        name=best.name,
        step=best.step,
        sample=sample,
    )
