"""How unsure a model is, voxel by voxel, and where a person's next label would tell it most.

Arrays only. Uncertainty is the entropy of "particle or not" with the model's threshold as the
point of even odds; what is labelled already counts nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import scipy

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

CELLS = 8
"""Cells of the coarse grid along one field: its mean is then right to an eighth of a field."""

LEAST = 0.05
"""Uncertainty below which the model is as good as sure: a belief under 0.6 % or over 99.4 %."""

SURE = math.log(0.99 / 0.01)
"""Log odds at which the background is left to be none of particles."""

LEAST_APART = 1e-3
"""Log odds between background and threshold that are told apart: less is rounding."""

SAMPLED = 1_000_000
"""Voxels that the background is read from."""

SAMPLE = 800
"""Fields that are tried on a membrane, spread over its vertices."""


def belief(
    scores: NDArray[np.floating], threshold: float, background: float = 0.0
) -> NDArray[np.float32]:
    """Return the probability of a particle that scores mean with this threshold.

    The odds of a score are divided by those of the threshold, so that the threshold itself is
    0.5. This is the correction for another prior of Elkan, "The foundations of cost-sensitive
    learning", IJCAI 2001.

    Parameters
    ----------
    scores : array
        0..1, of any shape; NaN where nothing is known stays NaN.
    threshold : float
        0..1, the score from which on the model proposes.
    background : float
        0..1, the score of most places. Under a threshold that is little above it beliefs are
        spread, so that it is as good as sure: else all of it would count as unsure.
    """
    cut = float(np.clip(threshold, 1e-3, 1 - 1e-3))
    # As log odds: powers of a large spread would all be 0.
    odds = scipy.special.logit(np.asarray(scores, np.float32)) - np.float32(_log_odds(cut))
    odds *= np.float32(_spread(cut, background))
    return np.asarray(scipy.special.expit(odds), np.float32)


def _spread(cut: float, background: float) -> float:
    """Return what log odds are multiplied by; 1 where the background is far below, or above."""
    if not 0 < background < cut:
        return 1.0
    apart = max(_log_odds(cut) - _log_odds(background), LEAST_APART)
    return max(SURE / apart, 1.0)


def _log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))


def entropy(probability: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return the entropy in bits, 0..1, of yes or no with these probabilities; NaN stays NaN."""
    p = np.clip(np.asarray(probability, np.float32), 1e-7, 1 - 1e-7)
    return np.asarray(-(p * np.log2(p) + (1 - p) * np.log2(1 - p)), np.float32)


def uncertainty(
    scores: NDArray[np.floating], threshold: float, background: float = 0.0
) -> NDArray[np.float32]:
    """Return how unsure the model is, 0 (sure) to 1 (even odds); 0 where nothing is known.

    Parameters are those of `belief`.
    """
    unsure = entropy(belief(scores, threshold, background))
    values: NDArray[np.float32] = np.nan_to_num(unsure, copy=False)
    return values


def disagreement(
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    thresholds: tuple[float, float],
) -> NDArray[np.float32]:
    """Return how far two models' beliefs are apart, 0..1; 0 where one of them knows nothing."""
    apart = np.abs(belief(first, thresholds[0]) - belief(second, thresholds[1]))
    known: NDArray[np.float32] = np.nan_to_num(apart, copy=False)
    return known


def peaks_in_volume(values: NDArray[np.uint8], size: float) -> NDArray[np.uint8]:
    """Return the highest value (z, y, x) within half of `size` grid voxels along each axis.

    At the rim of any particle, however sure, scores pass the threshold: what is unsure is asked of
    its highest score.
    """
    peaks: NDArray[np.uint8] = scipy.ndimage.maximum_filter(values, 2 * round(size / 2) + 1)
    return peaks


def peaks_on_mesh(
    values: NDArray[np.uint8], graph: sparse.csr_array, size: float
) -> NDArray[np.uint8]:
    """Return the highest value (V,) within half of `size` along the edges of a mesh.

    Parameters
    ----------
    values : (V,) array
    graph : (V, V) csr array
        Lengths of edges, from `membranes.geodesics.distance_graph`.
    size : float
        In the unit of the graph; as many edges as fit on average are gone.
    """
    starts = graph.indptr[:-1][np.diff(graph.indptr) > 0]
    joined = np.flatnonzero(np.diff(graph.indptr) > 0)
    peaks = values.copy()
    for _ in range(round(size / 2 / float(graph.data.mean())) if len(joined) else 0):
        around = np.maximum.reduceat(peaks[graph.indices], starts)
        peaks[joined] = np.maximum(peaks[joined], around)
    return peaks


