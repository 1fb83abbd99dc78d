"""How good a heatmap is, as far as sparse clicks can tell, and the threshold they suggest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial import KDTree
from scipy.special import ndtr

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

MATCH_RADIUS = 0.5
"""A pick counts for a click that is at most so many diameters away."""
LOWEST_SCORE = 0.01
"""Peaks below this are not looked at."""
_GRID = np.linspace(np.log(LOWEST_SCORE), 6.0, 425)
"""Thresholds that are tried, as logits."""
_AS_GOOD = 0.01
"""Thresholds whose F1 is at most this much lower count as good as the best."""
_LEAST_RECALL = 0.25
"""Where fewer clicks are found, the estimate of the number of particles rests on too few."""
_SHRINK = 12.0
_FEW = 10
"""With fewer clicks their recall is not asked: the network knows them by heart."""
_KNEE_WIDTH = 0.35
_KNEE_PICKS = 25.0
_KNEE_RISE = 1.12


@dataclass(frozen=True)
class Peaks:
    """The peaks of one class on one tomogram, and what is known there; in tomogram voxels.

    Parameters
    ----------
    zyx, scores : (N, 3) and (N,) arrays
        Peaks, in 0..1.
    held_out, trained : (M, 3) arrays
        Clicks that the training did not and did see.
    boxes : list of (lo, hi)
        Declared regions.
    diameter : float
        Of the particle, tomogram voxels.
    inside : function, optional
        Which positions (N, ...) lie where all is declared; instead of boxes.
    """

    zyx: NDArray[np.float64]
    scores: NDArray[np.float32]
    held_out: NDArray[np.float64]
    trained: NDArray[np.float64]
    boxes: list[tuple[NDArray[np.float64], NDArray[np.float64]]]
    diameter: float
    inside: Callable[[NDArray[np.float64]], NDArray[np.bool_]] | None = None

    @property
    def declared(self) -> bool:
        """Whether there is an area where what is not clicked is known to be none."""
        return bool(self.boxes) or self.inside is not None

    def is_declared(self, points: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which of positions (N, ...) lie there."""
        if self.inside is not None:
            return self.inside(points)
        return _inside(points, self.boxes)


@dataclass(frozen=True)
class Verdict:
    """The judgement of one class: what ranks, what to show, and the threshold in 0..1."""

    score: float
    metrics: dict[str, float]
    threshold: float


@dataclass(frozen=True)
class Knee:
    """Where picks begin to multiply, as a logit, and how clearly: 1 where a gap lies above it."""

    cut: float
    depth: float


def judge(samples: list[Peaks], *, with_knee: bool = True) -> Verdict:
    """Return score, metrics and threshold of one class over some tomograms.

    In declared regions every pick is right or wrong, so F1 is exact. Elsewhere nobody knows which
    unclicked picks are right, but recall is known from the clicks, and the number of picks; that is
    enough to estimate F1, see `_estimate`. Without `with_knee` that estimate alone chooses the
    threshold, unless there are few clicks.
    """
    estimate = _estimate(samples, with_knee=with_knee)
    certain = [sample for sample in samples if sample.declared]
    if not certain:
        return estimate
    f1, precision, recall, threshold = _in_boxes(certain)
    metrics = estimate.metrics | {
        "f1": f1,
        "precision": precision,
        "recall": recall,
        "threshold": threshold,
    }
    return Verdict(f1, metrics, threshold)


def false_picks(sample: Peaks, threshold: float) -> NDArray[np.float64]:
    """Return the picks (N, 3) above half of `threshold` that a declared region proves wrong."""
    wrong = (sample.scores >= threshold / 2) & sample.is_declared(sample.zyx)
    truth = np.concatenate([sample.held_out, sample.trained])
    if len(truth) and wrong.any():
        away, _ = KDTree(truth).query(sample.zyx)
        wrong &= away > MATCH_RADIUS * sample.diameter
    return sample.zyx[wrong]


def _estimate(samples: list[Peaks], *, with_knee: bool) -> Verdict:
    """Return the verdict from the clicks and the peaks alone.

    The threshold lies between the best of the estimated F1 and the knee of the number of picks;
    with few clicks at the knee.
    """
    logits = np.concatenate([_logit(sample.scores) for sample in samples])
    held = np.concatenate([_logits_at(sample, sample.held_out) for sample in samples])
    seen = np.concatenate([_logits_at(sample, sample.trained) for sample in samples])
    clicked = _pool(held, seen)
    f1 = _estimated_f1(logits, clicked)
    cut = float(_GRID[_middle_of_best(f1)])
    few = len(clicked) < _FEW
    knee = _knee(logits, len(clicked))
    if knee is not None and few:
        cut = knee.cut
    elif knee is not None and with_knee:
        cut = (cut + knee.cut) / 2
    asked = held if len(held) else seen
    recall = float((asked >= cut).mean()) if len(asked) else 0.0
    score = min(1.0, float(np.interp(cut, _GRID, f1)))
    if few:
        score = recall * (knee.depth if knee is not None else 0.1 * score)
    if cut < _GRID[0] + 2 * _KNEE_WIDTH:
        # A young network gives particles and background the same low scores: it finds every
        # click among hundreds of picks, which must not make it the best.
        score *= 0.1
    metrics = {
        "score": score,
        "recall": recall,
        "picks": float((logits >= cut).sum()),
        "threshold": float(1 / (1 + np.exp(-cut))),
    }
    return Verdict(score, metrics, metrics["threshold"])


