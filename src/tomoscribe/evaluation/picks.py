"""How good picks are: the figures of one set of found positions against the true ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.picks.match import match_picks, pr_curve

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class PickEvaluation:
    """Figures of found positions.

    Parameters
    ----------
    found_count, truth_count : int
        Found positions at or above the threshold, and true ones.
    threshold : float or None
        Lowest score that counts; None: all count.
    precision, recall, f1 : float
        Of the optimal one-to-one matching of those.
    best_f1, best_threshold : float
        The highest F1 over all thresholds, and where.
    average_precision : float
        Area under the precision-recall curve.
    median_distance : float or None
        Median distance of the matched pairs, in the unit of the positions; None without pairs.
    """

    found_count: int
    truth_count: int
    threshold: float | None
    precision: float
    recall: float
    f1: float
    best_f1: float
    best_threshold: float
    average_precision: float
    median_distance: float | None


def evaluate_picks(
    found_zyx: NDArray[np.floating],
    scores: NDArray[np.floating] | None,
    truth_zyx: NDArray[np.floating],
    tolerance: float,
    threshold: float | None = None,
) -> PickEvaluation:
    """Compare found positions with true ones.

    Parameters
    ----------
    found_zyx : (N, 3) array
        Found positions.
    scores : (N,) array or None
        Their scores; one without (NaN, a person's pick) counts as certain, 1. None: all 1.
    truth_zyx : (M, 3) array
        True positions, in the same unit.
    tolerance : float
        Largest distance of a pair, in the same unit.
    threshold : float or None
        Lowest score that counts for precision, recall and F1.
    """
    found = np.asarray(found_zyx, dtype=np.float64).reshape(-1, 3)
    values = np.ones(len(found)) if scores is None else np.nan_to_num(scores, nan=1.0)
    chosen = found if threshold is None else found[values >= threshold]
    matching = match_picks(chosen, truth_zyx, tolerance)
    curve = pr_curve(found, values, truth_zyx, tolerance)
    best = curve.best()
    return PickEvaluation(
        found_count=matching.found_count,
        truth_count=matching.truth_count,
        threshold=threshold,
        precision=matching.precision,
        recall=matching.recall,
        f1=matching.f1,
        best_f1=best.f1,
        best_threshold=best.threshold,
        average_precision=curve.average_precision,
        median_distance=float(np.median(matching.distances)) if len(matching.distances) else None,
    )
