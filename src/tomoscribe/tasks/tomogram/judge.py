"""How good a heatmap is, judged by what sparse clicks allow, and the threshold that they suggest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray

MATCH_RADIUS = 0.5
"""A pick counts for a click that is at most so many diameters away."""
_GRID = np.linspace(-6.0, 6.0, 481)
"""Thresholds that are tried, as logits."""


@dataclass(frozen=True)
class Peaks:
    """The peaks of one class on one tomogram, and what is known there; positions in tomogram voxels.

    Parameters
    ----------
    zyx, scores : (N, 3) and (N,) arrays
        Peaks, in 0..1.
    held_out, trained, negatives : (M, 3) arrays
        Clicks that the training did not and did see, and known negatives.
    boxes : list of (lo, hi)
        Declared regions.
    diameter : float
        Of the particle, tomogram voxels.
    """

    zyx: NDArray[np.float64]
    scores: NDArray[np.float32]
    held_out: NDArray[np.float64]
    trained: NDArray[np.float64]
    negatives: NDArray[np.float64]
    boxes: list[tuple[NDArray[np.float64], NDArray[np.float64]]]
    diameter: float


@dataclass(frozen=True)
class Verdict:
    """The judgement of one class: what ranks, what to show, and the threshold in 0..1."""

    score: float
    metrics: dict[str, float]
    threshold: float


def judge(samples: list[Peaks]) -> Verdict:
    """Return score, metrics and threshold of one class over some tomograms.

    In declared regions every pick is right or wrong, so F1 is exact. Elsewhere nobody knows which
    unclicked picks are right; there recall squared over the number of picks ranks thresholds as
    precision times recall does (Lee and Liu 2003), up to a constant.
    """
    logits = np.concatenate([_logit(s.scores) for s in samples])
    clicked = np.concatenate([_logits_at(s, s.held_out) for s in samples])
    seen = np.concatenate([_logits_at(s, s.trained) for s in samples])
    recall = _smooth_recall(clicked, seen)
    count = (logits[None, :] >= _GRID[:, None]).sum(1)
    gain = recall**2 / (count + 1.0)
    best = _GRID[int(np.argmax(gain))]
    metrics = {
        "recall": float(recall[np.argmax(gain)]),
        "picks": float(count[np.argmax(gain)]),
        "threshold": float(1 / (1 + np.exp(-best))),
    }
    certain = [s for s in samples if s.boxes]
    if certain:
        f1, precision, found, best = _in_boxes(certain)
        metrics |= {"f1": f1, "precision": precision, "recall": found}
        return Verdict(f1, metrics, float(1 / (1 + np.exp(-best))))
    return Verdict(float(gain.max() * 100), metrics, float(1 / (1 + np.exp(-best))))


def _logit(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    p = np.clip(np.asarray(scores, np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(p / (1 - p)))


def _logits_at(sample: Peaks, clicks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the best peak's logit within reach of each click; very low where there is none."""
    if not len(clicks):
        return np.empty(0)
    if not len(sample.zyx):
        return np.full(len(clicks), -10.0)
    near = KDTree(sample.zyx).query_ball_point(clicks, MATCH_RADIUS * sample.diameter)
    logits = _logit(sample.scores)
    return np.array([max((logits[i] for i in hits), default=-10.0) for hits in near])


def _smooth_recall(clicked: NDArray[np.float64], seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the share of clicks above each threshold of the grid, smoothed as few clicks need it."""
    values = clicked if len(clicked) >= 4 else np.concatenate([clicked, seen])
    width = 0.5
    return np.asarray((1 / (1 + np.exp((_GRID[:, None] - values[None, :]) / (width / 2)))).mean(1))


def _in_boxes(samples: list[Peaks]) -> tuple[float, float, float, float]:
    """Return best F1, precision, recall and its threshold (logit) inside of declared regions."""
    hits: list[tuple[float, bool]] = []
    total = 0
    for sample in samples:
        truth = np.concatenate([sample.held_out, sample.trained])
        inside = [_inside(points, sample.boxes) for points in (truth, sample.zyx)]
        truth, found = truth[inside[0]], sample.zyx[inside[1]]
        total += len(truth)
        free = np.ones(len(truth), bool)
        order = np.argsort(-sample.scores[inside[1]])
        logits = _logit(sample.scores[inside[1]])
        for i in order.tolist():
            away = np.linalg.norm(truth - found[i], axis=1)
            near = free & (away <= MATCH_RADIUS * sample.diameter)
            if near.any():
                free[int(np.argmin(np.where(near, away, np.inf)))] = False
            hits.append((float(logits[i]), bool(near.any())))
    if not hits or not total:
        return 0.0, 0.0, 0.0, 0.0
    hits.sort(reverse=True)
    right = np.cumsum([hit for _, hit in hits])
    f1 = 2 * right / (np.arange(1, len(hits) + 1) + total)
    best = int(np.argmax(f1))
    below = hits[best + 1][0] if best + 1 < len(hits) else hits[best][0] - 1
    return (
        float(f1[best]),
        float(right[best] / (best + 1)),
        float(right[best] / total),
        (hits[best][0] + below) / 2,
    )


def _inside(
    points: NDArray[np.float64], boxes: list[tuple[NDArray[np.float64], NDArray[np.float64]]]
) -> NDArray[np.bool_]:
    inside = np.zeros(len(points), bool)
    for lo, hi in boxes:
        inside |= np.all((points >= lo) & (points < hi), axis=1)
    return inside