def _estimated_f1(logits: NDArray[np.float64], clicked: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return F1 at each threshold t from recall on clicks r(t) and the number of picks n(t).

    If all N particles behave as the clicked ones do, r N of the n picks are right, so that
    F1 = 2 r N / (n + N). As no precision exceeds 1, N is at most n / r at every threshold, and near
    it where only sure picks are left: its least value stands for N.
    """
    width = float(np.clip(0.5 * clicked.std(), 0.1, 0.6)) if len(clicked) > 1 else 0.5
    recall = _share_above(clicked, width)
    count = np.maximum(_share_above(logits, 0.1) * len(logits), 1e-3)
    sure = recall >= _LEAST_RECALL
    total = float((count[sure] / recall[sure]).min()) if sure.any() else 0.0
    total = max(total, float(len(clicked)), 1.0)
    return 2 * recall * total / (count + total)


def _logit(scores: NDArray[np.floating]) -> NDArray[np.float64]:
    p = np.clip(np.asarray(scores, np.float64), 1e-6, 1 - 1e-6)
    return np.asarray(np.log(p / (1 - p)))


def _logits_at(sample: Peaks, clicks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the best peak's logit within reach of each click; very low where there is none."""
    if not len(clicks):
        return np.empty(0)
    if not len(sample.zyx):
        return np.full(len(clicks), -10.0)
    near: Any = KDTree(sample.zyx).query_ball_point(clicks, MATCH_RADIUS * sample.diameter)
    logits = _logit(sample.scores)
    return np.array([max((logits[i] for i in hits), default=-10.0) for hits in near])


def _middle_of_best(f1: NDArray[np.float64]) -> int:
    """Return the middle of the thresholds that are as good as the best: of a gap, not its edge."""
    good = f1 >= f1.max() - _AS_GOOD
    first = last = int(np.argmax(f1))
    while first > 0 and good[first - 1]:
        first -= 1
    while last + 1 < len(good) and good[last + 1]:
        last += 1
    return (first + last) // 2


def _knee(logits: NDArray[np.float64], clicks: int) -> Knee | None:
    """Return the threshold below which picks begin to multiply, None where there is none.

    Particles form a hump of scores and the background a slope. Coming down from the best peak, the
    rate at which picks join those there are falls through the hump and rises again where the
    background begins; the first lasting rise is the knee. Unlike recall it does not need many
    clicks. The constants were fitted on about ten trainings of a minute, half of them of one case.
    With the estimated F1 the threshold loses 0.018 F1 on average over fifteen such trainings, 0.064
    at worst, on a small particle among look-alikes. The mixture of particles and background that
    serves the instant answer, in units of 5 to 10 logits, was no better among look-alikes, and
    with five clicks it lost everything.
    """
    away = (logits[None, :] - _GRID[:, None]) / _KNEE_WIDTH
    above = ndtr(away).sum(1)
    rate = np.exp(-0.5 * away**2).sum(1) / (np.sqrt(2 * np.pi) * _KNEE_WIDTH)
    usable = (above >= max(1.5 * clicks, _KNEE_PICKS)) & (_GRID[0] + 2 * _KNEE_WIDTH < _GRID)
    places: list[int] = np.flatnonzero(usable).tolist()
    lowest = None
    for place in reversed(places):
        hazard = rate[place] / above[place]
        if lowest is None or hazard < lowest[0]:
            lowest = (hazard, place)
        elif hazard > _KNEE_RISE * lowest[0]:
            return Knee(float(_GRID[lowest[1]]), float(np.exp(-lowest[0])))
    return None


def _pool(held: NDArray[np.float64], seen: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return all clicks' logits, those the training saw lowered by what the held-out ones lack.

    Few held-out clicks say little about that difference, so it is shrunk towards nothing.
    """
    if not len(held) or not len(seen):
        return np.concatenate([held, seen])
    shrink = len(held) / (len(held) + _SHRINK)
    lacking = max(0.0, float(np.median(seen) - np.median(held)))
    return np.concatenate([held, seen - shrink * lacking])


def _share_above(values: NDArray[np.float64], width: float) -> NDArray[np.float64]:
    """Return the share of `values` above each threshold of the grid, smeared by `width`."""
    away = np.clip((_GRID[:, None] - values[None, :]) / width, -40, 40)
    return np.asarray((1 / (1 + np.exp(1.7 * away))).mean(1)) if len(values) else 0 * _GRID


def _in_boxes(samples: list[Peaks]) -> tuple[float, float, float, float]:
    """Return best F1, precision, recall and its threshold inside of declared regions."""
    hits: list[tuple[float, bool]] = []
    total = 0
    for sample in samples:
        truth = np.concatenate([sample.held_out, sample.trained])
        inside = [sample.is_declared(points) for points in (truth, sample.zyx)]
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
        return 0.0, 0.0, 0.0, 0.5
    hits.sort(reverse=True)
    right = np.cumsum([hit for _, hit in hits])
    f1 = 2 * right / (np.arange(1, len(hits) + 1) + total)
    best = int(np.argmax(f1))
    below = hits[best + 1][0] if best + 1 < len(hits) else hits[best][0] - 1
    return (
        float(f1[best]),
        float(right[best] / (best + 1)),
        float(right[best] / total),
        float(1 / (1 + np.exp(-(hits[best][0] + below) / 2))),
    )


def _inside(
    points: NDArray[np.float64], boxes: list[tuple[NDArray[np.float64], NDArray[np.float64]]]
) -> NDArray[np.bool_]:
    inside = np.zeros(len(points), bool)
    for lo, hi in boxes:
        inside |= np.all((points >= lo) & (points < hi), axis=1)
    return inside
