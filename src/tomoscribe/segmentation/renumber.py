"""Numbers of objects: too small ones go, those that stay have no gaps, huge ones fit int32."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TABLE = 1 << 22
"""Tables are as long as the highest number: above this, numbers are counted anew first."""
_KEPT = 1 << 30
"""Numbers below stay as they are; above are those that do not fit."""
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def without_small(labels: NDArray[np.int32], least_voxels: float) -> NDArray[np.int32]:
    """Return labels without objects of fewer voxels, numbered from 1 in their order."""
    if int(labels.max(initial=0)) > max(_TABLE, labels.size):
        values, places = np.unique(labels, return_inverse=True)
        labels = places.reshape(labels.shape).astype(np.int32) + np.int32(values[0] != 0)
    counts = np.bincount(labels.ravel(), minlength=1)
    kept = counts >= max(least_voxels, 1)
    kept[0] = False
    return _kept_only(labels, kept)


def renumbered(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return labels numbered from 1 without gaps, in their order."""
    return without_small(labels, 1)


def object_numbers(values: NDArray[Any]) -> NDArray[np.int32]:
    """Return values that stand for objects, 0 too, as numbers above 0 that int32 holds.

    Numbers of 64 bits, and 0, come to lie between 2^30 and 2^30 + 2^29 by multiplicative hashing
    (Knuth, The Art of Computer Programming 6.4): the same everywhere, and apart from ordinary
    numbers and from those that `segmentation.whole` marks.
    """
    mixed = (values.astype(np.uint64) * _GOLDEN) >> np.uint64(35)
    ordinary = (values > 0) & (values < _KEPT)
    numbers = np.where(ordinary, values, 0).astype(np.int32)
    return np.where(ordinary, numbers, mixed.astype(np.int32) + np.int32(_KEPT))


def _kept_only(labels: NDArray[np.int32], kept: NDArray[np.bool_]) -> NDArray[np.int32]:
    if kept[1:].all():
        return labels
    table = np.zeros(len(kept), dtype=np.int32)
    table[kept] = np.arange(1, np.count_nonzero(kept) + 1)
    return table[labels]
