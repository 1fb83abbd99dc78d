"""Whole heatmaps of a tomogram from a checkpoint; their blocks come from the predictor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from tomoscribe.tasks.base import get_task

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.io.volumes import Volume
    from tomoscribe.tasks.base import Focus, Grid, Predictor


def choose_device(name: str) -> torch.device:
    """Return the device called `name`; auto takes a GPU where there is one.

    Raises
    ------
    TomoscribeError
        If there is no such device.
    """
    from tomoscribe.errors import TomoscribeError

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise TomoscribeError(
            f"There is no device '{name}' here; choose auto, cpu, cuda or mps."
        ) from error
    return device


def load_predictor(checkpoint: Path, device: torch.device, task: str = "tomogram") -> Predictor:
    """Return the predictor of a checkpoint file.

    Raises
    ------
    TomoscribeError
        If the file is no checkpoint of the task.
    """
    return get_task(task).load(checkpoint, device)


def predict_heatmap(
    predictor: Predictor,
    volume: Volume,
    focus: Focus | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> tuple[NDArray[np.float32], Grid]:
    """Return the heatmap (class, z, y, x) of a whole tomogram in 0..1, and its grid.

    `on_progress` is told the share that is done.
    """
    grid = predictor.grid(volume)
    heatmap = np.zeros((len(predictor.classes), *grid.shape_zyx), np.float32)
    done = 0
    for block in predictor.blocks(volume, focus):
        z, y, x = block.lo_zyx
        classes, dz, dy, dx = block.scores.shape
        heatmap[:, z : z + dz, y : y + dy, x : x + dx] = block.scores
        done += classes * dz * dy * dx
        if on_progress is not None:
            on_progress(done / heatmap.size)
    return heatmap, grid
