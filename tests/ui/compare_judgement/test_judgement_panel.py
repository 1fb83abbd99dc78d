"""How good A and B are, what they missed, and which checkpoints there are: by clicks and keys."""

from __future__ import annotations

import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget
from tests.ui.conftest import PLACES_ZYX, gaussians

from tomoscribe.evaluation.judgement import Standing
from tomoscribe.picks.table import PickState
from tomoscribe.project.model import Region
from tomoscribe.ui.compare.judge import Judge
from tomoscribe.ui.compare.judgement_panel import JudgementPanel
from tomoscribe.ui.compare.review import Review
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.scores.score_library import ScoreLibrary

WHOLE = Region((0.0, 0.0, 0.0), (16.0, 64.0, 48.0))


@pytest.fixture
def trained(session, fake_worker, edit_of, process_until, qtbot) -> SimpleNamespace:
    """Three of four particles are clicked; the first checkpoint finds two, the second all four."""
    session.edit(edit_of(PLACES_ZYX[:3]))
    fake_worker.begin()
    names = []
    for heights in ([0.7, 0.5, 0.05, 0.05], [0.95, 0.9, 0.8, 0.45]):
        fake_worker.train(10)
        fake_worker.validate(float(np.mean(heights)), threshold=0.4)
        fake_worker.keep(float(np.mean(heights)))
        fake_worker.preview(gaussians(PLACES_ZYX, heights))
        names.append(fake_worker.name)
    holder = QWidget()
    panel = JudgementPanel(session)
    QVBoxLayout(holder).addWidget(panel)
    qtbot.addWidget(holder)
    holder.resize(340, 900)
    holder.show()
    panel.set_seen(True)
    session.run = fake_worker.run
    judge, sides = Judge.of(session), Sides.of(session)
    qtbot.mouseClick(panel.fold, Qt.MouseButton.LeftButton)
    process_until(lambda: judge.side("a") and judge.side("b"), "both sides to be judged")
    review = Review.of(session)
    review.show(True)
    review.find(sides.source)
    process_until(lambda: review.comparison is not None, "proposals")
    review.set_threshold(0.4)
    return SimpleNamespace(
        panel=panel, holder=holder, session=session, worker=fake_worker, names=names,
        judge=judge, sides=sides, review=review,
    )  # fmt: skip


def steps(trained) -> list[tuple[str, float]]:
    return [(str(s.standing), round(s.score, 1)) for s in trained.panel.matches.model.steps]


def settled(trained, process_until) -> None:
    process_until(lambda: not trained.judge.busy, "the judgement")


def test_each_side_is_told_in_one_line_at_its_threshold(trained) -> None:
    a, b = (trained.panel.words[letter].text() for letter in "ab")
    source = f"{trained.worker.run.name}/{trained.names[0]}"
    assert f"{source}: F1 0.80 at 0.4 · 2 proposed · 2 of 3 found" in a
    assert "4 proposed · 3 of 3 found · 1 not judged yet" in b
    assert "Nothing here is declared complete" in trained.panel.notes.text()
    assert "saw 3 of the 3 picks" in trained.panel.notes.text()


def test_in_a_declared_region_figures_are_exact(trained, session, process_until) -> None:
    session.set_regions([WHOLE])
    process_until(lambda: "F1 0.86 at 0.4" in trained.panel.words["b"].text(), "exact figures")
    assert "best F1 1.00 at" in trained.panel.words["b"].text()
    assert "every extra proposal is wrong" in trained.panel.notes.text()
    assert steps(trained) == [("wrong", 0.4)]


