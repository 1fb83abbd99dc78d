"""A tomogram with dark balls of 120 Å in noise, at 10 Å a voxel, that trains in seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tomoscribe.io.volumes import write_mrc
from tomoscribe.picks.table import Pick
from tomoscribe.project.model import Role, TrainingSample

SHAPE = (32, 72, 72)
DIAMETER = 12.0
VOXEL_A = 10.0


def ball_centres(seed: int, count: int = 14) -> np.ndarray:
    """Return positions (N, 3) that do not touch each other or the faces."""
    rng = np.random.default_rng(seed)
    centres: list[np.ndarray] = []
    while len(centres) < count:
        point = rng.uniform(DIAMETER / 2, np.array(SHAPE) - DIAMETER / 2)
        if all(np.linalg.norm(point - other) > DIAMETER for other in centres):
            centres.append(point)
    return np.array(centres)


def ball_volume(centres: np.ndarray, seed: int) -> np.ndarray:
    """Return noise with dark balls at `centres`."""
    grid = np.indices(SHAPE)
    volume = np.random.default_rng(seed).normal(scale=0.7, size=SHAPE)
    for centre in centres:
        away = np.sqrt(sum((g - c) ** 2 for g, c in zip(grid, centre, strict=True)))
        volume -= 1 / (1 + np.exp(2 * (away - DIAMETER / 2 + 1)))
    return volume.astype(np.float32)


def make_sample(
    folder: Path, name: str, seed: int, role: Role = Role.TRAIN, clicks: int | None = None
) -> TrainingSample:
    """Write a tomogram and return it with the first `clicks` of its balls clicked."""
    centres = ball_centres(seed)
    path = folder / f"{name}.mrc"
    write_mrc(path, ball_volume(centres, seed), VOXEL_A)
    picks = tuple(
        Pick(i + 1, (float(z), float(y), float(x)), "ball")
        for i, (z, y, x) in enumerate(centres[:clicks])
    )
    return TrainingSample(name, str(path), VOXEL_A, role, picks)
