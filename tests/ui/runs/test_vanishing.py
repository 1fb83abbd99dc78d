"""Folders that go away while they are watched: one sentence, and everything stays usable."""

from __future__ import annotations

import os
import shutil
import threading

import numpy as np
import pytest
from qtpy.QtCore import Qt
from tests.ui.conftest import PLACES_ZYX, FakeWorker, gaussians

from tomoscribe.training import follow
from tomoscribe.training.follow import RunFollower
from tomoscribe.training.status import State
from tomoscribe.ui.runs import monitor as monitor_module
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.run_strip import RunStrip
from tomoscribe.ui.runs.run_watch import RunWatch
from tomoscribe.ui.runs.runs_dock import RunsDock
from tomoscribe.ui.runs.train_dock import TrainDock


@pytest.fixture
def strip(session, qtbot) -> RunStrip:
    made = RunStrip(session)
    qtbot.addWidget(made)
    return made


@pytest.fixture
def watched(session, project, process_until) -> FakeWorker:
    """A run with a checkpoint, a preview and a curve, that is watched."""
    worker = FakeWorker(project, "mine")
    worker.begin()
    worker.train(10)
    worker.validate(0.8)
    worker.keep(0.8)
    worker.preview(gaussians(PLACES_ZYX))
    session.run = worker.run
    monitor = RunMonitor.of(session)
    process_until(lambda: monitor.update and not monitor.replaying, "the replay")
    return worker


@pytest.mark.parametrize("state", [State.RUNNING, State.FINISHED])
def test_a_run_that_is_deleted_is_told_and_the_docks_go_on(
    session, project, strip, watched, process_until, qtbot, state
) -> None:
    said: list[str] = []
    session.status_message.connect(said.append)
    docks = [TrainDock(session), RunsDock(session)]
    for dock in docks:
        qtbot.addWidget(dock)
    watched.beat(state)
    monitor = RunMonitor.of(session)
    process_until(lambda: monitor.update.state is state, "the state")
    shutil.rmtree(watched.run.path)
    process_until(lambda: strip.word.text() == "Gone", "the word")
    assert strip.sentence.text().startswith("The folder of mine is gone")
    assert not strip.detach.isHidden()
    assert strip.stop.isHidden()
    assert strip.pause.isHidden()
    # The view may move and the heatmap may be asked for: nothing brings the folder back.
    session.fly_to((8, 40, 20))
    looks = []
    monitor.updated.connect(looks.append)
    process_until(lambda: len(looks) >= 4, "a few looks")
    assert not watched.run.path.exists()
    assert len(said) <= 1
    assert [q.value for q in monitor.record.qualities] == [0.8]  # the curve is still there
    other = FakeWorker(project, "other")
    RunWatch.of(session).refresh()
    process_until(lambda: docks[1].filter.rowCount() == 1, "the other run")
    session.run = other.run
    process_until(lambda: strip.word.text() == "Training", "the other is watched")


def test_detaching_from_a_deleted_run_leaves_an_idle_strip(
    session, strip, watched, process_until, qtbot
) -> None:
    shutil.rmtree(watched.run.path)
    process_until(lambda: not strip.detach.isHidden(), "the button")
    qtbot.mouseClick(strip.detach, Qt.MouseButton.LeftButton)
    assert session.run is None
    assert strip.word.text() == "Idle"


def test_a_disk_that_comes_back_brings_the_run_back(session, strip, watched, process_until) -> None:
    hidden = watched.run.path.with_name("hidden")
    watched.run.path.rename(hidden)
    process_until(lambda: strip.word.text() == "Gone", "the word")
    hidden.rename(watched.run.path)
    watched.beat()
    process_until(lambda: strip.word.text() == "Training", "the run")
    watched.train(10)
    process_until(lambda: "step 20" in strip.figures.text(), "the next step")


def test_previews_and_events_that_are_cut_cost_no_more_than_a_sentence(
    session, strip, watched, process_until
) -> None:
    preview = watched.run.preview_path(watched.name, "one")
    os.truncate(preview, preview.stat().st_size // 3)
    os.truncate(watched.run.events_path, watched.run.events_path.stat().st_size // 2)
    process_until(lambda: "was cut short" in strip.sentence.text(), "the sentence")
    watched.train(10)
    watched.validate(0.9)
    process_until(lambda: "F1 0.90" in strip.figures.text(), "what came after")
    watched.preview(np.full_like(gaussians(PLACES_ZYX), 0.5))
    feed = RunMonitor.of(session).feed
    process_until(
        lambda: feed.layer.layer is not None and feed.layer.layer.data.max() == 128, "a preview"
    )


def test_a_project_that_is_renamed_is_told_as_a_run_that_is_gone(
    session, project, strip, watched, process_until
) -> None:
    project.path.rename(project.path.with_name("renamed"))
    process_until(lambda: strip.word.text() == "Gone", "the word")
    RunWatch.of(session).refresh()
    process_until(lambda: RunWatch.of(session).rows == [], "no rows")
    project.path.with_name("renamed").rename(project.path)  # so that it can be closed


def test_a_worker_that_is_lost_is_told_in_table_and_strip(
    session, strip, watched, process_until, monkeypatch
) -> None:
    monkeypatch.setattr(follow, "OLD_HEARTBEAT_S", 0.1)
    watched.beat(pid=2**22 + 1, heartbeat=1.0)
    process_until(lambda: strip.word.text() == "Lost", "the word")
    RunWatch.of(session).refresh()
    process_until(
        lambda: [row.state for row in RunWatch.of(session).rows] == [State.LOST], "the row"
    )


def test_a_run_whose_folder_stalls_says_so_and_the_strip_goes_on(
    session, strip, watched, process_until, monkeypatch
) -> None:
    answers = threading.Event()
    monkeypatch.setattr(monitor_module, "SILENT_S", 0.0)
    poll = RunFollower.poll
    monkeypatch.setattr(RunFollower, "poll", lambda self: answers.wait(30) and poll(self))
    strip._clock.setInterval(20)
    process_until(lambda: "has not answered for" in strip.sentence.text(), "the sentence")
    assert not strip.stop.isHidden()
    answers.set()
    process_until(lambda: "has not answered" not in strip.sentence.text(), "the answer")


def test_a_look_that_fails_is_told_once_and_the_next_one_counts(
    session, strip, watched, process_until, monkeypatch
) -> None:
    said: list[str] = []
    session.status_message.connect(said.append)
    poll = RunFollower.poll
    fails = [True] * 3

    def look(self: RunFollower):
        if fails:
            fails.pop()
            raise OSError(5, "Input/output error")
        return poll(self)

    monkeypatch.setattr(RunFollower, "poll", look)
    process_until(lambda: not fails, "the failures")
    watched.train(10)
    process_until(lambda: "step 20" in strip.figures.text(), "the next step")
    assert len([text for text in said if "Input/output error" in text]) == 1
