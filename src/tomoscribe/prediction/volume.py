"""Whole heatmaps of a sample from a checkpoint; their blocks come from the predictor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tomoscribe.tasks.base import Focus, Grid, Predictor, Subject


def choose_device(name: str) -> torch.device:
    """Return the device called `name`; auto takes a GPU where there is one.

    Raises
    ------
    TomoscribeError
        If there is no such device.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        there = ["cpu", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
        there += ["mps"] if torch.backends.mps.is_available() else []
        raise TomoscribeError(
            f"There is no device '{name}' here; choose auto or: {', '.join(there)}."
        ) from error
    return device


def predict_heatmap(
    predictor: Predictor,
    subject: Subject,
    focus: Focus | None = None,
    on_progress: Callable[[float], None] | None = None,
) -> tuple[NDArray[np.float32], Grid]:
    """Return the heatmap (class, z, y, x) of a whole tomogram or membrane in 0..1, and its grid.

    `on_progress` is told the share that is done.
    """
    grid = predictor.grid(subject)
    heatmap = np.zeros((len(predictor.maps), *grid.shape_zyx), np.float32)
    done = 0
    for block in predictor.blocks(subject, focus):
        z, y, x = block.lo_zyx
        classes, dz, dy, dx = block.scores.shape
        heatmap[:, z : z + dz, y : y + dy, x : x + dx] = block.scores
        done += classes * dz * dy * dx
        if on_progress is not None:
            on_progress(done / heatmap.size)
    return heatmap, grid
