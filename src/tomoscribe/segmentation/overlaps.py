"""Which objects of two label volumes share voxels, and how many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Overlaps:
    """Pairs of objects that share voxels: their numbers (P,) and the voxels shared (P,)."""

    first: NDArray[np.integer]
    second: NDArray[np.integer]
    voxels: NDArray[np.int64]


def overlaps(first: NDArray[Any], second: NDArray[Any], *, background: bool = False) -> Overlaps:
    """Return all pairs of objects of two label arrays of one shape that share voxels.

    Parameters
    ----------
    first, second : array of int
        Not negative; 0 is background.
    background : bool
        Whether pairs with the background count too.
    """
    if not background:
        both = (first != 0) & (second != 0)
        first, second = first[both], second[both]
    a, b = np.ravel(first), np.ravel(second)
    if not a.size:
        none = np.zeros(0, dtype=np.int64)
        return Overlaps(none, none, none)
    width = int(b.max()) + 1
    cells = (int(a.max()) + 1) * width
    if cells > np.iinfo(np.int64).max:
        # Numbers of 64 bits: their places among all do for a code of a pair.
        ids_a, a = np.unique(a, return_inverse=True)
        ids_b, b = np.unique(b, return_inverse=True)
        pairs = overlaps(a + 1, b + 1)
        return Overlaps(ids_a[pairs.first - 1], ids_b[pairs.second - 1], pairs.voxels)
    a, b = a.astype(np.int64), b.astype(np.int64)
    codes = a * width + b
    if cells <= max(4 * codes.size, 1 << 20):
        counts = np.bincount(codes, minlength=cells)
        found = np.flatnonzero(counts)
        return Overlaps(found // width, found % width, counts[found])
    found, counts = np.unique(codes, return_counts=True)
    return Overlaps(found // width, found % width, counts)
