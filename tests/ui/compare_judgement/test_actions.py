"""*Use this one* and *Report*, from the last rows of the dock."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from qtpy.QtCore import Qt
from tests.ui.conftest import PLACES_ZYX, gaussians

from tomoscribe.project.store import Project
from tomoscribe.ui.compare import report_button
from tomoscribe.ui.compare.compare_actions import CompareActions
from tomoscribe.ui.compare.judge import Judge
from tomoscribe.ui.compare.review import Review
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.scores.score_library import ScoreLibrary


@pytest.fixture
def trained(session, fake_worker, edit_of, process_until, qtbot) -> SimpleNamespace:
    """Two checkpoints, both sides with scores in memory; the weights of the second are lost."""
    session.edit(edit_of(PLACES_ZYX[:3]))
    fake_worker.begin()
    for heights in ([0.7, 0.5, 0.05, 0.05], [0.95, 0.9, 0.8, 0.45]):
        fake_worker.train(10)
        fake_worker.validate(float(np.mean(heights)), threshold=0.4)
        fake_worker.keep(float(np.mean(heights)))
        fake_worker.preview(gaussians(PLACES_ZYX, heights))
    fake_worker.run.checkpoint_path(fake_worker.name).unlink()
    actions = CompareActions(session)
    qtbot.addWidget(actions)
    actions.show()
    session.run = fake_worker.run
    sides, library = Sides.of(session), ScoreLibrary.of(session)
    library.watch(True)
    process_until(lambda: sides.a and sides.b, "both sides")
    for ref in (sides.a, sides.b):
        library.want(ref, "one")
    process_until(
        lambda: all(library.get(ref, "one") for ref in (sides.a, sides.b)), "both sides' scores"
    )
    return SimpleNamespace(actions=actions, sides=sides, worker=fake_worker, library=library)


def test_use_this_one_makes_the_checkpoint_in_view_the_projects_model(
    trained, session, project, qtbot, process_until
) -> None:
    button, line = trained.actions.model.use, trained.actions.model.current
    trained.sides.set_mode("a")
    assert button.isEnabled()
    assert not line.isVisible()
    said = []
    session.status_message.connect(said.append)
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    path = trained.worker.run.checkpoint_path("step_000010")
    process_until(lambda: project.model == path, "the model")
    assert Project.open(project.path, read_only=True).model == path
    name = f"★ {trained.worker.run.name}/step_000010"
    process_until(lambda: line.text() == name, "whose checkpoint it is")
    assert said == [f"{trained.worker.run.name}/step_000010 is the project's current model now."]
    assert button.toolTip() == "It is the current model already."


def test_a_checkpoint_without_weights_cannot_be_used_and_says_why(
    trained, project, process_until
) -> None:
    trained.sides.set_mode("a")
    trained.worker.run.checkpoint_path("step_000010").unlink()
    trained.actions.model.use_in_view()
    process_until(lambda: not trained.actions.model._asker.busy, "the answer")
    assert project.model is None


def test_report_writes_a_page_with_both_sides_and_opens_it_on_request(
    trained, session, project, qtbot, process_until, monkeypatch
) -> None:
    report = trained.actions.report
    report.refresh()
    assert report.write.isEnabled()
    Review.of(session).set_threshold(0.4)
    qtbot.mouseClick(report.write, Qt.MouseButton.LeftButton)
    assert not report.write.isEnabled()
    process_until(lambda: report.path is not None, "the report")
    assert report.path.parent == project.path / "reports"
    text = report.path.read_text(encoding="utf-8")
    run = trained.worker.run.name
    assert f"{run}/step_000010 and {run}/step_000020" in text
    assert "2 proposed · 2 of 3 found" in text
    assert "4 proposed · 3 of 3 found" in text
    assert text.count("data:image/png") == 4
    assert "one, slice 9 of 16" in text or "one, slice 8 of 16" in text
    opened = []
    monkeypatch.setattr(
        report_button.QDesktopServices, "openUrl", lambda url: opened.append(url) or True
    )
    report.written.linkActivated.emit("report")
    assert opened[0].toLocalFile() == str(report.path)


def test_a_report_that_cannot_be_written_is_one_sentence(
    trained, session, project, process_until
) -> None:
    (project.path / "reports").write_text("in the way", encoding="utf-8")
    said = []
    session.status_message.connect(said.append)
    trained.actions.report.write_report()
    process_until(lambda: said, "the sentence")
    assert "cannot be made" in said[0]
    assert trained.actions.report.write.isEnabled()
    assert trained.actions.report.path is None


def test_without_scores_there_is_nothing_to_report_or_use(session, qtbot) -> None:
    actions = CompareActions(session)
    qtbot.addWidget(actions)
    actions.refresh()
    assert "no scores to report" in actions.report.write.toolTip()
    assert "no checkpoint in view" in actions.model.use.toolTip()
    assert Judge.of(session).orders() == ()
    assert not (Path(session.project.path) / "reports").exists()
