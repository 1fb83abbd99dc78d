from __future__ import annotations

import math

import numpy as np
import pytest

from tomoscribe.evaluation.review_score import Advice, RunningScore, wilson


def alternating(share: float, count: int) -> list[bool]:
    """Return answers of which each stretch holds this share of yes."""
    ends = np.floor(np.arange(1, count + 1) * share + 1e-9)
    return [bool(v) for v in np.diff(np.concatenate([[0], ends]))]


def test_precision_is_that_of_the_last_fifty_answers_only() -> None:
    score = RunningScore.of([False] * 30 + alternating(0.8, 50))
    assert (score.right, score.count) == (40, 50)
    assert score.precision == pytest.approx(0.8)
    curve = score.curve()
    assert len(curve) == 80
    assert curve[29] == 0
    assert curve[-1] == pytest.approx(0.8)
    assert curve[49] == pytest.approx(16 / 50)


def test_few_answers_say_how_little_they_tell() -> None:
    none = RunningScore.of([])
    assert math.isnan(none.precision)
    assert none.interval() == (0.0, 1.0)
    assert len(none.curve()) == 0
    low, high = RunningScore.of([True] * 5).interval()
    assert low == pytest.approx(0.566, abs=0.002)  # 5 of 5 is no proof of 100 %
    assert high == 1.0
    assert RunningScore.of([True] * 99).advice() is Advice.FEW


def test_the_interval_is_wilsons() -> None:
    # statsmodels.stats.proportion.proportion_confint(40, 50, method="wilson")
    assert wilson(40, 50) == pytest.approx((0.6696, 0.8876), abs=2e-4)


@pytest.mark.parametrize(
    ("before", "last", "said"),
    [
        (0.94, 0.96, Advice.ENOUGH),
        (0.96, 0.9, Advice.ENOUGH),
        (0.6, 0.66, Advice.STUCK),
        (0.6, 0.84, Advice.IMPROVES),
        (0.9, 0.6, Advice.WORSENS),
        (0.0, 0.0, Advice.STUCK),
        (1.0, 1.0, Advice.ENOUGH),
    ],
)
def test_labelling_stops_paying_when_two_windows_agree_within_chance(before, last, said) -> None:
    answers = [True] * 20 + alternating(before, 50) + alternating(last, 50)
    assert RunningScore.of(answers).advice() is said


def test_equal_quality_is_rarely_taken_for_a_change() -> None:
    rng = np.random.default_rng(1)
    advice = [RunningScore.of(rng.random(100) < 0.7).advice() for _ in range(400)]
    changed = sum(a in {Advice.IMPROVES, Advice.WORSENS} for a in advice)
    assert changed / 400 < 0.09  # 5 % by construction