def in_the_peak(values: NDArray[np.uint8], peaks: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return what belongs to a peak: at least half as high. Values are steps from 0."""
    within: NDArray[np.bool_] = values >= peaks // 2
    return within


def above_background(values: NDArray[np.floating]) -> NDArray[np.float32]:
    """Return uncertainty beyond that of the background, which says nothing of any one place.

    The background is the median of what is above 0: a young model is a little unsure everywhere,
    and a field's mean would be of that alone.
    """
    some = values.ravel()[:: max(values.size // SAMPLED, 1)]
    known = some[some > 0]
    level = float(np.median(known)) if known.size else 0.0
    above: NDArray[np.float32] = np.maximum(np.asarray(values, np.float32) - np.float32(level), 0)
    return above


def exclude_balls(
    values: NDArray[np.floating], centers: NDArray[np.floating], radius: float
) -> None:
    """Set a map (z, y, x) to 0 in place within `radius` grid voxels of centres (N, 3)."""
    shape = np.array(values.shape)
    for center in np.asarray(centers, dtype=float).reshape(-1, 3):
        lo = np.clip(np.floor(center - radius), 0, shape).astype(int)
        hi = np.clip(np.ceil(center + radius) + 1, 0, shape).astype(int)
        if (hi <= lo).any():
            continue
        box = tuple(slice(a, b) for a, b in zip(lo, hi, strict=True))
        z, y, x = (axis - c for axis, c in zip(np.ogrid[box], center, strict=True))
        values[box][z**2 + y**2 + x**2 <= radius**2] = 0


def informative_places(
    values: NDArray[np.floating], field: float, particle: float, count: int
) -> NDArray[np.float64]:
    """Return where a label tells most, the best first: the most unsure spot of each unsure field.

    Parameters
    ----------
    values : (z, y, x) array
        Uncertainty; 0 where a label would tell nothing.
    field : float
        Edge in grid voxels of what is seen at once: its mean ranks places, so that one look
        answers several questions.
    particle : float
        Diameter in grid voxels: a spot is a mean over as much.
    count : int
        Most places; no two lie in the same field.

    Returns
    -------
    (N, 3) array
        Grid voxels z y x, N <= count; fewer where less is unsure.
    """
    step = max(int(field / CELLS), 1)
    coarse = _block_means(values, step)
    size = [max(min(round(field / step), n), 1) for n in coarse.shape]
    means = scipy.ndimage.uniform_filter(coarse, size, mode="constant")
    peaks = np.argwhere((means == scipy.ndimage.maximum_filter(means, size)) & (means > 0))
    ranked = peaks[np.argsort(-means[tuple(peaks.T)], kind="stable")]
    half, smooth = field / 2, max(round(particle / 2), 1)
    chosen: list[NDArray[np.float64]] = []
    for center in (ranked + 0.5) * step - 0.5:
        spot = _spot(values, center, half, smooth)
        if spot is not None and all(np.abs(spot - other).max() > half for other in chosen):
            chosen.append(spot)
            if len(chosen) == count:
                break
    return np.array(chosen, dtype=np.float64).reshape(-1, 3)


def informative_points(
    points: NDArray[np.floating], values: NDArray[np.floating], field: float, count: int
) -> NDArray[np.int64]:
    """Return the vertices where a label tells most, as `informative_places` does in a volume.

    Parameters
    ----------
    points : (V, 3) array
        Vertices, in any unit; apart where they must not be seen together (opposite faces).
    values : (V,) array
        Uncertainty; 0 where a label would tell nothing.
    field : float
        Diameter of what is seen at once, in the same unit.
    count : int
        Most places; no two within half a field.
    """
    unsure = np.flatnonzero(values >= LEAST)
    if not len(unsure):
        return unsure
    # The centres that are tried are unsure ones: a field around none of them has nothing to ask.
    tried = unsure[:: max(len(unsure) // SAMPLE, 1)]
    tree, around = scipy.spatial.cKDTree(points), field / 2
    sizes = np.zeros(len(tried))
    sums = np.zeros(len(tried))
    for row, members in enumerate(tree.query_ball_point(points[tried], around)):
        sums[row], sizes[row] = values[members].sum(), len(members)
    # Sums, not means: a field over the mesh's rim shows less, and asks less.
    order = tried[np.argsort(-sums / max(sizes.max(), 1), kind="stable")]
    chosen: list[int] = []
    for center in order:
        near = np.array(tree.query_ball_point(points[center], around / 2))
        best = int(near[np.argmax(values[near])])
        apart = np.linalg.norm(points[chosen] - points[best], axis=1) > around if chosen else True
        if values[best] >= LEAST and np.all(apart):
            chosen.append(best)
            if len(chosen) == count:
                break
    return np.array(chosen, dtype=np.int64)


def _block_means(values: NDArray[np.floating], step: int) -> NDArray[np.float32]:
    """Return means over blocks of `step` voxels along each axis; a part of one counts as whole."""
    if step == 1:
        return np.asarray(values, np.float32)
    summed = np.asarray(values, np.float32)
    for axis, size in enumerate(values.shape):
        summed = np.add.reduceat(summed, np.arange(0, size, step), axis=axis)
    return np.asarray(summed / np.float32(step**3))


def _spot(
    values: NDArray[np.floating], center: NDArray[np.floating], half: float, smooth: int
) -> NDArray[np.float64] | None:
    """Return the most unsure particle-sized spot of the field around a centre, None without any."""
    shape = np.array(values.shape)
    lo = np.clip(np.floor(center - half), 0, shape - 1).astype(int)
    hi = np.clip(np.ceil(center + half) + 1, lo + 1, shape).astype(int)
    part = values[tuple(slice(a, b) for a, b in zip(lo, hi, strict=True))]
    means = scipy.ndimage.uniform_filter(np.asarray(part, np.float32), smooth, mode="constant")
    best = np.unravel_index(int(np.argmax(means)), means.shape)
    return None if means[best] < LEAST else lo + np.asarray(best, dtype=np.float64)
