"""Sweeps and the queue from the dock Train, played by workers without a network."""

from __future__ import annotations

import pytest
from qtpy.QtCore import Qt
from tests.ui.conftest import PLACES_ZYX, FakeWorker

from tomoscribe.training.status import State
from tomoscribe.ui.runs import starter as starter_module
from tomoscribe.ui.runs.run_watch import RunWatch
from tomoscribe.ui.runs.starter import Starter
from tomoscribe.ui.runs.train_dock import TrainDock
from tomoscribe.ui.scores.score_library import ScoreLibrary


@pytest.fixture
def dock(session, qtbot, edit_of) -> TrainDock:
    made = TrainDock(session)
    qtbot.addWidget(made)
    session.edit(edit_of(PLACES_ZYX))
    return made


@pytest.fixture
def workers(monkeypatch, project) -> list[FakeWorker]:
    """The workers of what was started, in order; all but the first wait."""
    made: list[FakeWorker] = []

    def launch(config, runs_dir, control=None):
        worker = FakeWorker(project, f"run_{len(made)}")
        worker.run.write_config(config)
        worker.beat(State.QUEUED if made else State.RUNNING)
        made.append(worker)
        return worker.run

    monkeypatch.setattr(starter_module.sweep.launch, "launch", launch)
    return made


def choose(dock: TrainDock, key: str, values: str | None = None) -> None:
    dock.sweep.key.setCurrentIndex(dock.sweep.key.findData(key))
    if values is not None:
        dock.sweep.values.setText(values)


def test_values_are_suggested_and_the_row_says_what_pressing_does(dock) -> None:
    choose(dock, "diameter")
    assert dock.sweep.values.text() == "0.8, 1, 1.25"
    assert dock.sweep.said.text() == "3 trainings, one after the other, 15 min in all at most."
    choose(dock, "max_minutes")
    assert dock.sweep.values.text() == "5, 10"
    assert "15 min in all" in dock.sweep.said.text()


def test_values_follow_the_plan_of_the_last_training(
    dock, session, fake_worker, process_until
) -> None:
    choose(dock, "batch")
    assert dock.sweep.values.text() == ""
    fake_worker.begin()
    session.run = fake_worker.run
    process_until(lambda: dock.sweep.values.text() == "8, 16", "the plan's batch")


def test_values_that_cannot_be_are_told_before_anything_starts(dock, workers, qtbot) -> None:
    choose(dock, "bin", "2, x")
    assert "bin=x cannot be" in dock.sweep.said.text()
    assert not dock.sweep.train.isEnabled()
    assert dock.sweep.train.toolTip() == dock.sweep.said.text()
    choose(dock, "bin", "2")
    assert "needs 2 to 8 values" in dock.sweep.said.text()
    assert workers == []


def test_one_press_starts_all_and_the_next_is_watched_when_it_begins(
    dock, session, workers, process_until, qtbot
) -> None:
    choose(dock, "bin", "2, 3, 4")
    qtbot.mouseClick(dock.sweep.train, Qt.MouseButton.LeftButton)
    process_until(lambda: len(workers) == 3 and session.run == workers[0].run, "the sweep")
    assert [w.run.config().settings.bin for w in workers] == [2, 3, 4]
    assert len({w.run.config().sweep for w in workers}) == 1
    starter, watch = Starter.of(session), RunWatch.of(session)
    process_until(lambda: starter.monitor.alive and len(watch.rows) == 3, "the first trains")
    workers[0].beat(State.FINISHED)
    workers[1].beat(State.RUNNING)
    process_until(lambda: not starter.monitor.alive, "its end")
    watch.refresh()
    process_until(lambda: session.run == workers[1].run, "the second is watched")
    assert starter.line == [workers[2].run]


def test_who_compares_is_told_of_the_next_and_left_there(
    dock, session, workers, process_until, qtbot
) -> None:
    said: list[str] = []
    session.status_message.connect(said.append)
    choose(dock, "bin", "2, 3")
    qtbot.mouseClick(dock.sweep.train, Qt.MouseButton.LeftButton)
    process_until(lambda: len(workers) == 2 and session.run == workers[0].run, "the sweep")
    starter, watch, library = (k.of(session) for k in (Starter, RunWatch, ScoreLibrary))
    process_until(lambda: starter.monitor.alive and len(watch.rows) == 2, "the first trains")
    library.watch(True)  # as the dock Compare does while it is seen
    workers[0].beat(State.FINISHED)
    workers[1].beat(State.RUNNING)
    process_until(lambda: not starter.monitor.alive, "its end")
    watch.refresh()
    process_until(lambda: any("trains now" in text for text in said), "the news")
    assert workers[1].run.name in said[-1]
    assert session.run == workers[0].run


def test_who_looks_at_another_run_is_left_there(
    dock, session, project, workers, process_until, qtbot
) -> None:
    old = FakeWorker(project, "old")
    old.beat(State.FINISHED)
    choose(dock, "bin", "2, 3")
    qtbot.mouseClick(dock.sweep.train, Qt.MouseButton.LeftButton)
    process_until(lambda: len(workers) == 2 and session.run == workers[0].run, "the sweep")
    session.run = old.run
    workers[0].beat(State.FINISHED)
    workers[1].beat(State.RUNNING)
    watch = RunWatch.of(session)
    watch.refresh()
    process_until(lambda: Starter.of(session).line or watch.rows, "a look")
    process_until(
        lambda: (row := watch.row_of(workers[1].run)) and row.state is State.RUNNING, "the second"
    )
    assert session.run == old.run


def test_stop_all_asks_every_run_of_the_sweep(dock, session, workers, process_until, qtbot) -> None:
    assert not dock.sweep.stop.isEnabled()
    choose(dock, "bin", "2, 3")
    qtbot.mouseClick(dock.sweep.train, Qt.MouseButton.LeftButton)
    process_until(lambda: dock.sweep.stop.isEnabled(), "the button")
    qtbot.mouseClick(dock.sweep.stop, Qt.MouseButton.LeftButton)
    process_until(
        lambda: [w.run.control().desired for w in workers] == ["stop", "stop"], "the stops"
    )


def test_a_second_training_queues_and_what_is_watched_stays(
    dock, session, workers, process_until, qtbot
) -> None:
    said: list[str] = []
    session.status_message.connect(said.append)
    assert dock.queue.isHidden()
    qtbot.mouseClick(dock.train, Qt.MouseButton.LeftButton)
    process_until(lambda: not dock.queue.isHidden(), "the button")
    assert not dock.train.isEnabled()
    assert "Queue lets another one wait" in dock.why.text()
    qtbot.mouseClick(dock.queue, Qt.MouseButton.LeftButton)
    process_until(lambda: len(workers) == 2 and said, "the second")
    assert said[-1].startswith("1 training waits until the device is free")
    assert session.run == workers[0].run
