"""In which order proposals are reviewed. Arrays only, no Qt."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import scipy

from tomoscribe.evaluation.proposals import SAME
from tomoscribe.evaluation.uncertainty import disagreement

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tomoscribe.evaluation.proposals import Proposals
    from tomoscribe.ui.scores.proposals import Comparison


class Order(StrEnum):
    """What comes first; the value is what the user reads."""

    UNSURE = "least sure first"
    DISAGREE = "A and B disagree"
    BEST = "best first"


@dataclass(frozen=True, eq=False)
class OtherSide:
    """What another checkpoint says where there are proposals.

    Parameters
    ----------
    proposals : Proposals
        Those of both sides, by the scores of the side in view.
    scores : (N,) array of float
        The other side's at each.
    source : str
        The other side, as picks name it.
    threshold : float
        The other side's own.
    """

    proposals: Proposals
    scores: NDArray[np.float32]
    source: str
    threshold: float

    def credit(self, index: int, threshold: float) -> tuple[str, float]:
        """Return the checkpoint that proposed it, and its score: the other where only it did."""
        own = float(self.proposals.scores[index])
        if own < threshold and self.scores[index] >= self.threshold:
            return self.source, float(self.scores[index])
        return self.proposals.source, own


def both_sides(
    own: Proposals,
    other: Proposals,
    threshold: float,
    score_at: tuple[Callable[[NDArray[np.float64]], NDArray[np.float32]], ...],
) -> OtherSide:
    """Return the proposals of both sides with the scores of both.

    Parameters
    ----------
    own, other : Proposals
        Of the side in view and of the other one; of the other those from `threshold` on that the
        side in view has no peak near are added.
    threshold : float
        The other side's own.
    score_at : pair of callable
        The scores (N,) of either side's map at tomogram voxels (N, 3), the side in view first.
    """
    same = SAME * own.diameter_voxels
    only = other.scores >= threshold
    if len(own) and only.any():
        only &= scipy.spatial.KDTree(own.places).query(other.places)[0] > same
    scores = np.concatenate([own.scores, score_at[0](other.zyx[only])]).astype(np.float32)
    places = np.concatenate([own.places, other.places[only]])
    order = np.argsort(-scores, kind="stable")
    normals = None
    if own.normals_zyx is not None and other.normals_zyx is not None:
        normals = np.concatenate([own.normals_zyx, other.normals_zyx[only]])[order]
    zyx = np.concatenate([own.zyx, other.zyx[only]])[order]
    merged = replace(own, zyx=zyx, scores=scores[order], normals_zyx=normals)
    theirs = score_at[1](zyx)
    if len(other) and len(merged):
        distance, nearest = scipy.spatial.KDTree(other.places).query(places[order])
        peak = np.where(distance <= same, other.scores[nearest], 0)
        theirs = np.maximum(theirs, peak)
    return OtherSide(merged, theirs.astype(np.float32), other.source, threshold)


def in_order(
    comparison: Comparison, threshold: float, order: Order, other: OtherSide | None
) -> NDArray[np.intp]:
    """Return the open proposals that are to be reviewed, the first first.

    By disagreement only those come that one side proposes and the other does not; without the
    other side, none.
    """
    if order is Order.UNSURE:
        return comparison.by_uncertainty(threshold)
    open_ = np.flatnonzero(comparison.open)
    scores = comparison.proposals.scores[open_]
    if order is Order.BEST:
        return open_[np.argsort(-scores, kind="stable")]
    if other is None or other.proposals is not comparison.proposals:
        return open_[:0]
    theirs = other.scores[open_]
    differ = (scores >= threshold) != (theirs >= other.threshold)
    apart = disagreement(scores[differ], theirs[differ], (threshold, other.threshold))
    ordered: NDArray[np.intp] = open_[differ][np.argsort(-apart, kind="stable")]
    return ordered
