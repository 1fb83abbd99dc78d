"""Objects that are too small go, those that stay get numbers without gaps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def without_small(labels: NDArray[np.int32], least_voxels: float) -> NDArray[np.int32]:
    """Return labels without objects of fewer voxels, numbered from 1 in their order."""
    counts = np.bincount(labels.ravel())
    kept = counts >= max(least_voxels, 1)
    kept[0] = False
    return _kept_only(labels, kept)


def renumbered(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return labels numbered from 1 without gaps, in their order."""
    return without_small(labels, 1)


def _kept_only(labels: NDArray[np.int32], kept: NDArray[np.bool_]) -> NDArray[np.int32]:
    if kept[1:].all():
        return labels
    table = np.zeros(len(kept), dtype=np.int32)
    table[kept] = np.arange(1, np.count_nonzero(kept) + 1)
    return table[labels]
