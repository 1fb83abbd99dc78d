"""How much of a grid the blocks of a preview have filled."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

WHOLE = 0.95
"""Share of the sample that a preview covers to count as whole: the rim may be left out."""

STRIDE = 4
"""Coverage is counted on every fourth voxel along each axis: blocks are at least as thick."""


class Coverage:
    """How much of a grid (z, y, x) a preview's blocks have filled; they may overlap.

    Blocks are noted when they come and counted when somebody asks, so that thousands of previews
    that nobody looks at cost 24 bytes a block.
    """

    def __init__(self, shape_zyx: Sequence[int]) -> None:
        self._shape = tuple(-(-n // STRIDE) for n in shape_zyx)
        self._boxes = array("I")
        self._counted = 0
        self._share = 0.0

    @property
    def share(self) -> float:
        """What is filled, 0..1."""
        if self._counted < len(self._boxes):
            boxes = self._boxes[:]  # a block may come from another thread meanwhile
            self._share = self._count(np.array(boxes, np.int64).reshape(-1, 2, 3))
            self._counted = len(boxes)
        return self._share

    def add(self, lo_zyx: Sequence[int], shape_zyx: Sequence[int]) -> None:
        """Take a block down."""
        self._boxes.extend((*lo_zyx, *(a + n for a, n in zip(lo_zyx, shape_zyx, strict=True))))

    def _count(self, boxes: np.ndarray) -> float:
        done = np.zeros(self._shape, bool)
        for (z0, y0, x0), (z1, y1, x1) in (-(-boxes // STRIDE)).tolist():
            done[z0:z1, y0:y1, x0:x1] = True
        return int(np.count_nonzero(done)) / max(done.size, 1)
