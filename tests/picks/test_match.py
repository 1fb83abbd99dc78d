from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from tomoscribe.picks.match import best_f1, match_picks, pr_curve, precision_recall_f1


def optimum(found: np.ndarray, truth: np.ndarray, tolerance: float) -> tuple[int, float]:
    """Return pairs and sum of distances of the optimal matching, by the dense method."""
    distances = cdist(found, truth)
    i, j = linear_sum_assignment(np.where(distances <= tolerance, distances, 1e6))
    good = distances[i, j] <= tolerance
    return int(good.sum()), float(distances[i, j][good].sum())


def cloud(seed: int, n: int, m: int, size: float = 20.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.uniform(0, size, (n, 3)), rng.uniform(0, size, (m, 3))


@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(1, 40), st.floats(0.1, 15))
def test_the_matching_is_the_optimal_one(seed: int, n: int, m: int, tolerance: float) -> None:
    found, truth = cloud(seed, n, m)
    matching = match_picks(found, truth, tolerance)
    count, total = optimum(found, truth, tolerance)
    assert len(matching.pairs) == count
    assert matching.distances.sum() == pytest.approx(total)
    assert (matching.distances <= tolerance).all()
    assert len(set(matching.pairs[:, 0])) == len(set(matching.pairs[:, 1])) == count


def test_more_pairs_beat_nearer_pairs() -> None:
    found = np.array([[0, 0, 0], [0, 0, 1.0]])
    truth = np.array([[0, 0, 0.9], [0, 0, 3.5]])
    matching = match_picks(found, truth, 3.0)
    assert matching.pairs.tolist() == [[0, 0], [1, 1]]


def test_equal_positions_match_even_with_no_tolerance() -> None:
    points = np.array([[1, 2, 3.0], [4, 5, 6]])
    matching = match_picks(points, points[::-1], 0.0)
    assert matching.pairs.tolist() == [[0, 1], [1, 0]]
    assert matching.f1 == 1.0


@pytest.mark.parametrize(("n", "m"), [(0, 0), (0, 3), (3, 0)])
def test_nothing_to_match_gives_zeros(n: int, m: int) -> None:
    matching = match_picks(np.zeros((n, 3)), np.zeros((m, 3)), 1.0)
    assert (matching.precision, matching.recall, matching.f1) == (0.0, 0.0, 0.0)
    assert matching.extra.tolist() == list(range(n))
    assert matching.missed.tolist() == list(range(m))
    assert best_f1(np.zeros((n, 3)), np.zeros(n), np.zeros((m, 3)), 1.0).f1 == 0.0


def test_extra_and_missed_are_what_no_pair_has() -> None:
    found = np.array([[0, 0, 0], [50, 0, 0.0]])
    truth = np.array([[90, 0, 0], [0, 0, 1.0]])
    matching = match_picks(found, truth, 2.0)
    assert matching.extra.tolist() == [1]
    assert matching.missed.tolist() == [0]
    assert precision_recall_f1(found, truth, 2.0) == (0.5, 0.5, 0.5)


def test_ten_thousand_picks_are_matched() -> None:
    truth, _ = cloud(0, 10_000, 1, size=300)
    found = truth + np.random.default_rng(1).normal(0, 1, truth.shape)
    matching = match_picks(found, truth, 5.0)
    assert matching.recall > 0.9


def test_a_threshold_does_not_part_equal_scores() -> None:
    truth = np.array([[0, 0, 0.0]])
    found = np.array([[0, 0, 0], [9, 9, 9.0]])
    curve = pr_curve(found, np.array([0.5, 0.5]), truth, 1.0)
    assert curve.thresholds.tolist() == [0.5]
    assert curve.precision.tolist() == [0.5]
    assert curve.counts.tolist() == [2]


def test_the_best_threshold_parts_true_from_false() -> None:
    truth = np.array([[0, 0, 0], [0, 0, 10.0]])
    found = np.array([[0, 0, 10], [0, 0, 0], [0, 0, 20], [0, 0, 30.0]])
    best = best_f1(found, np.array([0.9, 0.8, 0.3, 0.2]), truth, 1.0)
    assert (best.f1, best.threshold, best.precision, best.recall) == (1.0, 0.8, 1.0, 1.0)
    assert best.count == 2


@pytest.fixture(scope="module")
def judge(shared: Path) -> ModuleType:
    path = shared / "bench" / "tomogram" / "score_picks.py"
    if not path.is_file():
        pytest.skip(f"no {path}")
    spec = importlib.util.spec_from_file_location("score_picks", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("seed", range(8))
def test_figures_agree_with_the_benchmark_judge(judge: ModuleType, seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0, 60, (80, 3))
    found = np.concatenate([truth[:60] + rng.normal(0, 1.5, (60, 3)), rng.uniform(0, 60, (70, 3))])
    scores = np.round(rng.random(len(found)), 2 if seed % 2 else 6)
    expected = judge.evaluate(np.column_stack([found, scores]), truth, 4.0, threshold=0.4)
    best = best_f1(found, scores, truth, 4.0)
    assert best.f1 == pytest.approx(expected["best_f1"])
    assert best.threshold == pytest.approx(expected["best_f1_threshold"])
    assert best.precision == pytest.approx(expected["best_f1_precision"])
    assert best.recall == pytest.approx(expected["best_f1_recall"])
    curve = pr_curve(found, scores, truth, 4.0)
    assert curve.average_precision == pytest.approx(expected["ap"])
    matching = match_picks(found[scores >= 0.4], truth, 4.0)
    assert matching.precision == pytest.approx(expected["precision"])
    assert matching.recall == pytest.approx(expected["recall"])
    assert matching.f1 == pytest.approx(expected["f1"])
    assert matching.distances.mean() == pytest.approx(expected["mean_distance"])
