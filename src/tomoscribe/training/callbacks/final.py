"""After the training: the best checkpoint on the watched samples, whole, and their pick lists."""

from __future__ import annotations

import csv
import time
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import atomic_path
from tomoscribe.training.callbacks.preview_job import PreviewJob, Watched
from tomoscribe.training.events import Scores

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.tasks.base import FoundPicks, Predictor, Task
    from tomoscribe.training.callbacks.context import TrainingContext
    from tomoscribe.training.run import CheckpointInfo

LEAST_SCORE = 0.02
"""Weaker maxima are background."""

MOST_PICKS = 10_000
"""Of a class in a sample, best first: what a viewer can show."""

COLUMNS = ("class", "z", "y", "x", "score", "threshold")
"""Of a pick list: class name, tomogram voxels, score and the class's chosen threshold in 0..1."""

ON_MEMBRANES = ("nz", "ny", "nx", "angle")
"""Further columns where picks have a direction: outward unit normal, rotation about it in degrees;
the rotation is empty where it is not known."""


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


def _preview(
    context: TrainingContext,
    predictor: Predictor,
    best: CheckpointInfo,
    watched: Watched,
    sample: str,
) -> None:
    steering, run = context.steering, context.run
    subject = watched.subject(sample, predictor)
    grid = predictor.grid(subject)
    heatmap = np.zeros((len(predictor.classes), *grid.shape_zyx), np.float32)
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
        z, y, x = block.lo_zyx
        _, dz, dy, dx = block.scores.shape
        heatmap[:, z : z + dz, y : y + dy, x : x + dx] = block.scores
        steering.poll()
        if steering.stop_wanted:
            return
    path = run.scores_path(best.name, sample)
    write_picks_csv(path, predictor.decode(heatmap, grid, LEAST_SCORE), predictor.thresholds)
    context.reporter.emit(
        Scores(
            time=time.time(),
            step=best.step,
            checkpoint=best.name,
            sample=sample,
            path=run.relative(path),
            threshold=predictor.thresholds[predictor.classes[0].name],
            thresholds=dict(predictor.thresholds),
        )
    )


def write_picks_csv(path: Path, found: Sequence[FoundPicks], thresholds: dict[str, float]) -> None:
    """Write decoded picks, best first within a class, with `COLUMNS` and where due `ON_MEMBRANES`.

    Parameters
    ----------
    path : Path
        The file.
    found : sequence of FoundPicks
        One for each class; of all or of none the normals are known.
    thresholds : dict
        Chosen score by class name.
    """
    oriented = any(picks.normals_zyx is not None for picks in found)
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS + ON_MEMBRANES if oriented else COLUMNS)
        for picks in found:
            threshold = f"{thresholds[picks.class_name]:.5f}"
            rows: NDArray[np.float64] = np.column_stack([picks.zyx, picks.scores])[:MOST_PICKS]
            for (z, y, x, score), direction in zip(rows, _directions(picks), strict=False):
                position = (f"{z:.3f}", f"{y:.3f}", f"{x:.3f}")
                row = (picks.class_name, *position, f"{score:.5f}", threshold)
                writer.writerow((*row, *direction) if oriented else row)


def _directions(picks: FoundPicks) -> list[list[str]]:
    """Return the cells of `ON_MEMBRANES` of each pick, empty where nothing is known."""
    count = len(picks.scores)
    unknown = np.full((count, 1), np.nan)
    normals = np.tile(unknown, 3) if picks.normals_zyx is None else picks.normals_zyx
    angles = unknown if picks.angles_deg is None else np.reshape(picks.angles_deg, (-1, 1))
    cells = np.hstack([normals, angles])
    return [["" if np.isnan(value) else f"{value:.5f}" for value in row] for row in cells]
