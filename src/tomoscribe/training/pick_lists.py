"""Pick lists: what a checkpoint finds in a sample that it has predicted whole, as a CSV file."""

from __future__ import annotations

import csv
import time
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.io.atomic import atomic_path
from tomoscribe.training.events import Scores

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.tasks.base import FoundPicks, Grid, Predictor
    from tomoscribe.training.reporter import Reporter

LEAST_SCORE = 0.02
"""Weaker maxima are background."""

MOST_PICKS = 10_000
"""Of a class in a sample, best first: what a viewer can show."""

COLUMNS = ("class", "z", "y", "x", "score", "threshold")
"""Of a pick list: class name, tomogram voxels, score and the class's chosen threshold in 0..1."""

ON_MEMBRANES = ("nz", "ny", "nx", "angle")
"""Further columns where picks have a direction: outward unit normal, rotation about it in degrees;
the rotation is empty where it is not known."""


def list_picks(
    reporter: Reporter,
    predictor: Predictor,
    heatmap: NDArray[np.float32] | None,
    grid: Grid,
    *,
    name: str,
    step: int,
    sample: str,
) -> Scores:
    """Decode a whole heatmap (class, z, y, x), write the picks and announce them.

    `name` and `step` are the checkpoint's. Without a heatmap, as where no picks are predicted,
    the list is empty. Returns what was announced.
    """
    run = reporter.run
    path = run.scores_path(name, sample)
    found = [] if heatmap is None else predictor.decode(heatmap, grid, LEAST_SCORE)
    write_picks_csv(path, found, predictor.thresholds)
    scores = Scores(
        time=time.time(),
        step=step,
        checkpoint=name,
        sample=sample,
        path=run.relative(path),
        threshold=predictor.thresholds[predictor.maps[0]],
        thresholds=dict(predictor.thresholds),
    )
    reporter.emit(scores)
    return scores


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
