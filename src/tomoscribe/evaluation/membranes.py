"""How well picks on membranes are oriented: angles between found and true normals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.picks.match import match_picks

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FLIPPED_DEG = 90.0


@dataclass(frozen=True)
class NormalErrors:
    """Angles between the normals of matched pairs.

    Parameters
    ----------
    count : int
        Pairs in which both normals are known.
    median_deg : float or None
        Median angle; None without pairs.
    flipped : float
        Share of the pairs that point to the other side, by more than 90 degrees.
    """

    count: int
    median_deg: float | None
    flipped: float


def normal_errors(
    found_zyx: NDArray[np.floating],
    found_normals_zyx: NDArray[np.floating],
    truth_zyx: NDArray[np.floating],
    truth_normals_zyx: NDArray[np.floating],
    tolerance: float,
) -> NormalErrors:
    """Compare the normals of picks with those of the true positions that they match.

    Parameters
    ----------
    found_zyx, truth_zyx : (N, 3) and (M, 3) arrays
        Positions in one unit; matched one to one.
    found_normals_zyx, truth_normals_zyx : (N, 3) and (M, 3) arrays
        Vectors of any length; NaN and zero ones are unknown.
    tolerance : float
        Largest distance of a pair, in the same unit.
    """
    pairs = match_picks(found_zyx, truth_zyx, tolerance).pairs
    one = np.asarray(found_normals_zyx, dtype=np.float64)[pairs[:, 0]]
    other = np.asarray(truth_normals_zyx, dtype=np.float64)[pairs[:, 1]]
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    known = np.isfinite(lengths) & (lengths > 0)
    cosine = np.einsum("ni,ni->n", one[known], other[known]) / lengths[known]
    angles = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
    if not len(angles):
        return NormalErrors(0, None, 0.0)
    flipped = float((angles > _FLIPPED_DEG).mean())
    return NormalErrors(len(angles), float(np.median(angles)), flipped)
