"""Judging heatmaps by sparse clicks: exact in declared regions, estimated elsewhere."""

import numpy as np
import pytest

from tomoscribe.tasks.tomogram.judge import Peaks, false_picks, judge

NONE = np.empty((0, 3))


def _grid_points(count: int) -> np.ndarray:
    return np.array(
        [(20.0 * (i // 100), 20.0 * (i // 10 % 10), 20.0 * (i % 10)) for i in range(count)]
    )


def _peaks(
    right: np.ndarray, wrong: np.ndarray, *, held: int, seen: int, boxed: bool = False
) -> Peaks:
    """Make peaks with logits `right` on particles, of which the first are clicked, and `wrong`."""
    points = _grid_points(len(right) + len(wrong))
    logits = np.concatenate([right, wrong])
    box = (np.full(3, -1.0), np.full(3, 1e3))
    return Peaks(
        points,
        (1 / (1 + np.exp(-logits))).astype(np.float32),
        points[:held],
        points[held : held + seen] if not boxed else points[held : len(right)],
        [box] if boxed else [],
        10.0,
    )


def _f1_at(threshold: float, right: np.ndarray, wrong: np.ndarray) -> float:
    edge = np.log(threshold / (1 - threshold))
    hits, false = (right >= edge).sum(), (wrong >= edge).sum()
    return float(2 * hits / (hits + false + len(right)))


def _best_f1(right: np.ndarray, wrong: np.ndarray) -> float:
    return max(_f1_at(t, right, wrong) for t in np.linspace(0.01, 0.99, 197))


@pytest.mark.parametrize(("separation", "clicks"), [(6.0, 25), (4.0, 25), (2.5, 30), (6.0, 5)])
def test_threshold_from_clicks_alone_is_near_the_best(separation: float, clicks: int) -> None:
    rng = np.random.default_rng(int(separation * 10) + clicks)
    right = rng.normal(separation / 2, 1.0, 150)
    wrong = rng.normal(-separation / 2, 1.0, 400)
    held = clicks // 5 if clicks >= 10 else 0
    verdict = judge([_peaks(right, wrong, held=held, seen=clicks - held)])
    assert _f1_at(verdict.threshold, right, wrong) >= _best_f1(right, wrong) - 0.05


def test_a_fixed_threshold_would_not_do_when_all_scores_are_low() -> None:
    rng = np.random.default_rng(0)
    right, wrong = rng.normal(-2.5, 0.4, 100), rng.normal(-5, 0.4, 300)
    verdict = judge([_peaks(right, wrong, held=5, seen=20)])
    assert _f1_at(0.5, right, wrong) < 0.1
    assert _f1_at(verdict.threshold, right, wrong) > 0.95


def test_score_ranks_heatmaps_by_how_well_they_separate() -> None:
    rng = np.random.default_rng(1)
    right, wrong = rng.normal(0, 1.0, 120), rng.normal(0, 1.0, 300)
    scores = [
        judge([_peaks(right + separation, wrong, held=5, seen=20)]).score
        for separation in (1.0, 2.0, 3.5, 6.0)
    ]
    assert scores == sorted(scores)


def test_f1_in_declared_regions_is_exact() -> None:
    right, wrong = np.array([3.0, 2.0, 1.0, -3.0]), np.array([1.5, -2.0, -2.5])
    verdict = judge([_peaks(right, wrong, held=1, seen=3, boxed=True)])
    assert verdict.metrics["f1"] == pytest.approx(6 / 8)
    assert verdict.metrics["precision"] == pytest.approx(3 / 4)
    assert verdict.metrics["recall"] == pytest.approx(3 / 4)
    assert verdict.score == verdict.metrics["f1"]
    assert 1 / (1 + np.exp(2.0)) < verdict.threshold < 1 / (1 + np.exp(-1.0))


def test_nothing_found_is_a_score_of_nearly_zero() -> None:
    empty = Peaks(NONE, np.empty(0, np.float32), NONE, _grid_points(3), [], 10.0)
    verdict = judge([empty])
    assert verdict.score < 0.05
    assert 0 <= verdict.threshold <= 1


def test_only_declared_regions_prove_a_pick_wrong() -> None:
    right, wrong = np.array([3.0, 2.0]), np.array([1.5, 1.0, -4.0])
    peaks = _peaks(right, wrong, held=1, seen=1, boxed=True)
    np.testing.assert_array_equal(false_picks(peaks, 0.5), peaks.zyx[2:4])
    assert len(false_picks(_peaks(right, wrong, held=1, seen=1), 0.5)) == 0


def test_a_young_network_that_finds_every_click_among_hundreds_of_picks_is_not_the_best() -> None:
    rng = np.random.default_rng(2)
    young = judge([_peaks(rng.normal(-4.5, 0.05, 60), rng.normal(-4.5, 0.05, 400), held=2, seen=8)])
    grown = judge([_peaks(rng.normal(2, 1.0, 60), rng.normal(-3, 1.0, 400), held=2, seen=8)])
    assert young.score < 0.2
    assert young.score < grown.score <= 1.0
