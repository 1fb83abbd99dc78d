"""How good maps are where labels were held out, and which score means an even chance.

Strokes show a class more often than it occurs. What they tell is how many voxels of the class,
and how many others, have at least some score; how often the class occurs follows from how many of
all voxels have that score (adjusted count, Forman 2008). All three give the IoU at each score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.segmentation.overlaps import overlaps

if TYPE_CHECKING:
    from numpy.typing import NDArray

_EDGES = np.linspace(-10.0, 10.0, 401)
"""Scores are counted as logits between these."""
MOST_OFFSET = 4.0
"""Logits by which a map is corrected at most."""
_LEAST = 50
"""With fewer held-out voxels of a class, or beside it, those that trained are asked too."""
_AS_GOOD = 0.01
"""IoU that is given away rather than to correct a map by what few labels happen to say."""
_SURE = 0.5
"""The class's share is asked where the two rates differ at least by this share of their most."""


class MapCounts:
    """Counts of a map's scores: on voxels of the class, on others, and on all that was looked at.

    Parameters
    ----------
    dense : bool
        Labels were dense: how often the class occurs among them is how often it does.
    fixed : bool
        The map is not to be corrected: the likeliest of some classes counts.
    """

    def __init__(self, *, dense: bool, fixed: bool = False) -> None:
        self._dense, self._fixed = dense, fixed
        self._counts = np.zeros((5, len(_EDGES) - 1))

    def add(
        self,
        logits: NDArray[np.float32],
        target: NDArray[np.bool_],
        known: NDArray[np.bool_],
        held: NDArray[np.bool_],
    ) -> None:
        """Count the logits (z, y, x) of a box."""
        bins = np.clip(np.searchsorted(_EDGES, logits.ravel()) - 1, 0, len(_EDGES) - 2)
        masks = (
            target & known & held, ~target & known & held,
            target & known & ~held, ~target & known & ~held,
        )  # fmt: skip
        for index, mask in enumerate(masks):
            chosen = bins[mask.ravel()]
            self._counts[index] += np.bincount(chosen, minlength=len(_EDGES) - 1)
        self._counts[4] += np.bincount(bins, minlength=len(_EDGES) - 1)

    def verdict(self) -> MapVerdict | None:
        """Return how good the map is at the best score; None where its class is nowhere."""
        positive, negative, seen_positive, seen_negative, every = self._counts
        held_out = min(positive.sum(), negative.sum()) >= _LEAST
        if not held_out:
            positive, negative = positive + seen_positive, negative + seen_negative
        if not positive.sum():
            return None
        hit, false = _share_from(positive), _share_from(negative)
        prior = float(positive.sum() / (positive.sum() + negative.sum()))
        if not self._dense:
            prior = _adjusted_count(hit, false, _share_from(every), prior)
        right, wrong = prior * hit, (1 - prior) * false
        iou = right / np.maximum(prior + wrong, 1e-12)
        best = int(np.argmin(np.abs(_EDGES))) if self._fixed else _least_change(iou)
        return MapVerdict(
            iou=float(iou[best]),
            precision=float(right[best] / max(right[best] + wrong[best], 1e-12)),
            recall=float(hit[best]),
            cut=float(_EDGES[best]),
            held_out=held_out,
            prior=prior,
        )


@dataclass(frozen=True)
class MapVerdict:
    """Quality of a map at its best score, `cut` as a logit; `prior` is the class's share."""

    iou: float
    precision: float
    recall: float
    cut: float
    held_out: bool
    prior: float

    @property
    def dice(self) -> float:
        """The Dice coefficient, which is F1."""
        return 2 * self.iou / (1 + self.iou)

    @property
    def offset(self) -> float:
        """What is to be added to the logits, so that 0.5 is the best score."""
        return float(np.clip(-self.cut, -MOST_OFFSET, MOST_OFFSET))


def count_matches(
    found: NDArray[np.int32], truth: NDArray[np.int32], known: NDArray[np.bool_]
) -> tuple[int, int, int]:
    """Return matched, extra and missed objects at an IoU over 0.5, which matches one to one."""
    found, truth = np.where(known, found, 0), np.where(known, truth, 0)
    sizes_found, sizes_truth = np.bincount(found.ravel()), np.bincount(truth.ravel())
    common = overlaps(truth, found)
    union = sizes_truth[common.first] + sizes_found[common.second] - common.voxels
    matched = int((common.voxels > 0.5 * union).sum())
    return (
        matched,
        int(np.count_nonzero(sizes_found[1:])) - matched,
        int(np.count_nonzero(sizes_truth[1:])) - matched,
    )


def _share_from(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of voxels with at least each score."""
    total = max(counts.sum(), 1e-12)
    return np.concatenate([np.cumsum(counts[::-1])[::-1], [0.0]]) / total


def _adjusted_count(
    hit: NDArray[np.float64], false: NDArray[np.float64], every: NDArray[np.float64], shown: float
) -> float:
    """Return the class's share among all voxels; `shown`, among labels, where nothing is told."""
    apart = hit - false
    sure = apart > _SURE * apart.max()
    if not apart.max() > 0.1:
        return shown
    estimates = (every[sure] - false[sure]) / apart[sure]
    return float(np.clip(np.median(estimates), 0.002, 0.98))


def _least_change(iou: NDArray[np.float64]) -> int:
    """Return the score nearest to an even chance of those that are about as good as the best."""
    good = np.flatnonzero(iou >= iou.max() - _AS_GOOD)
    return int(good[np.argmin(np.abs(_EDGES[good]))])
