"""From a heatmap to positions: local maxima, none closer than a radius, refined below the voxel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy

if TYPE_CHECKING:
    from numpy.typing import NDArray

SUPPRESSION = 0.6
"""Least distance of two picks of a class, in its diameters, wherever a heatmap becomes positions.

Particles do not overlap, so that centres lie a diameter apart; less than one leaves room for
diameters that users draw too wide and for flat particles, and still joins the peaks of one.
"""

_REFINE_STEPS = 8
_LARGEST_WINDOW = 3
_CHUNK = 4096
_FOR_EACH = 8
"""Peaks that are looked at first for each that is wanted."""


def find_peaks(
    heatmap: NDArray[np.floating],
    radius_voxels: float,
    min_score: float,
    border_voxels: float | tuple[float, float, float] = 0,
    most: int | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return the peaks of a heatmap, best first.

    A peak is a voxel, or a plateau of equal voxels, with no higher neighbour among
    its 26. Peaks are taken from the highest on; one that lies closer than the radius
    to a taken one is suppressed. Positions are then moved to the centre of mass of
    the scores around them, at most by half a voxel an axis.

    Parameters
    ----------
    heatmap : (Z, Y, X) array of float
        Scores; NaN counts as 0.
    radius_voxels : float
        Smallest distance between two peaks, in voxels of the heatmap.
    min_score : float
        Lowest score of a peak.
    border_voxels : float or (float, float, float)
        Peaks closer than this to a face are left out; one number or z y x.
    most : int or None
        Only so many are wanted, the best; that spares the time for the rest.

    Returns
    -------
    zyx : (N, 3) array of float64
        Positions in voxels of the heatmap, 0 at the first voxel's centre.
    scores : (N,) array of float32
        The heatmap's value at each peak, in descending order.

    Raises
    ------
    ValueError
        If the heatmap is not three-dimensional.
    """
    if heatmap.ndim != 3:
        raise ValueError(f"a heatmap has three axes, this one {heatmap.ndim}")
    scores = np.asarray(heatmap, dtype=np.float32)
    if np.isnan(scores).any():
        scores = np.nan_to_num(scores, nan=0.0)
    zyx, values = _local_maxima(scores, min_score)
    inside = _inside(zyx, scores.shape, border_voxels)
    zyx, values = zyx[inside], values[inside]
    order = np.lexsort((zyx[:, 2], zyx[:, 1], zyx[:, 0], -values))
    zyx, values = zyx[order], values[order]
    kept = _best_kept(zyx, radius_voxels, most)
    zyx, values = zyx[kept], values[kept]
    return _keep_apart(zyx, _refine(scores, zyx, radius_voxels), radius_voxels), values


def suppress(zyx: NDArray[np.floating], radius: float) -> NDArray[np.bool_]:
    """Return which positions (N, 3), best first, stay when none may be closer than `radius`."""
    keep = bytearray(b"\x01" * len(zyx))
    if len(zyx) and radius > 0:
        tree = scipy.spatial.KDTree(zyx)
        reach = np.nextafter(radius, 0)
        for i in range(len(zyx)):
            if keep[i]:
                for j in tree.query_ball_point(zyx[i], reach):
                    keep[j] = 0
                keep[i] = 1
    return np.frombuffer(bytes(keep), dtype=np.bool_)


def _best_kept(zyx: NDArray[np.float64], radius: float, most: int | None) -> NDArray[np.intp]:
    """Return the first `most` of the positions, best first, that suppression leaves.

    Noise has a peak in each few voxels. Whether one stays depends on better ones alone, so that
    the rest is looked at only where the first ones do not suffice.
    """
    size = len(zyx) if most is None else _FOR_EACH * most
    while True:
        kept = np.flatnonzero(suppress(zyx[:size], radius))
        if size >= len(zyx) or (most is not None and len(kept) >= most):
            return kept[:most]
        size *= _FOR_EACH


