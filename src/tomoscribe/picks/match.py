"""One-to-one matching of found positions with true ones, and the figures that follow from it.

At a fixed threshold the matching is optimal: most pairs within the tolerance, then
least distance. Where a threshold is swept (curve, best F1, average precision), picks
take the nearest free truth in descending score, as a reviewer would.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import scipy

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Matching:
    """Pairs of found and true positions.

    Parameters
    ----------
    pairs : (K, 2) array of int
        Index of the found position, index of the true one.
    distances : (K,) array of float
        Distance of each pair, in the unit of the positions.
    found_count, truth_count : int
        Sizes of both sets.
    """

    pairs: NDArray[np.intp]
    distances: NDArray[np.float64]
    found_count: int
    truth_count: int

    @property
    def precision(self) -> float:
        """Share of the found positions that are true; 0 where nothing was found."""
        return len(self.pairs) / self.found_count if self.found_count else 0.0

    @property
    def recall(self) -> float:
        """Share of the true positions that were found; 0 where there are none."""
        return len(self.pairs) / self.truth_count if self.truth_count else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall."""
        total = self.found_count + self.truth_count
        return 2 * len(self.pairs) / total if total else 0.0

    @property
    def extra(self) -> NDArray[np.intp]:
        """Indices of found positions without a true one."""
        return np.setdiff1d(np.arange(self.found_count), self.pairs[:, 0])

    @property
    def missed(self) -> NDArray[np.intp]:
        """Indices of true positions that were not found."""
        return np.setdiff1d(np.arange(self.truth_count), self.pairs[:, 1])


@dataclass(frozen=True)
class PrecisionRecallCurve:
    """Figures at every distinct score, from the highest threshold to the lowest; arrays (T,)."""

    thresholds: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    f1: NDArray[np.float64]
    counts: NDArray[np.intp]
    average_precision: float

    def best(self) -> BestF1:
        """Return the point with the highest F1; all figures are 0 on an empty curve."""
        if not len(self.f1):
            return BestF1(0.0, 0.0, 0.0, 0.0, 0)
        k = int(np.argmax(self.f1))
        return BestF1(
            float(self.f1[k]),
            float(self.thresholds[k]),
            float(self.precision[k]),
            float(self.recall[k]),
            int(self.counts[k]),
        )


@dataclass(frozen=True)
class BestF1:
    """The threshold with the highest F1 (picks with `score >= threshold`), and its figures."""

    f1: float
    threshold: float
    precision: float
    recall: float
    count: int


def match_picks(
    found_zyx: NDArray[np.floating], truth_zyx: NDArray[np.floating], tolerance: float
) -> Matching:
    """Return the optimal one-to-one matching within a distance.

    Parameters
    ----------
    found_zyx, truth_zyx : (N, 3) and (M, 3) arrays of float
        Positions, in one unit and one order of axes.
    tolerance : float
        Largest distance of a pair, in the same unit.

    Returns
    -------
    Matching
        Most pairs possible and, among those, the least sum of distances.
    """
    found, truth = _points(found_zyx), _points(truth_zyx)
    edges, weights = _candidates(found, truth, tolerance)
    pairs = _assign(edges, weights, len(found), len(truth))
    pairs = pairs[np.argsort(pairs[:, 0], kind="stable")]
    distances = np.linalg.norm(found[pairs[:, 0]] - truth[pairs[:, 1]], axis=1)
    return Matching(pairs, distances, len(found), len(truth))


def precision_recall_f1(
    found_zyx: NDArray[np.floating], truth_zyx: NDArray[np.floating], tolerance: float
) -> tuple[float, float, float]:
    """Return precision, recall and F1 of the optimal matching within `tolerance`."""
    matching = match_picks(found_zyx, truth_zyx, tolerance)
    return matching.precision, matching.recall, matching.f1


def pr_curve(
    found_zyx: NDArray[np.floating],
    scores: NDArray[np.floating],
    truth_zyx: NDArray[np.floating],
    tolerance: float,
) -> PrecisionRecallCurve:
    """Return precision and recall at every threshold, and the average precision.

    Parameters
    ----------
    found_zyx, scores : (N, 3) and (N,) arrays
        Found positions and their scores.
    truth_zyx : (M, 3) array
        True positions.
    tolerance : float
        Largest distance of a pair, in the unit of the positions.

    Returns
    -------
    PrecisionRecallCurve
        The average precision is the area under the curve, with the precision made
        monotone, as in PASCAL VOC 2010 and later.
    """
    found, truth = _points(found_zyx), _points(truth_zyx)
    values = np.asarray(scores, dtype=np.float64).ravel()
    order = np.argsort(-values, kind="stable")
    hits = match_in_order(found[order], truth, tolerance) >= 0
    return curve_of_hits(values[order], hits, len(truth))


