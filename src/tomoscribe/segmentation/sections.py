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
    `least_overlap` of the smaller. So an object that two touching ones follow goes on in one.

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
        a, b, shared = pairs.first, pairs.second, pairs.voxels
        best_a = np.zeros(count + 1, dtype=np.int64)
        best_b = np.zeros(count + 1, dtype=np.int64)
        np.maximum.at(best_a, a, shared)
        np.maximum.at(best_b, b, shared)
        good = (shared == best_a[a]) & (shared == best_b[b])
        good &= shared >= least_overlap * np.minimum(areas[a], areas[b])
        # Sections come in order, so the lower one has its final number already.
        number[b[good]] = number[a[good]]
    return renumbered(number[labels])
