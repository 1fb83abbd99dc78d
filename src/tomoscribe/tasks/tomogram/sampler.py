"""Draws patches: half on clicks, half anywhere, leaning to what is mistaken for particles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from tomoscribe.coords import voxels_to_binned
from tomoscribe.tasks.tomogram.targets import Window

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.tasks.tomogram.labels import SampleLabels

_CLICK_SHARE = 0.5
_CANDIDATE_SHARE = 0.5
"""Of the other patches, this share is on rejected picks, and then on candidates, if any."""


@dataclass
class PatchSampler:
    """Draws windows of `edge` heatmap voxels from tomograms whose heatmaps have the given shapes.

    Parameters
    ----------
    shapes : list of (3,) tuples
        Shape of each tomogram's heatmap.
    edge : int
        Patch edge in heatmap voxels.
    grid_bin : int
        Tomogram voxels to a heatmap voxel.
    rng : numpy.random.Generator
        Source of all draws.
    """

    shapes: list[tuple[int, int, int]]
    edge: int
    grid_bin: int
    rng: np.random.Generator
    _clicks: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 5)))
    _hard: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 5)))
    _candidates: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 5)))

    def set_labels(self, labels: list[SampleLabels]) -> None:
        """Take over the points to draw around; all in tomogram voxels."""
        clicks, hard = [], []
        for sample, known in enumerate(labels):
            clicked, wrong = known.drawn
            clicks.append(self._rows(sample, *clicked))
            hard.append(self._rows(sample, *wrong))
        self._clicks, self._hard = np.concatenate(clicks), np.concatenate(hard)

    def set_candidates(self, found: list[NDArray[np.float64]]) -> None:
        """Take over the current doubtful positions of each tomogram, (N, 3) tomogram voxels."""
        rows = [self._rows(i, points, np.ones(len(points))) for i, points in enumerate(found)]
        self._candidates = np.concatenate(rows)

    def draw(self, count: int) -> list[Window]:
        """Return `count` windows."""
        windows = []
        for index in range(count):
            on_click = (index + 0.5) / count < _CLICK_SHARE
            if on_click and len(self._clicks):
                windows.append(self._around(self._clicks))
            elif self.rng.random() < _CANDIDATE_SHARE and len(self._hard):
                windows.append(self._around(self._hard))
            elif self.rng.random() < _CANDIDATE_SHARE and len(self._candidates):
                windows.append(self._around(self._candidates))
            else:
                windows.append(self._anywhere())
        return windows

    def _rows(
        self, sample: int, points: NDArray[np.float64], weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        grid = voxels_to_binned(points, self.grid_bin)
        return np.column_stack([np.full(len(points), float(sample)), grid, weights])

    def _around(self, rows: NDArray[np.float64]) -> Window:
        weights = rows[:, 4] / rows[:, 4].sum()
        row = rows[self.rng.choice(len(rows), p=weights)]
        jitter = self.rng.uniform(-0.3, 0.3, 3) * self.edge
        return self._window(int(row[0]), row[1:4] - self.edge / 2 + jitter)

    def _anywhere(self) -> Window:
        sizes = np.array([np.prod(shape) for shape in self.shapes], float)
        sample = int(self.rng.choice(len(sizes), p=sizes / sizes.sum()))
        room = np.array(self.shapes[sample]) - self.edge
        return self._window(
            sample, self.rng.uniform(np.minimum(room, 0) - 0.5, np.maximum(room, 0) + 0.5)
        )

    def _window(self, sample: int, lo: NDArray[np.float64]) -> Window:
        room = np.array(self.shapes[sample]) - self.edge
        low = np.clip(np.rint(lo), np.minimum(room // 2, 0), np.maximum(room, room // 2)).astype(
            int
        )
        return Window(sample, (int(low[0]), int(low[1]), int(low[2])))


def cut(volumes: list[Tensor], windows: list[Window], edge: int, stem: int) -> Tensor:
    """Return the patches (B, 1, edge * stem, ...); beyond its edge the volume repeats.

    Parameters
    ----------
    volumes : list of Tensor
        Scaled volumes (z, y, x) on the device.
    windows : list of Window
        In heatmap voxels.
    edge : int
        Patch edge in heatmap voxels.
    stem : int
        Input voxels to a heatmap voxel.
    """
    patches = []
    for window in windows:
        patch = volumes[window.sample]
        for axis, low in enumerate(window.lo_zyx):
            start, stop, size = low * stem, (low + edge) * stem, patch.shape[axis]
            if start >= 0 and stop <= size:
                patch = patch.narrow(axis, start, stop - start)
            else:
                index = torch.arange(start, stop, device=patch.device).clamp_(0, size - 1)
                patch = patch.index_select(axis, index)
        patches.append(patch)
    return torch.stack(patches).unsqueeze(1)
