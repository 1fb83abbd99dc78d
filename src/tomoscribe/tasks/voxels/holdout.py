"""Which labelled voxels only judge: a block where all is labelled, cells of a grid elsewhere.

Cells are chosen by where they lie, not by what is painted in them, so that strokes may grow while
a training runs and what judges never teaches.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
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

    def within(self, lo: Triple, hi: Triple) -> Held:
        """Return what of it touches a box; quick also where there are thousands of blocks."""
        if not self.blocks:
            return self
        touches = ((self._ends[:, 0] < hi) & (self._ends[:, 1] > lo)).all(1)
        return Held(tuple(self.blocks[i] for i in np.flatnonzero(touches).tolist()), self.share)

    @cached_property
    def _ends(self) -> NDArray[np.int64]:
        return np.array(self.blocks, np.int64)

    def mask(self, lo: Triple, hi: Triple) -> NDArray[np.bool_]:
        """Return which voxels (z, y, x) of a box only judge."""
        sizes = tuple(b - a for a, b in zip(lo, hi, strict=True))
        if self.share >= 1:
            return np.ones(sizes, bool)
        if self.share > 0:
            return _in_cells(lo, hi, self.share)
        held = np.zeros(sizes, bool)
        for first, last in self.within(lo, hi).blocks:
            held[_overlap(lo, hi, first, last)] = True
        return held


@dataclass(frozen=True)
class Profile:
    """How many voxels of each class a box has in each slab along the longer edge of its sections.

    Parameters
    ----------
    box : box
        On the working grid.
    counts : (1 + class, n) array
        Of labelled voxels, then of each class.
    """

    box: Box
    counts: NDArray[np.int64]

    @property
    def axis(self) -> int:
        """The axis along which it goes."""
        return long_axis(self.box)


def long_axis(box: Box) -> int:
    """Return the axis of the longer edge of a box's sections."""
    lo, hi = box
    return 1 if hi[1] - lo[1] > hi[2] - lo[2] else 2


def hold_out(profiles: Sequence[Profile], share: float) -> Held:
    """Return what of an image's labels only judges.

    Parameters
    ----------
    profiles : sequence of Profile
        Of the boxes where its labels are.
    share : float
        Of the labels that are to be held out.
    """
    if share <= 0:
        return Held()
    known = sum(int(p.counts[0].sum()) for p in profiles)
    whole = sum(math.prod(b - a for a, b in zip(*p.box, strict=True)) for p in profiles)
    large = [p for p in profiles if p.counts.shape[1] >= LEAST_EDGE]
    if known < DENSE * whole or not large:
        return Held(share=share)
    return Held(tuple(_block(profile, share) for profile in large))


def _block(profile: Profile, share: float) -> Box:
    """Return a slab of a box in which classes are about as frequent as in all of it."""
    counts = profile.counts.astype(float)
    size = counts.shape[1]
    width = max(1, round(share * size))
    starts = np.unique(np.linspace(0, size - width, 11).round().astype(int))
    slabs = np.stack([counts[:, a : a + width].sum(1) for a in starts.tolist()], 1)
    every = counts.sum(1)
    often = (slabs[1:] + 1) / (slabs[0] + 1)
    usual = ((every[1:] + 1) / (every[0] + 1))[:, None]
    unlike = np.abs(np.log(often / usual)).sum(0)
    # The last of those about alike: a slab in the middle parts what trains.
    alike = np.flatnonzero(unlike <= unlike.min() + 0.1)
    ends = [index for index in alike.tolist() if index in (0, len(starts) - 1)]
    start = int(starts[ends[-1] if ends else alike[-1]])
    (*lo,), (*hi,) = profile.box
    axis = profile.axis
    hi[axis] = lo[axis] + start + width
    lo[axis] += start
    return (lo[0], lo[1], lo[2]), (hi[0], hi[1], hi[2])


def _in_cells(lo: Triple, hi: Triple, share: float) -> NDArray[np.bool_]:
    # Sections of one depth share their cells, so that a stroke's neighbour tells nothing.
    edges = (8, CELL, CELL)
    of_axis = [
        np.unique(np.arange(a, b).clip(0) // n, return_inverse=True)
        for a, b, n in zip(lo, hi, edges, strict=True)
    ]
    z, y, x = (cells.astype(np.uint64) for cells, _ in of_axis)
    mixed = _mixed(_mixed(z)[:, None, None] ^ y[None, :, None])
    mixed = _mixed(mixed ^ x[None, None, :])
    held = (mixed & np.uint64(0xFFFF)) < np.uint64(round(share * 0x10000))
    chosen: NDArray[np.bool_] = held[np.ix_(*(voxels for _, voxels in of_axis))]
    return chosen


def _mixed(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return values hashed, a step of SplitMix64; 0 becomes something else too."""
    mixed = values + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def _overlap(lo: Triple, hi: Triple, first: Triple, last: Triple) -> tuple[slice, ...]:
    return tuple(
        slice(max(f, a) - a, max(min(e, b) - a, max(f, a) - a))
        for a, b, f, e in zip(lo, hi, first, last, strict=True)
    )
