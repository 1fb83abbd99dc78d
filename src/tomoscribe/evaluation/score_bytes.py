"""Scores as single bytes, as block logs and whatever keeps many maps in memory hold them.

0 means that nothing is computed there yet; a score s in 0..1 is 1 + round(254 s).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def encode_scores(scores: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return scores in 0..1 as stored values 1..255."""
    clean = np.nan_to_num(np.clip(scores, 0.0, 1.0), nan=0.0)
    values: NDArray[np.uint8] = (1 + np.rint(254.0 * clean)).astype(np.uint8)
    return values


def decode_scores(values: NDArray[np.uint8], missing: float = 0.0) -> NDArray[np.float32]:
    """Return stored values as scores in 0..1, `missing` where nothing is computed yet."""
    steps = np.arange(255, dtype=np.float32) / np.float32(254)
    table: NDArray[np.float32] = np.append(np.float32(missing), steps)
    return table[values]
