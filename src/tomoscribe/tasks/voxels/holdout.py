"""Which labelled voxels only judge: a block where all is labelled, cells of a grid elsewhere.

Cells are chosen by where they lie, not by what is painted in them, so that strokes may grow while
a training runs and what judges never teaches.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Triple = tuple[int, int, int]
    Box = tuple[Triple, Triple]

CELL = 48
"""Edge of a cell in working pixels: some strokes wide."""
DENSE = 0.5
"""Share of labelled voxels of a box from which on it counts as labelled whole."""
LEAST_EDGE = 64
"""Working pixels along the longest edge of a box that a block can be cut from."""


@dataclass(frozen=True)
class Held:
    """What of an image only judges, on its working grid.

    Parameters
    ----------
    blocks : tuple of boxes
        All that lies in them.
    share : float
        Of the cells; 0 none, 1 all.
    """

    blocks: tuple[Box, ...] = ()
    share: float = 0.0

    def mask(self, lo: Triple, hi: Triple) -> NDArray[np.bool_]:
        """Return which voxels (z, y, x) of a box only judge."""
        sizes = tuple(b - a for a, b in zip(lo, hi, strict=True))
        if self.share >= 1:
            return np.ones(sizes, bool)
        if self.share > 0:
            return _in_cells(lo, hi, self.share)
        held = np.zeros(sizes, bool)
        for first, last in self.blocks:
            held[_overlap(lo, hi, first, last)] = True
        return held


def hold_out(boxes: Sequence[Box], density: float, share: float) -> Held:
    """Return what of an image's labels only judges.

    Parameters
    ----------
    boxes : sequence of boxes
        Where its labels are, on the working grid.
    density : float
        Share of the voxels in them that are labelled.
    share : float
        Of the labels that are to be held out.
    """
    if share <= 0:
        return Held()
    large = [
        box for box in boxes if max(box[1][1] - box[0][1], box[1][2] - box[0][2]) >= LEAST_EDGE
    ]
    if density < DENSE or not large:
        return Held(share=share)
    return Held(tuple(_block(box, share) for box in large))


def _block(box: Box, share: float) -> Box:
    """Return the last part of a box along its longer edge in the section."""
    lo, hi = box
    axis = 1 if hi[1] - lo[1] > hi[2] - lo[2] else 2
    first = list(lo)
    first[axis] = hi[axis] - max(1, round(share * (hi[axis] - lo[axis])))
    return (first[0], first[1], first[2]), hi


def _in_cells(lo: Triple, hi: Triple, share: float) -> NDArray[np.bool_]:
    z, y, x = (np.arange(a, b).clip(0).astype(np.uint64) for a, b in zip(lo, hi, strict=True))
    edge = np.uint64(CELL)
    # Sections of one depth share their cells, so that a stroke's neighbour tells nothing.
    mixed = (
        (z // np.uint64(8))[:, None, None] * np.uint64(0x9E3779B97F4A7C15)
        ^ (y // edge)[None, :, None] * np.uint64(0xC2B2AE3D27D4EB4F)
        ^ (x // edge)[None, None, :] * np.uint64(0x165667B19E3779F9)
    )
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    mixed ^= mixed >> np.uint64(32)
    chosen: NDArray[np.bool_] = (mixed & np.uint64(0xFFFF)) < np.uint64(round(share * 0x10000))
    return chosen


def _overlap(lo: Triple, hi: Triple, first: Triple, last: Triple) -> tuple[slice, ...]:
    return tuple(
        slice(max(f, a) - a, max(min(e, b) - a, max(f, a) - a))
        for a, b, f, e in zip(lo, hi, first, last, strict=True)
    )
