"""Objects that are labelled to their border, marked by high numbers in the labels of a training.

A stroke on an object says nothing of where the object ends. An object that was locked does: what
lies beside it is not of it, also where nobody has labelled what that is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

WHOLE = 3 << 29
"""Marked numbers begin here, above all that `renumber.object_numbers` gives."""


def mark_whole(labels: NDArray[np.int32], numbers: Collection[int]) -> NDArray[np.int32]:
    """Add `WHOLE` to the numbers of some objects, below 2^29, in labels of any shape."""
    if not numbers:
        return labels
    whole = np.isin(labels, np.fromiter(numbers, np.int32))
    return np.where(whole, labels + np.int32(WHOLE), labels)


def plain_numbers(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return labels with the numbers that objects had before `mark_whole`."""
    return np.where(labels >= WHOLE, labels - np.int32(WHOLE), labels)
