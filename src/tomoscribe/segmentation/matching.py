"""Found objects against true ones: which overlap, how well, and how many are found at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.segmentation.overlaps import overlaps

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

AP_THRESHOLDS = tuple(round(0.5 + 0.05 * k, 2) for k in range(10))
"""Least IoUs of the mean average precision, as usual since the COCO benchmark."""


@dataclass(frozen=True)
class MatchCounts:
    """Objects found and true (`hits`), found only, true only; the sum of the hits' IoUs."""

    hits: int = 0
    extra: int = 0
    missed: int = 0
    iou_sum: float = 0.0

    def __add__(self, other: MatchCounts) -> MatchCounts:
        return MatchCounts(
            self.hits + other.hits,
            self.extra + other.extra,
            self.missed + other.missed,
            self.iou_sum + other.iou_sum,
        )

    @property
    def average_precision(self) -> float:
        """Hits per all objects, found or true; 1 where there are none at all."""
        total = self.hits + self.extra + self.missed
        return self.hits / total if total else 1.0

    @property
    def f1(self) -> float:
        """Twice the hits per found and true object; 1 where there are none at all."""
        total = 2 * self.hits + self.extra + self.missed
        return 2 * self.hits / total if total else 1.0

    @property
    def panoptic_quality(self) -> float:
        """Sum of the hits' IoUs over the mean of found and true (Kirillov et al. 2019)."""
        total = self.hits + 0.5 * (self.extra + self.missed)
        return self.iou_sum / total if total else 1.0


@dataclass(frozen=True)
class ObjectPairs:
    """Overlapping pairs of true and found objects, best first.

    Parameters
    ----------
    truth, found : (P,) array
        Index of each pair's objects into the arrays of ids.
    iou : (P,) array
        Shared voxels over those of either; unlabelled voxels count nowhere. 0 where the found
        object is one of `beside` too.
    truth_ids, found_ids : array
        Numbers of all objects that have labelled voxels. True ones below 0 are those of `beside`.
    """

    truth: NDArray[np.int64]
    found: NDArray[np.int64]
    iou: NDArray[np.float64]
    truth_ids: NDArray[np.int64]
    found_ids: NDArray[np.int64]

    def matched(self, least_iou: float) -> NDArray[np.int64]:
        """Return the pairs that are one to one, the best taken first, as indices of pairs."""
        used_truth = np.zeros(len(self.truth_ids), dtype=bool)
        used_found = np.zeros(len(self.found_ids), dtype=bool)
        taken = []
        for k in range(int(np.searchsorted(-self.iou, -least_iou, side="right"))):
            i, j = self.truth[k], self.found[k]
            if used_truth[i] or used_found[j]:
                continue
            used_truth[i] = used_found[j] = True
            taken.append(k)
        return np.array(taken, dtype=np.int64)

    def counts(self, least_iou: float) -> MatchCounts:
        """Return how many objects match with at least this IoU."""
        taken = self.matched(least_iou)
        own = self.truth_ids[self.truth[taken]] > 0
        hits = int(np.count_nonzero(own))
        # The pairs are in order, so that the first of an object is its best.
        found, first = np.unique(self.found, return_index=True)
        other = found[self.truth_ids[self.truth[first]] < 0]
        other = np.setdiff1d(other, self.found[taken][own])
        extra = len(self.found_ids) - hits - len(other)
        missed = int(np.count_nonzero(self.truth_ids > 0)) - hits
        return MatchCounts(hits, extra, missed, float(self.iou[taken][own].sum()))


def beside(numbers: NDArray[Any]) -> NDArray[Any]:
    """Return numbers, below 0, for true objects that are not to be counted themselves.

    They are no miss, and who finds them is not extra; but what covers half of one of them matches
    no other object.
    """
    return -1 - numbers


def pair_objects(truth: NDArray[Any], found: NDArray[Any]) -> ObjectPairs:
    """Return the pairs of true and found objects that overlap.

    Parameters
    ----------
    truth : array of int
        -1 unlabelled, 0 background, else the number of an object; below -1 as `beside` makes them.
    found : array of int
        Of the same shape; 0 background.
    """
    known = truth != UNKNOWN
    # Pairs with the background are kept for the sizes of objects.
    true = truth[known].astype(np.int64, copy=False) if truth.dtype.kind == "i" else truth[known]
    lowest = min(int(true.min(initial=0)), 0)
    pairs = overlaps(true - lowest if lowest else true, found[known], background=True)
    first = pairs.first + lowest if lowest else pairs.first
    truth_ids, i = np.unique(first, return_inverse=True)
    found_ids, j = np.unique(pairs.second, return_inverse=True)
    sizes_i, sizes_j = np.bincount(i, pairs.voxels), np.bincount(j, pairs.voxels)
    real = (first != 0) & (pairs.second != 0)
    i, j, shared = i[real], j[real], pairs.voxels[real]
    iou = shared / (sizes_i[i] + sizes_j[j] - shared)
    uncounted = truth_ids[i] < 0
    grown = j[uncounted & (2 * shared >= sizes_i[i])]
    iou[~uncounted & np.isin(j, grown)] = 0
    order = np.lexsort((j, i, -iou))
    # The background is no object; numbers of other objects may be below it.
    i -= i > np.searchsorted(truth_ids, 0) if 0 in truth_ids else 0
    j -= int(0 in found_ids)
    return ObjectPairs(
        i[order], j[order], iou[order], truth_ids[truth_ids != 0], found_ids[found_ids != 0]
    )


def pair_by_section(truth: NDArray[Any], found: NDArray[Any]) -> list[ObjectPairs]:
    """Return the pairs of each section (z) of two volumes: objects are parts in one section."""
    return [pair_objects(t, f) for t, f in zip(truth, found, strict=True)]


def summed(parts: Iterable[ObjectPairs], least_iou: float) -> MatchCounts:
    """Return the counts of several volumes or sections together."""
    return sum((p.counts(least_iou) for p in parts), MatchCounts())
