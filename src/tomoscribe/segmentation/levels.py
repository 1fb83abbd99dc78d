"""Comparing maps of scores with thresholds in the maps' own type: uint8 never becomes floats."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROUNDING = 1e-6
"""0.8 × 255 is 204.00000000000003 in floats."""


def at_least(scores: NDArray[Any], threshold: float) -> NDArray[np.bool_]:
    """Return where scores are `threshold` or more.

    Parameters
    ----------
    scores : array
        float 0..1, or uint8 0..255 for the same.
    threshold : float
        0..1.
    """
    if scores.dtype == np.uint8:
        level = math.ceil(threshold * 255 - _ROUNDING)
        return np.asarray(scores >= np.uint8(min(max(level, 0), 255)))
    return np.asarray(scores >= scores.dtype.type(threshold))


def as_floats(scores: NDArray[Any]) -> NDArray[np.float32]:
    """Return scores as float32 in 0..1; for parts that are small."""
    if scores.dtype == np.uint8:
        return np.asarray(scores, dtype=np.float32) / np.float32(255)
    return np.asarray(scores, dtype=np.float32)
