"""Objects found in sections, linked through the stack."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.segmentation.overlaps import overlaps
from tomoscribe.segmentation.renumber import renumbered

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
