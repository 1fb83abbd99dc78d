"""Objects found in sections: linked through the stack, or numbered anew in each."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.segmentation.overlaps import overlaps
from tomoscribe.segmentation.renumber import renumbered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tomoscribe.io.arrays import LazyArray


_JUMPS = 0.1
"""Share of the numbers that two sections have in common whose objects share no pixel. Of objects
that go through a stack it is 0 (chloroplasts, neurons, supervoxels); of the same chloroplasts
numbered anew in each section, from the top down, 0.25, and of neurons 0.83."""
_MOST_PAIRS = 24
"""Sections looked at of a deep volume."""


def numbered_by_section(labels: LazyArray, filled: Sequence[int] | None = None) -> bool:
    """Tell whether each section numbers its objects anew, or numbers go through the stack.

    They are numbered anew where no section has a number of the one before, or where a number is
    often elsewhere in the next section that has objects.

    Parameters
    ----------
    labels : (Z, Y, X) array of int
        0 and below is no object.
    filled : sequence of int, optional
        The sections that have objects, ascending, where that is known already.

    Returns
    -------
    bool
        False also where fewer than two sections have objects.
    """
    if filled is None:
        filled = [z for z in range(labels.shape[0]) if (labels[z] > 0).any()]
    pairs = list(pairwise(filled))
    steps = np.linspace(0, len(pairs) - 1, min(len(pairs), _MOST_PAIRS)).astype(int)
    common = jumps = 0
    for lower, upper in (pairs[i] for i in steps):
        a, b = labels[lower], labels[upper]
        shared = np.intersect1d(a[a > 0], b[b > 0])
        common += len(shared)
        jumps += len(shared) - len(np.unique(a[(a == b) & (a > 0)]))
    return bool(pairs) and jumps >= _JUMPS * common


def link_sections(labels: NDArray[np.int32], least_overlap: float) -> NDArray[np.int32]:
    """Give objects of neighbouring sections that lie over each other one number.

    Two are linked if each is the one that the other overlaps most, and if they share at least
    `least_overlap` of the smaller. So an object that two touching ones follow goes on in one; where
    it overlaps both by the same, in that of the lower number.

    Parameters
    ----------
    labels : (Z, Y, X) array
        Numbers are used in one section only; 0 is background.
    least_overlap : float
        0..1.

    Returns
    -------
    (Z, Y, X) array
        Numbered from 1, in the order of the first section.
    """
    count = int(labels.max(initial=0))
    number = np.arange(count + 1, dtype=np.int32)
    areas = np.bincount(labels.ravel(), minlength=count + 1)
    for lower, upper in pairwise(labels):
        pairs = overlaps(lower, upper)
        # The largest first, then by number: no two pairs are equal, so that none is linked twice.
        order = np.lexsort((pairs.second, pairs.first, -pairs.voxels))
        a, b, shared = pairs.first[order], pairs.second[order], pairs.voxels[order]
        good = _first_of_each(a) & _first_of_each(b)
        good &= shared >= least_overlap * np.minimum(areas[a], areas[b])
        # Sections come in order, so the lower one has its final number already.
        number[b[good]] = number[a[good]]
    return renumbered(number[labels])


def _first_of_each(numbers: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Return where each number occurs for the first time."""
    first = np.zeros(len(numbers), dtype=np.bool_)
    first[np.unique(numbers, return_index=True)[1]] = True
    return first