def test_figures_curves_and_list_follow_the_threshold_of_the_side_in_view(trained) -> None:
    before = trained.panel.words["a"].text()
    trained.review.set_threshold(0.85)
    assert "2 proposed · 2 of 3 found" in trained.panel.words["b"].text()
    assert trained.panel.words["a"].text() == before
    assert steps(trained) == [("missed", 0.8)]
    trained.review.set_threshold(0.4)
    assert steps(trained) == [("not judged", 0.4)]
    x, y = trained.panel.curves.line("b", "count")
    assert (len(x), max(y)) == (4, 4)
    recall, precision = trained.panel.curves.line("a", "pr")
    assert recall == pytest.approx([1 / 3, 2 / 3, 1, 1], abs=0.01) or max(recall) == 1
    assert max(precision) == 1


def test_new_clicks_are_judged_by_at_once(trained, session, edit_of, process_until) -> None:
    session.edit(edit_of(PLACES_ZYX[3:]))
    process_until(lambda: "4 of 4 found" in trained.panel.words["b"].text(), "the new click")
    assert "2 of 4 found" in trained.panel.words["a"].text()


def looks(layer) -> list[tuple[str, bool, bool]]:
    """Return symbol, whether filled and whether bordered, of the marks that are shown."""
    rows = zip(layer.symbol, layer.face_color, layer.border_color, layer.shown, strict=True)
    return [(str(s), f[3] > 0, b[3] > 0) for s, f, b, shown in rows if shown]


def test_matches_are_told_apart_by_colour_and_by_shape(trained, session, qtbot) -> None:
    disc, cross, ring = ("disc", True, False), ("x", True, False), ("disc", False, True)
    trained.panel.matches.coloured.setChecked(True)
    trained.review.set_threshold(0.85)
    layer = session.viewer.layers["matches"]
    assert looks(layer) == [disc, disc, cross]
    np.testing.assert_allclose(layer.data[layer.shown][-1], PLACES_ZYX[2])
    assert len(np.unique(layer.face_color[layer.shown], axis=0)) == 2
    assert session.viewer.layers.selection.active is not layer
    trained.review.set_threshold(0.4)
    assert looks(layer) == [disc, disc, disc, ring]
    session.viewer.layers.remove(layer)
    trained.review.set_threshold(0.85)
    assert looks(session.viewer.layers["matches"]) == [disc, disc, cross]
    trained.panel.matches.coloured.setChecked(False)
    assert not session.viewer.layers["matches"].visible


def test_f_steps_through_missed_and_extra_and_flies_there(trained, session) -> None:
    trained.review.set_threshold(0.42)
    session.set_regions([])
    session.actions["next_mismatch"]()
    step = trained.panel.matches.current
    assert step.standing is Standing.OPEN
    world = session.layer.data_to_world(step.zyx)
    np.testing.assert_allclose(session.viewer.dims.point, world, atol=5)
    trained.review.set_threshold(0.85)
    session.actions["next_mismatch"]()
    assert trained.panel.matches.current.standing is Standing.MISSED
    np.testing.assert_allclose(trained.panel.matches.current.zyx, PLACES_ZYX[2])
    session.actions["previous_mismatch"]()
    assert trained.panel.matches.current is not None


def test_an_extra_can_be_accepted_or_rejected_at_once(trained, session, process_until) -> None:
    session.actions["next_mismatch"]()
    assert trained.review.current is not None
    trained.review.reject()
    rejected = session.entry.picks.select(state=PickState.REJECTED)
    np.testing.assert_allclose(rejected[0].zyx, PLACES_ZYX[3], atol=1.5)
    process_until(lambda: steps(trained) == [("wrong", 0.4)], "the answer to count")
    session.undo()
    process_until(lambda: steps(trained) == [("not judged", 0.4)], "the undo")


def test_nothing_is_judged_while_it_is_folded(trained, session, edit_of, process_until) -> None:
    trained.panel.fold.click()
    settled(trained, process_until)
    assert trained.judge.side("a") is None
    session.edit(edit_of(PLACES_ZYX[3:]))
    assert not trained.judge.busy
    said = []
    session.status_message.connect(said.append)
    session.actions["next_mismatch"]()
    assert said[0].startswith("Nothing is judged yet")
    assert not trained.panel.matches.next.isEnabled()


