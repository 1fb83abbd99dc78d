from __future__ import annotations

import numpy as np
import pytest

from tomoscribe.evaluation.picks import evaluate_picks

TRUTH = np.array([[0, 0, 0], [0, 0, 20], [0, 0, 40.0]])


def test_figures_at_a_threshold_and_at_the_best_one() -> None:
    found = np.array([[0, 0, 1], [0, 0, 20], [0, 9, 9], [0, 0, 42.0]])
    result = evaluate_picks(found, np.array([0.9, 0.8, 0.6, 0.5]), TRUTH, 3.0, threshold=0.6)
    assert (result.found_count, result.truth_count) == (3, 3)
    assert result.precision == pytest.approx(2 / 3)
    assert result.recall == pytest.approx(2 / 3)
    assert result.f1 == pytest.approx(2 / 3)
    assert result.best_f1 == pytest.approx(6 / 7)
    assert result.best_threshold == 0.5
    assert result.average_precision == pytest.approx(2 / 3 + 0.75 / 3)
    assert result.median_distance == pytest.approx(0.5)


def test_picks_without_scores_count_all() -> None:
    result = evaluate_picks(TRUTH, None, TRUTH, 1.0)
    assert (result.f1, result.best_f1, result.average_precision) == (1.0, 1.0, 1.0)
    assert result.threshold is None


def test_a_person_s_pick_among_scored_ones_is_certain() -> None:
    result = evaluate_picks(TRUTH, np.array([0.2, np.nan, 0.9]), TRUTH, 1.0, threshold=0.95)
    assert result.found_count == 1
    assert result.best_threshold == pytest.approx(0.2)


def test_nothing_found_gives_zeros_and_no_distance() -> None:
    result = evaluate_picks(np.zeros((0, 3)), None, TRUTH, 1.0)
    assert (result.precision, result.recall, result.f1, result.average_precision) == (0, 0, 0, 0)
    assert result.median_distance is None
