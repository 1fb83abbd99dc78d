"""Proposals against the picks that are there, without a viewer."""

from __future__ import annotations

import numpy as np
import pytest

from tomoscribe.evaluation.proposals import Proposals
from tomoscribe.picks.table import PickState, PickTable
from tomoscribe.training.previews import encode_scores
from tomoscribe.ui.scores.proposals import Comparison, propose
from tomoscribe.ui.scores.score_map import ScoreGrid

PLACES = np.array([[8.5, 8.5, 8.5], [8.5, 24.5, 8.5], [8.5, 24.5, 24.5]])
SCORES = np.array([0.9, 0.6, 0.3], np.float32)
DIAMETER = 10.0


@pytest.fixture
def proposals() -> Proposals:
    return Proposals("run/step_1", "ribosome", DIAMETER, PLACES, SCORES)


@pytest.fixture
def table() -> PickTable:
    made = PickTable()
    made.apply(made.make_add([PLACES[0] + 2, [0, 0, 30]], "ribosome"))
    return made


def test_peaks_of_the_stored_heatmap_are_found_at_tomogram_voxels() -> None:
    grid = ScoreGrid((8, 16, 16), 2, ("ribosome",))
    scores = np.zeros((8, 16, 16), np.float32)
    axes = np.indices(scores.shape).reshape(3, -1).T
    for place, top in zip(PLACES, SCORES, strict=True):
        distance = ((axes - (place - 0.5) / 2) ** 2).sum(axis=1).reshape(scores.shape)
        scores = np.maximum(scores, top * np.exp(-distance / 2))
    found = propose(encode_scores(scores), grid, DIAMETER, "ribosome", "here")
    np.testing.assert_allclose(found.zyx, PLACES, atol=0.3)
    np.testing.assert_allclose(found.scores, SCORES, atol=0.005)


def test_own_clicks_are_found_and_no_longer_open(proposals: Proposals, table: PickTable) -> None:
    comparison = Comparison(proposals, tuple(table))
    assert comparison.open.tolist() == [False, True, True]
    assert len(comparison.known) == 2
    assert comparison.found(0.5) == 1
    assert comparison.found(0.95) == 0
    assert comparison.shown(0.5).tolist() == [False, True, False]


def test_a_rejected_place_is_not_proposed_again(proposals: Proposals, table: PickTable) -> None:
    table.apply(table.make_add(PLACES[1:2], "ribosome", state=PickState.REJECTED, source="run/a"))
    comparison = Comparison(proposals, tuple(table))
    assert comparison.open.tolist() == [False, False, True]
    assert len(comparison.known) == 2


def test_picks_of_another_class_hide_nothing(proposals: Proposals) -> None:
    table = PickTable()
    table.apply(table.make_add(PLACES, "proteasome"))
    assert Comparison(proposals, tuple(table)).open.all()


def test_the_least_sure_comes_first_on_either_side_of_the_threshold(proposals: Proposals) -> None:
    comparison = Comparison(proposals, ())
    assert comparison.by_uncertainty(0.5).tolist() == [1, 2, 0]
    assert comparison.by_uncertainty(0.35).tolist() == [2, 1, 0]


def test_a_place_is_found_again_among_other_proposals(proposals: Proposals) -> None:
    comparison = Comparison(proposals, ())
    assert comparison.nearest_open(PLACES[2] + 1) == 2
    assert comparison.nearest_open((0.0, 0.0, 60.0)) is None


def test_no_proposals_are_no_error() -> None:
    nothing = Proposals("a", "ribosome", DIAMETER, np.empty((0, 3)), np.empty(0, np.float32))
    comparison = Comparison(nothing, ())
    assert comparison.shown(0.5).size == 0
    assert comparison.nearest_open((0, 0, 0)) is None
    assert comparison.found(0.0) == 0