def _local_maxima(
    scores: NDArray[np.float32], min_score: float
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    if scores.size == 0:
        return np.zeros((0, 3)), np.zeros(0, np.float32)
    # Above the lowest value, so that an empty or constant map has no peak.
    candidates = (scores >= min_score) & (scores > scores.min())
    candidates &= scores == scipy.ndimage.maximum_filter(scores, size=3, mode="nearest")
    neighbours = np.ones((3, 3, 3), bool)
    labels, count = scipy.ndimage.label(candidates, structure=neighbours)
    voxels = np.argwhere(candidates)
    of_voxel = labels[candidates] - 1
    sizes = np.bincount(of_voxel, minlength=count)
    centres = (
        np.stack(
            [np.bincount(of_voxel, weights=voxels[:, a], minlength=count) for a in range(3)], axis=1
        )
        / np.maximum(sizes, 1)[:, None]
    )
    first = np.zeros(count, np.intp)
    first[of_voxel[::-1]] = np.arange(len(of_voxel))[::-1]
    values = scores[candidates][first]
    true = np.ones(count, bool)
    # A plateau that touches an equal voxel which is no candidate is the shelf of a higher one.
    rest = np.where(candidates, -np.inf, scores)
    shelf = (
        scipy.ndimage.maximum_filter(rest, size=3, mode="nearest")[candidates] == scores[candidates]
    )
    true[of_voxel[shelf]] = False
    return centres[true], values[true]


def _inside(
    zyx: NDArray[np.float64], shape: tuple[int, ...], border: float | tuple[float, float, float]
) -> NDArray[np.bool_]:
    margin = np.broadcast_to(np.asarray(border, dtype=float), 3)
    inside: NDArray[np.bool_] = np.all(
        (zyx >= margin) & (zyx <= np.array(shape) - 1 - margin), axis=1
    )
    return inside


def _refine(
    scores: NDArray[np.float32], zyx: NDArray[np.float64], radius: float
) -> NDArray[np.float64]:
    """Move each position to the centre of mass around it, under a Gaussian window that moves along.

    The window removes the pull towards the starting voxel that a fixed box has.
    """
    half = int(np.clip(round(radius / 2), 1, _LARGEST_WINDOW))
    offsets = np.argwhere(np.ones((2 * half + 1,) * 3)) - half
    refined = np.empty_like(zyx)
    for start in range(0, len(zyx), _CHUNK):
        centre = zyx[start : start + _CHUNK]
        grid = np.rint(centre)[:, None] + offsets
        index = np.clip(grid, 0, np.array(scores.shape) - 1).astype(np.intp)
        values = scores[index[..., 0], index[..., 1], index[..., 2]].astype(np.float64)
        values -= values.min(axis=1, keepdims=True)
        values *= np.all(grid == index, axis=2)
        moved = centre.copy()
        for _ in range(_REFINE_STEPS):
            away = ((grid - moved[:, None]) ** 2).sum(axis=2)
            weight = values * np.exp(-away / half**2)
            total = weight.sum(axis=1)
            mean = np.einsum("nk,nka->na", weight, grid) / np.where(total > 0, total, 1)[:, None]
            moved = np.where(total[:, None] > 0, mean, moved)
            moved = np.clip(moved, centre - 0.5, centre + 0.5)
        refined[start : start + _CHUNK] = moved
    return np.clip(refined, 0, np.array(scores.shape) - 1)


def _keep_apart(
    before: NDArray[np.float64], after: NDArray[np.float64], radius: float
) -> NDArray[np.float64]:
    """Take refinements back that brought two peaks closer than the radius."""
    result = after.copy()
    while len(result) > 1 and radius > 0:
        pairs = scipy.spatial.KDTree(result).query_pairs(
            np.nextafter(radius, 0), output_type="ndarray"
        )
        close = np.unique(pairs)
        moved = close[np.any(result[close] != before[close], axis=1)]
        if not len(moved):
            break
        result[moved] = before[moved]
    return result
