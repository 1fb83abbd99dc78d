"""Where to label next, and uncertainty as a layer."""

from __future__ import annotations

import numpy as np
from tests.ui.conftest import BIN, PLACES_ZYX, gaussians

from tomoscribe.project.model import Region
from tomoscribe.training.previews import encode_scores
from tomoscribe.ui.compare.next_place import ALL_SEEN, NextPlace
from tomoscribe.ui.compare.review_panel import ReviewPanel
from tomoscribe.ui.compare.uncertainty_layer import UncertaintyLayer
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.scores.score_map import NO_SCORES, ScoreGrid


def center(session) -> np.ndarray:
    return np.array(session.focus().center_zyx)


def press(compared, process_until) -> np.ndarray:
    """Press L and return where it flew to."""
    compared.session.actions["next_place"]()
    process_until(lambda: not NextPlace.of(compared.session).busy, "the place")
    return center(compared.session)


def show(compared, heights: list[float], process_until) -> None:
    """Let the training bring another preview, and show it."""
    worker = compared.worker
    worker.train(10)
    worker.preview(gaussians(PLACES_ZYX, np.array(heights)))
    review = compared.review
    process_until(
        lambda: review.proposals is not None and review.proposals.source.endswith(worker.name),
        "the new proposals",
    )


def test_the_place_is_unsure_and_not_near_a_label(compared, process_until) -> None:
    show(compared, [0.4, 0.99, 0.99, 0.4], process_until)  # the first of these is clicked
    flown = press(compared, process_until)
    assert np.linalg.norm(flown - PLACES_ZYX[3]) < 8
    assert "a label tells most" in compared.messages[-1].lower()


def test_no_place_comes_twice_until_the_map_changes(compared, process_until) -> None:
    seen = []
    while ALL_SEEN not in compared.messages:
        seen.append(press(compared, process_until))
        assert len(seen) < 20
    seen.pop()  # the last press only said that there is none
    assert seen
    apart = np.linalg.norm(np.array(seen)[:, None] - np.array(seen)[None], axis=-1)
    assert (apart[np.triu_indices(len(seen), 1)] > 1).all()
    compared.messages.clear()
    show(compared, [0.4, 0.4, 0.5, 0.45], process_until)
    press(compared, process_until)
    assert ALL_SEEN not in compared.messages


def test_declared_regions_are_not_asked_for(compared, process_until) -> None:
    compared.session.set_regions([Region((-0.5, -0.5, -0.5), (15.5, 63.5, 47.5))])
    press(compared, process_until)
    assert compared.messages[-1] == ALL_SEEN


def test_without_scores_l_says_what_to_do(session, qtbot) -> None:
    said: list[str] = []
    session.status_message.connect(said.append)
    NextPlace.of(session).go()
    assert "no scores yet" in said[-1]


def test_the_layer_is_brightest_where_the_score_is_at_the_threshold(
    compared, process_until, qtbot
) -> None:
    session, panel = compared.session, compared.panel
    active = session.viewer.layers.selection.active
    panel.show_unsure.setChecked(True)
    layer = session.viewer.layers["uncertainty"]
    process_until(lambda: layer.data.size > 1, "the values")
    assert session.viewer.layers.selection.active is active
    np.testing.assert_allclose(layer.scale, np.array(session.layer.scale) * BIN)
    peaks = np.rint((PLACES_ZYX - 0.5) / BIN).astype(int)
    unsure = layer.data[tuple(peaks.T)]
    assert unsure[3] > 240  # scores 0.45 at a threshold of 0.4
    assert unsure[1] < unsure[3]
    compared.dock.proposals_panel.histogram.set_threshold(0.9)
    process_until(lambda: layer.data[tuple(peaks.T)][1] > 240, "the new threshold")
    panel.show_unsure.setChecked(False)
    assert not layer.visible
    panel.show_unsure.setChecked(True)
    process_until(lambda: layer.visible and layer.data.size > 1, "the values again")
    panel.show_unsure.setChecked(False)
    session.close_project()
    assert "uncertainty" not in session.viewer.layers


def test_a_layer_that_the_user_deleted_comes_back_with_the_switch(compared, process_until) -> None:
    unsure = UncertaintyLayer.of(compared.session)
    unsure.switch(True)
    process_until(lambda: unsure.layer is not None, "the layer")
    compared.session.viewer.layers.remove("uncertainty")
    unsure.switch(False)
    unsure.switch(True)
    process_until(lambda: unsure.layer is not None, "the layer again")
    unsure.switch(False)


def test_a_checkpoint_that_does_not_know_the_class_is_unsure_of_nothing(compared) -> None:
    scores = encode_scores(gaussians(PLACES_ZYX))
    heat = RunMonitor.of(compared.session).feed.layer
    heat.show("elsewhere", ScoreGrid(scores.shape[1:], BIN, ("another",)), scores)
    compared.session.actions["next_place"]()
    assert compared.messages[-1] == NO_SCORES
    compared.panel.show_unsure.setChecked(True)
    assert not UncertaintyLayer.of(compared.session).busy


def test_without_the_tomogram_in_the_canvas_the_switch_does_no_harm(compared) -> None:
    compared.session.viewer.layers.remove("tomogram")
    compared.panel.show_unsure.setChecked(True)
    assert "uncertainty" not in compared.session.viewer.layers


def test_a_place_of_a_tomogram_that_was_left_meanwhile_is_not_flown_to(
    compared, process_until
) -> None:
    places = NextPlace.of(compared.session)
    compared.session.actions["next_place"]()
    assert places.busy
    compared.session.set_current("two")
    before = center(compared.session)
    process_until(lambda: not places.busy, "the answer")
    np.testing.assert_array_equal(center(compared.session), before)
    assert "tells most here" not in compared.messages[-1]


def test_a_new_dock_knows_that_the_layer_is_on(compared, qtbot) -> None:
    compared.panel.show_unsure.setChecked(True)
    again = ReviewPanel(compared.session, compared.review)
    qtbot.addWidget(again)
    assert again.show_unsure.isChecked()
    again.show_unsure.setChecked(False)
    assert not compared.panel.show_unsure.isChecked()