def test_return_in_the_table_makes_a_row_side_a_and_shift_side_b(
    trained, qtbot, process_until
) -> None:
    table = trained.panel.table
    process_until(lambda: table.model.rowCount() == 2, "the rows")
    assert not table.as_a.isEnabled()
    table.view.selectRow(1)
    qtbot.keyClick(table.view, Qt.Key.Key_Return)
    assert trained.sides.a.name == trained.names[1]
    table.view.selectRow(0)
    qtbot.keyClick(table.view, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    assert trained.sides.b.name == trained.names[0]
    marks = [table.model.data(table.model.index(i, 0)) for i in range(2)]
    assert marks == ["B", "A"]
    process_until(
        lambda: trained.judge.side("a") is not None and trained.judge.side("b") is not None,
        "both to be judged",
    )
    assert "3 of 3 found" in trained.panel.words["a"].text()
    assert "2 of 3 found" in trained.panel.words["b"].text()


def test_a_class_that_the_checkpoint_does_not_know_is_said(trained, session, process_until) -> None:
    feed = trained.judge._feed
    feed.layer.class_name = "proteasome"
    feed.changed.emit()
    process_until(lambda: "does not know" in trained.panel.words["a"].text(), "the sentence")
    assert "does not know proteasome, only ribosome" in trained.panel.words["a"].text()


def test_without_picks_the_panel_says_that_there_is_nothing_to_judge_by(
    trained, session, process_until
) -> None:
    for _ in range(1):
        session.undo()
    process_until(lambda: "no accepted picks" in trained.panel.words["b"].text(), "the words")
    assert "nothing to judge by" in trained.panel.notes.text()
    assert trained.panel.curves.line("b", "pr") == ([], [])


def test_all_that_validate_are_judged_together_once_they_are_there(
    trained, session, project, process_until
) -> None:
    panel = trained.panel
    panel.scope.setCurrentIndex(1)
    panel.scope.activated.emit(1)
    process_until(lambda: "No sample with picks" in panel.progress.text(), "the reason")
    project.edit("two", project.tomograms["two"].picks.make_add(PLACES_ZYX, "ribosome"))
    trained.judge.changed.emit()
    process_until(lambda: "0 of 2 predictions" in panel.progress.text(), "the progress")
    for name, heights in zip(trained.names, ([0.9, 0.1, 0.1, 0.1], [0.9] * 4), strict=True):
        trained.worker.step = int(name[-6:])
        trained.worker.preview(gaussians(PLACES_ZYX, heights), "two")
    ScoreLibrary.of(session).poll()
    process_until(lambda: "4 of 4 found" in panel.words["b"].text(), "the judgement")
    process_until(lambda: "1 of 4 found" in panel.words["a"].text(), "the other")
    assert panel.progress.text() == ""
    assert "never saw these picks" in panel.notes.text()


def test_a_run_that_is_deleted_leaves_no_figures_and_no_crash(
    trained, session, process_until
) -> None:
    process_until(lambda: trained.panel.table.model.rowCount() == 2, "the rows")
    shutil.rmtree(trained.worker.run.path)
    ScoreLibrary.of(session).poll()
    trained.panel.table.refresh()
    process_until(lambda: trained.panel.table.model.rowCount() == 0, "the rows to go")
    assert trained.panel.table.empty.isVisible()


def test_figures_of_a_sample_that_was_left_are_not_told_of_the_next(trained, session) -> None:
    assert trained.judge.figures("b") is not None
    session.set_current("two")
    assert trained.judge.figures("b") is None


def test_marks_go_with_the_dock_that_showed_them(trained, session) -> None:
    trained.panel.matches.coloured.setChecked(True)
    layer = session.viewer.layers["matches"]
    assert layer.visible
    trained.panel.set_seen(False)
    assert not layer.visible
