"""The threshold separates a hump of particles from a falling background, with few clicks."""

from __future__ import annotations

import numpy as np
import pytest

from tomoscribe.prediction.score_mixture import choose_threshold

LOWEST = 0.2


def _peaks(particles: int, background: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return scores, best first, and which of them are particles'."""
    rng = np.random.default_rng(seed)
    scores = np.concatenate(
        [rng.normal(1, 0.12, particles), LOWEST + rng.exponential(0.12, background)]
    )
    order = np.argsort(-scores)
    return scores[order], (np.arange(len(scores)) < particles)[order]


def _f1(scores: np.ndarray, true: np.ndarray, threshold: float) -> float:
    found = scores >= threshold
    return float(2 * true[found].sum() / (found.sum() + true.sum()))


@pytest.mark.parametrize("particles", [40, 150, 600])
@pytest.mark.parametrize("clicks", [3, 5, 25])
def test_threshold_is_near_the_best_however_many_particles(particles: int, clicks: int) -> None:
    scores, true = _peaks(particles, 4000, seed=particles)
    clicked = np.random.default_rng(clicks).normal(1, 0.12, clicks)
    best = max(_f1(scores, true, t) for t in scores[: 3 * particles])
    assert _f1(scores, true, choose_threshold(clicked, scores, LOWEST)) > 0.9 * best


def test_one_odd_click_does_not_open_the_gates() -> None:
    scores, true = _peaks(150, 4000, seed=0)
    clicks = np.array([0.5, 0.95, 1.0, 1.05, 1.1])
    assert _f1(scores, true, choose_threshold(clicks, scores, LOWEST)) > 0.8


def test_gold_far_above_the_particles_does_not_matter() -> None:
    scores, _ = _peaks(150, 4000, seed=0)
    clicks = np.array([0.9, 0.95, 1.0, 1.05, 1.1])
    plain = choose_threshold(clicks, scores, LOWEST)
    with_gold = np.concatenate([np.full(3, 9.0), scores])
    assert choose_threshold(clicks, with_gold, LOWEST) == pytest.approx(plain, abs=0.05)


def test_without_peaks_the_threshold_lies_below_the_clicks() -> None:
    assert LOWEST <= choose_threshold(np.array([0.9, 1.0, 1.1]), np.zeros(0), LOWEST) < 0.9


def test_threshold_lies_between_two_peaks() -> None:
    scores, _ = _peaks(50, 500, seed=2)
    threshold = choose_threshold(np.array([0.9, 1.0, 1.1]), scores, LOWEST)
    assert threshold not in scores
    assert scores.min() < threshold < scores.max()
