"""Where the training windows lie: on the classes, all alike, and anywhere that is labelled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomoscribe.tasks.voxels.sources import Source

    Triple = tuple[int, int, int]

_CENTRED, _ANYWHERE = 0.5, 0.8
"""Share of a window, around its middle, that the voxel it was drawn for lies in. All of it is less
than a window: what is magnified shows less of the image."""


@dataclass(frozen=True)
class Window:
    """First working voxel of a training window in a source, by its number."""

    source: int
    lo: Triple


class WindowSampler:
    """Draws training windows.

    Parameters
    ----------
    sources : sequence of Source
        Those that train.
    window_zyx : tuple of int
        Of the windows, in working voxels.
    centred : float
        Share of the windows that lie on a voxel of a class.
    rng : numpy Generator
        Where chance comes from.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        window_zyx: Triple,
        centred: float,
        rng: np.random.Generator,
    ) -> None:
        self._sources, self._window, self._rng = list(sources), np.array(window_zyx), rng
        self._centred = centred
        known = np.array([s.places.known for s in sources], float)
        self._anywhere = known / known.sum()
        counts = np.stack([s.places.positive for s in sources], 1).astype(float)
        self._classes = np.flatnonzero(counts.sum(1) > 0)
        # A class that is in one image of ten is drawn from there.
        self._of_class = counts / np.maximum(counts.sum(1, keepdims=True), 1)

    def draw(self, count: int) -> list[Window]:
        """Return so many windows."""
        return [self._draw() for _ in range(count)]

    def _draw(self) -> Window:
        rng, centred = self._rng, len(self._classes) and self._rng.random() < self._centred
        if centred:
            label = int(rng.choice(self._classes))
            index = int(rng.choice(len(self._sources), p=self._of_class[label]))
            places = self._sources[index].places.of_class[label]
        else:
            index = int(rng.choice(len(self._sources), p=self._anywhere))
            places = self._sources[index].places.anywhere
        place = places[rng.integers(len(places))]
        # Off the middle, so that a class is not learned by where it lies in a window.
        spread = _CENTRED if centred else _ANYWHERE
        within = 0.5 + spread * (rng.random(3) - 0.5)
        lo = place - np.floor(within * self._window).astype(int)
        most = np.array(self._sources[index].image.shape_zyx) - self._window
        lo = np.clip(lo, np.minimum(0, most // 2), np.maximum(most, most // 2))
        return Window(index, (int(lo[0]), int(lo[1]), int(lo[2])))
