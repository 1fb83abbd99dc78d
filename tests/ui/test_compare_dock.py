"""Scrubbing checkpoints, choosing a threshold, answering proposals, going on from a checkpoint."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QDockWidget, QMainWindow
from tests.ui.conftest import PLACES_ZYX, gaussians

from tomoscribe.evaluation.proposals import Proposals
from tomoscribe.picks.table import HUMAN, PickState
from tomoscribe.training.status import State
from tomoscribe.ui.compare.compare_dock import CompareDock
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.compare.stops import default_sides
from tomoscribe.ui.runs import starter as starter_module
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.run_record import PreviewedCheckpoint, Quality
from tomoscribe.ui.scores.proposals import Comparison


@pytest.fixture
def trained(session, fake_worker, edit_of, process_until, qtbot) -> SimpleNamespace:
    """Two checkpoints of a run: the first sees two of four particles, the second all of them."""
    session.edit(edit_of(PLACES_ZYX[:1]))
    fake_worker.begin()
    names = []
    for heights in ([0.7, 0.5, 0.05, 0.05], [0.95, 0.9, 0.8, 0.45]):
        fake_worker.train(10)
        fake_worker.validate(float(np.mean(heights)), threshold=0.4)
        fake_worker.keep(float(np.mean(heights)))
        fake_worker.preview(gaussians(PLACES_ZYX, heights))
        names.append(fake_worker.name)
    dock = CompareDock(session)
    qtbot.addWidget(dock)
    dock.show()
    session.run = fake_worker.run
    process_until(lambda: dock.review.proposals is not None, "proposals")
    process_until(lambda: len(dock.sides_panel.checkpoints.checkpoints) == 2, "two checkpoints")
    return SimpleNamespace(dock=dock, session=session, worker=fake_worker, names=names)


def source_of(dock) -> str:
    """Return what the proposals come from, nothing while they are sought."""
    return "" if dock.review.proposals is None else dock.review.proposals.source


def accepted(session) -> int:
    return len(session.entry.picks.select(state=PickState.ACCEPTED))


def test_the_newest_heatmap_proposes_what_is_not_picked_yet(trained, session) -> None:
    assert trained.dock.review.threshold == 0.4
    assert (
        "4</b> proposed by step 20 at 0.4 (its own threshold), 3 of them open; 1 of your 1 picks"
        in trained.dock.proposals_panel.counts.text()
    )
    layer = session.viewer.layers["proposals"]
    assert layer.shown.sum() == 3
    assert (layer.size > 0).sum() == 3


def test_the_slider_switches_heatmap_and_proposals(trained, session, process_until) -> None:
    dock = trained.dock
    dock.sides_panel.checkpoints.step(-2)
    process_until(lambda: source_of(dock).endswith(trained.names[0]), "the older proposals")
    assert "step 10" in dock.sides_panel.checkpoints.label.text()
    assert dock.review.comparison.shown(0.4).sum() == 1
    dock.sides_panel.checkpoints.step(+2)
    process_until(lambda: source_of(dock).endswith(trained.names[1]), "the newest proposals")
    assert "newest" in dock.sides_panel.checkpoints.label.text()


def test_a_new_preview_leaves_the_chosen_checkpoint_in_view(trained, process_until) -> None:
    dock = trained.dock
    dock.sides_panel.checkpoints.show_checkpoint(trained.names[0])
    trained.worker.train(10)
    trained.worker.preview(gaussians(PLACES_ZYX))
    process_until(
        lambda: len(dock.sides_panel.checkpoints.checkpoints) == 3, "the third checkpoint"
    )
    assert dock.sides_panel.checkpoints.name == trained.names[0]


def test_a_partial_preview_says_so_and_leaves_the_slider_with_the_next(
    trained, process_until
) -> None:
    bar, worker = trained.dock.sides_panel.checkpoints, trained.worker
    worker.train(10)
    worker.announce()
    worker.block(gaussians(PLACES_ZYX)[:, :, :16])
    process_until(lambda: "50% computed" in bar.label.text(), "the coverage")
    assert [c.name for c in bar.checkpoints][:2] == trained.names
    assert Sides.of(trained.session).a.name == trained.names[0]  # B is what grows
    worker.train(10)
    worker.preview(gaussians(PLACES_ZYX))
    process_until(lambda: bar.checkpoints[-1].name == worker.name, "the next preview")
    process_until(lambda: "computed" not in bar.label.text(), "all of it")
    kept = [*trained.names, worker.name]
    process_until(lambda: [c.name for c in bar.checkpoints] == kept, "the partial one to go")


def test_nothing_is_compared_while_the_dock_is_hidden(trained, session, edit_of) -> None:
    dock, layer = trained.dock, session.viewer.layers["proposals"]
    dock.hide()
    assert not layer.visible
    before = dock.review.comparison
    session.edit(edit_of(PLACES_ZYX[1:2]))
    assert dock.review.comparison is before
    dock.show()
    assert layer.visible
    assert dock.review.comparison.shown(0.4).sum() == 2
    assert "2 of them open" in dock.proposals_panel.counts.text()


def test_a_dock_behind_another_tab_does_no_work(trained, session, edit_of, qtbot) -> None:
    window, dock = QMainWindow(), trained.dock
    qtbot.addWidget(window)
    ours, other = QDockWidget("ours"), QDockWidget("other")
    ours.setWidget(dock)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, ours)
    window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, other)
    window.tabifyDockWidget(ours, other)
    window.show()
    layer = session.viewer.layers["proposals"]
    for front in (ours, other):
        front.raise_()
        qtbot.waitUntil(lambda front=front: layer.visible is (front is ours))
    before = dock.review.comparison
    session.edit(edit_of(PLACES_ZYX[1:2]))
    assert dock.review.comparison is before
    session.actions["next_uncertain"]()
    qtbot.waitUntil(lambda: layer.visible)
    dock.setParent(None)  # it has another owner, which closes it


def test_rings_keep_their_colour_when_proposals_are_replaced(trained, session) -> None:
    review, layer = trained.dock.review, session.viewer.layers["proposals"]
    review.next()
    assert (layer.border_color[review.current] == 1).all()
    old = review.proposals
    review.current = None
    many = Proposals("x", old.class_name, 5.0, np.tile(old.zyx, (3, 1)), np.tile(old.scores, 3))
    review.take(Comparison(many, ()))
    assert len(layer.data) == 3 * len(old)
    assert len(np.unique(layer.border_color, axis=0)) == 1
    assert len(layer.features) == len(many)


def test_dragging_the_threshold_shows_and_hides_proposals_at_once(trained, session, qtbot) -> None:
    histogram = trained.dock.proposals_panel.histogram
    histogram.resize(220, 84)
    layer = session.viewer.layers["proposals"]
    for x, count in ((205, 0), (178, 2), (60, 3)):
        qtbot.mousePress(histogram, Qt.MouseButton.LeftButton, pos=QPoint(x, 30))
        assert layer.shown.sum() == count, x
    histogram.mouseDoubleClickEvent(None)
    assert histogram.threshold == 0.4


def test_the_users_threshold_stays_when_the_checkpoint_changes(trained, process_until) -> None:
    dock = trained.dock
    dock.proposals_panel.histogram.set_threshold(0.85)
    dock.sides_panel.checkpoints.step(-1)
    process_until(lambda: source_of(dock).endswith(trained.names[1]), "proposals")
    assert dock.review.threshold == 0.85


def test_next_flies_to_the_least_sure_and_accept_makes_it_a_pick(trained, session) -> None:
    session.actions["next_uncertain"]()
    review = trained.dock.review
    assert review.current is not None
    np.testing.assert_allclose(review.proposals.zyx[review.current], PLACES_ZYX[3], atol=1.5)
    before = accepted(session)
    session.actions["accept"]()
    assert accepted(session) == before + 1
    made = session.entry.picks.select(state=PickState.ACCEPTED)[-1]
    assert made.source == f"{trained.worker.run.name}/{trained.names[1]}"
    assert made.score == pytest.approx(0.45, abs=0.05)
    assert "1 accepted, 0 rejected" in trained.dock.review_panel.answers.text()
    session.undo()
    assert review.comparison.open.sum() == 3


def test_reject_stores_a_hard_negative_and_goes_on(trained, session) -> None:
    session.actions["next_uncertain"]()
    session.actions["reject"]()
    rejected = session.entry.picks.select(state=PickState.REJECTED)
    assert len(rejected) == 1
    assert rejected[0].source != HUMAN
    assert trained.dock.review.current is not None
    for _ in range(2):
        session.actions["accept"]()
    said = []
    session.status_message.connect(said.append)
    session.actions["accept"]()
    assert said == ["Nothing to review: no proposal is open."]


def test_accept_all_above_is_one_step_of_undo(trained, session, qtbot) -> None:
    trained.dock.proposals_panel.histogram.set_threshold(0.7)
    assert trained.dock.proposals_panel.accept_all.text() == "Accept all 2 above"
    qtbot.mouseClick(trained.dock.proposals_panel.accept_all, Qt.MouseButton.LeftButton)
    assert accepted(session) == 3
    assert not trained.dock.proposals_panel.accept_all.isEnabled()
    session.undo()
    assert accepted(session) == 1


def test_each_checkpoint_has_its_own_threshold_until_the_user_moves_it(
    trained, process_until
) -> None:
    dock, worker = trained.dock, trained.worker
    worker.train(10)
    worker.validate(0.9, threshold=0.6)
    worker.preview(gaussians(PLACES_ZYX))
    process_until(
        lambda: len(dock.sides_panel.checkpoints.checkpoints) == 3, "the third checkpoint"
    )
    process_until(lambda: dock.review.threshold == 0.6, "the newest threshold")
    dock.sides_panel.checkpoints.show_checkpoint(trained.names[0])
    feed = RunMonitor.of(trained.session).feed
    older = f"{trained.worker.run.name}/{trained.names[0]}"
    process_until(lambda: feed.layer.shown == older, "the older heatmap")
    assert source_of(dock) == "" or source_of(dock).endswith(trained.names[0])
    process_until(lambda: source_of(dock).endswith(trained.names[0]), "the older proposals")
    assert dock.review.threshold == 0.4
    assert "proposed by step 10 at 0.4 (its own threshold)" in dock.proposals_panel.counts.text()
    dock.proposals_panel.histogram.set_threshold(0.7)
    assert "at 0.7 (yours)" in dock.proposals_panel.counts.text()


def test_blinking_begins_with_the_best_checkpoint_that_was_kept() -> None:
    def checkpoint(step: int, value: float, *, kept: bool) -> PreviewedCheckpoint:
        path = f"c{step}.ckpt" if kept else None
        return PreviewedCheckpoint(
            f"c{step}", step, 1.0 * step, Quality(step, "F1", value), False, path
        )

    one, two = checkpoint(2, 0.9, kept=False), checkpoint(10, 0.7, kept=True)
    three, four = checkpoint(20, 0.5, kept=True), checkpoint(30, 0.6, kept=True)
    assert default_sides([one, two, three, four]) == (1, 3)
    assert default_sides([one, three, checkpoint(40, 0.1, kept=False)]) == (1, 2)
    assert default_sides([one, four]) == (0, 1)
    assert default_sides([]) == (0, -1)


def test_checkpoints_that_score_the_same_are_not_compared_where_others_can_be() -> None:
    def checkpoint(step: int, value: float | None, *, best: bool = False) -> PreviewedCheckpoint:
        quality = None if value is None else Quality(step, "IoU+AP", value)
        return PreviewedCheckpoint(f"c{step}", step, 1.0, quality, best, f"c{step}.ckpt")

    young, first, good = checkpoint(1, None), checkpoint(50, 0.61), checkpoint(200, 0.93)
    nearly, last = checkpoint(338, 0.998), checkpoint(339, 1.0, best=True)
    assert default_sides([young, first, good, nearly, last]) == (2, 4)
    assert default_sides([young, checkpoint(50, 1.0), nearly, last]) == (1, 3)
    better = checkpoint(300, 1.0, best=True)
    assert default_sides([first, better, checkpoint(310, 0.9)]) == (1, 2)


def test_blinking_shows_a_and_b_in_turn(trained, session, process_until) -> None:
    sides, bar = Sides.of(session), trained.dock.sides_panel.checkpoints
    feed = RunMonitor.of(session).feed
    assert (sides.a.name, sides.b.name) == tuple(trained.names)
    session.actions["blink"]()
    assert sides.letter_in_view == "a"  # the other one than was in view
    assert bar.label.text().startswith("<b>A: step 10")
    older = f"{trained.worker.run.name}/{trained.names[0]}"
    process_until(lambda: feed.layer.shown == older, "side A")
    process_until(lambda: feed.layer.shown is None, "the timer to flip to the newest")
    assert bar.label.text().startswith("<b>B: newest: step 20")
    process_until(lambda: feed.layer.shown == older, "the timer to flip back")
    session.actions["blink"]()
    assert sides.mode == "b"


def test_continue_training_starts_from_the_checkpoint_in_view(
    trained, session, process_until, monkeypatch
) -> None:
    assert not trained.dock.actions_row.go_on.isEnabled()
    assert "A training goes on" in trained.dock.actions_row.go_on.toolTip()
    assert "A training goes on" in trained.dock.actions_row.why_no_start.text()
    trained.worker.beat(State.STOPPED)
    process_until(lambda: trained.dock.actions_row.go_on.isEnabled(), "the button")
    assert not trained.dock.actions_row.why_no_start.isVisibleTo(trained.dock)
    configs = []

    def launch(config, runs_dir, control=None):
        configs.append(config)
        return trained.worker.run

    monkeypatch.setattr(starter_module.sweep.launch, "launch", launch)
    trained.dock.sides_panel.checkpoints.show_checkpoint(trained.names[0])
    trained.dock.actions_row.go_on.click()
    process_until(lambda: configs, "the start")
    assert configs[0].start_from == str(trained.worker.run.checkpoint_path(trained.names[0]))


def test_without_scores_the_dock_says_what_to_do(session, qtbot) -> None:
    dock = CompareDock(session)
    qtbot.addWidget(dock)
    dock.show()
    assert "There are no scores yet" in dock.proposals_panel.counts.text()
    assert not dock.proposals_panel.accept_all.isEnabled()
    assert dock.review_panel.next.toolTip().startswith("There are no scores yet")
