from __future__ import annotations

import numpy as np

from tomoscribe.evaluation.proposals import Proposals
from tomoscribe.picks.table import JUNK, Pick, PickState
from tomoscribe.ui.compare.review_order import Order, both_sides, in_order
from tomoscribe.ui.scores.proposals import Comparison

PLACES = np.array([[5.0, 10.0 * i, 5.0] for i in range(5)])


def proposals(scores: list[float], places: np.ndarray = PLACES, source: str = "A") -> Proposals:
    rows = places[: len(scores)]
    return Proposals(source, "ribo", 6.0, rows, np.array(scores, np.float32))


def table(scores: dict[int, float]):
    """Return a look-up of the score at the places by their number; 0 elsewhere."""
    return lambda zyx: np.array([scores.get(round(p[1] / 10), 0.0) for p in zyx], np.float32)


def test_the_best_come_first_when_asked_and_answered_ones_never() -> None:
    picks = (Pick(1, (5.0, 0.0, 5.0), "ribo"),)
    comparison = Comparison(proposals([0.9, 0.8, 0.5, 0.3]), picks)
    assert in_order(comparison, 0.5, Order.BEST, None).tolist() == [1, 2, 3]
    assert in_order(comparison, 0.5, Order.UNSURE, None).tolist() == [2, 3, 1]


def test_junk_answers_the_proposals_of_every_class() -> None:
    junk = (Pick(1, (5.0, 0.0, 5.0), JUNK, state=PickState.REJECTED),)
    assert Comparison(proposals([0.9, 0.8]), junk).open.tolist() == [False, True]


def test_disagreement_is_what_one_side_alone_proposes_the_strongest_first() -> None:
    own = proposals([0.9, 0.8, 0.6, 0.2, 0.1])
    other = proposals([0.85, 0.3, 0.05, 0.9], source="B")
    at = ({0: 0.9, 1: 0.8, 2: 0.6, 3: 0.2, 4: 0.1}, {0: 0.85, 1: 0.3, 2: 0.05, 3: 0.9})
    both = both_sides(own, other, 0.5, (table(at[0]), table(at[1])))
    comparison = Comparison(both.proposals, ())
    order = in_order(comparison, 0.5, Order.DISAGREE, both)
    assert [round(p[1] / 10) for p in both.proposals.zyx[order]] == [3, 2, 1]
    assert both.credit(int(order[0]), 0.5)[0] == "B"
    assert both.credit(int(order[1]), 0.5) == ("A", np.float32(0.6))


def test_what_the_side_in_view_has_no_peak_of_is_asked_too() -> None:
    own = proposals([0.9])
    other = Proposals("B", "ribo", 6.0, PLACES[[3, 4]], np.array([0.8, 0.3], np.float32))
    both = both_sides(own, other, 0.5, (table({0: 0.9, 3: 0.004}), table({3: 0.8})))
    assert len(both.proposals) == 2  # the one below the other's threshold is none of its proposals
    np.testing.assert_allclose(both.proposals.scores, [0.9, 0.004])
    order = in_order(Comparison(both.proposals, ()), 0.5, Order.DISAGREE, both)
    assert len(order) == 2
    nothing = Proposals("A", "ribo", 6.0, np.zeros((0, 3)), np.zeros(0, np.float32))
    both = both_sides(nothing, other, 0.5, (table({}), table({3: 0.8})))
    assert both.proposals.zyx.tolist() == [PLACES[3].tolist()]


def test_without_another_side_nothing_disagrees() -> None:
    comparison = Comparison(proposals([0.9]), ())
    assert len(in_order(comparison, 0.5, Order.DISAGREE, None)) == 0
