"""How much of a tomogram is labelled as what: voxels and sections by painted value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.project.painted import CHUNK
from tomoscribe.segmentation.painted_values import FIRST_OBJECT, UNLABELLED

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from tomoscribe.segmentation.labels import Triple
    from tomoscribe.segmentation.painted_values import Box

TILE = CHUNK[1]
"""Voxels a side of the squares that are counted anew when a stroke touches them."""


@dataclass(frozen=True)
class Labelled:
    """Of one class in one tomogram: labelled voxels, sections with any, objects."""

    voxels: int = 0
    sections: int = 0
    objects: int = 0


@dataclass
class LabelCounts:
    """Counts kept tile by tile, so that a stroke costs its own tiles only."""

    _tiles: dict[Triple, dict[int, int]] = field(default_factory=dict)

    def take(self, values: NDArray[np.uint16], box: Box) -> None:
        """Count what a box, lo <= voxel < hi, touches anew; `values` (z, y, x) is the whole."""
        (z0, y0, x0), (z1, y1, x1) = box
        for z in range(z0, z1):
            for y in range(y0 // TILE, -(-y1 // TILE)):
                for x in range(x0 // TILE, -(-x1 // TILE)):
                    part = values[z, y * TILE : (y + 1) * TILE, x * TILE : (x + 1) * TILE]
                    self.keep((z, y * TILE, x * TILE), part)

    def by_class(self, objects: Mapping[int, int]) -> dict[int, Labelled]:
        """Return what is labelled by value of the class; `objects` tells theirs."""
        voxels: dict[int, int] = {}
        sections: dict[int, set[int]] = {}
        seen: dict[int, set[int]] = {}
        for (z, _, _), counts in self._tiles.copy().items():
            for value, count in counts.items():
                of_class = objects.get(value, value)
                voxels[of_class] = voxels.get(of_class, 0) + count
                sections.setdefault(of_class, set()).add(z)
                if value >= FIRST_OBJECT:
                    seen.setdefault(of_class, set()).add(value)
        return {
            value: Labelled(count, len(sections[value]), len(seen.get(value, ())))
            for value, count in voxels.items()
        }

    def voxels_of(self, numbers: Collection[int]) -> dict[int, int]:
        """Return how many voxels have each of these painted values."""
        tiles = list(self._tiles.copy().values())
        return {number: sum(tile.get(number, 0) for tile in tiles) for number in numbers}

    def keep(self, lo_zyx: Triple, tile: NDArray[np.uint16]) -> None:
        """Count a tile whose first voxel is `lo_zyx`."""
        if not tile.any():
            self._tiles.pop(lo_zyx, None)
            return
        counts = np.bincount(tile.ravel())
        self._tiles[lo_zyx] = {
            int(v): int(counts[v]) for v in np.flatnonzero(counts) if v != UNLABELLED
        }