def curve_of_hits(
    scores: NDArray[np.floating], hits: NDArray[np.bool_], truth_count: int
) -> PrecisionRecallCurve:
    """Return the curve of picks of which is known whether they hit a truth.

    Parameters
    ----------
    scores, hits : (N,) arrays
        Best first; those of several samples may be put together.
    truth_count : int
        True positions, found or not.
    """
    values = np.asarray(scores, dtype=np.float64)
    right = np.cumsum(hits)
    counts = np.arange(1, len(values) + 1)
    precision = right / np.maximum(counts, 1)
    recall = right / max(truth_count, 1)
    f1 = 2 * right / np.maximum(counts + truth_count, 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    area = float(np.sum(envelope * np.diff(recall, prepend=0.0)))
    # A threshold cannot part equal scores: only the last pick of each score is a point.
    last = np.append(values[1:] != values[:-1], True) if len(values) else np.zeros(0, bool)
    return PrecisionRecallCurve(
        values[last], precision[last], recall[last], f1[last], counts[last], area
    )


def best_f1(
    found_zyx: NDArray[np.floating],
    scores: NDArray[np.floating],
    truth_zyx: NDArray[np.floating],
    tolerance: float,
) -> BestF1:
    """Return the threshold with the highest F1; all figures are 0 where nothing was found.

    Parameters as for `pr_curve`.
    """
    return pr_curve(found_zyx, scores, truth_zyx, tolerance).best()


def _points(zyx: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(zyx, dtype=np.float64).reshape(-1, 3)


def _candidates(
    found: NDArray[np.float64], truth: NDArray[np.float64], tolerance: float
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return all pairs within the tolerance (E, 2), and their distances (E,)."""
    if not len(found) or not len(truth):
        return np.zeros((0, 2), np.intp), np.zeros(0)
    near = scipy.spatial.KDTree(found).sparse_distance_matrix(
        scipy.spatial.KDTree(truth), np.nextafter(tolerance, np.inf), output_type="coo_matrix"
    )
    pairs = np.stack([near.row, near.col], axis=1).astype(np.intp)
    # The tree and `norm` may differ in the last bit; what counts is the distance that is reported.
    distances = np.linalg.norm(found[pairs[:, 0]] - truth[pairs[:, 1]], axis=1)
    within = distances <= tolerance
    return pairs[within], distances[within]


def _assign(
    edges: NDArray[np.intp], distances: NDArray[np.float64], found_count: int, truth_count: int
) -> NDArray[np.intp]:
    """Return the edges (K, 2) of the matching with most pairs and, among those, least distance.

    Each found position may also take a dummy partner that costs more than all pairs
    together, so that a full matching of least weight exists and is the one we want
    (sparse Jonker-Volgenant, LAPJVsp, as scipy has it).
    """
    if not len(edges):
        return np.zeros((0, 2), np.intp)
    # Weights must not be 0, which a sparse graph takes for no edge.
    offset = float(distances.max()) or 1.0
    dummy = 2 * offset * (min(found_count, truth_count) + 1)
    own = np.arange(found_count)
    graph = scipy.sparse.csr_array(
        (
            np.concatenate([distances + offset, np.full(found_count, dummy)]),
            (np.concatenate([edges[:, 0], own]), np.concatenate([edges[:, 1], truth_count + own])),
        ),
        shape=(found_count, truth_count + found_count),
    )
    rows, columns = scipy.sparse.csgraph.min_weight_full_bipartite_matching(graph)
    real = columns < truth_count
    return np.stack([rows[real], columns[real]], axis=1).astype(np.intp)


def match_in_order(
    found_zyx: NDArray[np.floating], truth_zyx: NDArray[np.floating], tolerance: float
) -> NDArray[np.intp]:
    """Return the truth (N,) that each found position, best first, takes; -1 where it takes none.

    Each takes the nearest truth that is still free, so that the first ones keep theirs whatever
    follows: a threshold can be swept over the answer.
    """
    found, truth = _points(found_zyx), _points(truth_zyx)
    taken = np.full(len(found), -1, dtype=np.intp)
    if not len(found) or not len(truth):
        return taken
    free = bytearray(b"\x01" * len(truth))
    # One list for each found position; the stubs know the answer to a single one only.
    neighbours = cast(
        "list[list[int]]", scipy.spatial.KDTree(truth).query_ball_point(found, tolerance)
    )
    for i, near in enumerate(neighbours):
        open_ones = [j for j in near if free[j]]
        if open_ones:
            away = ((truth[open_ones] - found[i]) ** 2).sum(axis=1)
            taken[i] = open_ones[int(np.argmin(away))]
            free[taken[i]] = 0
    return taken
