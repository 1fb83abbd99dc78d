"""Closing the viewer during a training asks; the answer decides over worker and window."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from qtpy.QtCore import QTimer
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QApplication, QLabel, QMainWindow
from tests.ui.conftest import PLACES_ZYX, FakeWorker

from tomoscribe.errors import TomoscribeError
from tomoscribe.training import removal
from tomoscribe.training.status import State
from tomoscribe.ui.lifetime import WindowEnd
from tomoscribe.ui.runs import run_actions
from tomoscribe.ui.runs import starter as starter_module
from tomoscribe.ui.runs.closing import ClosingDialog, ClosingGuard, UnsavedDialog
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.run_watch import RunWatch
from tomoscribe.ui.runs.runs_dock import RunsDock
from tomoscribe.ui.runs.starter import Starter


@pytest.fixture
def window(session, qtbot) -> Iterator[QMainWindow]:
    made = QMainWindow()  # pytest-qt would close it, and be asked
    ClosingGuard.watch(session, made)
    made.show()
    yield made
    for watcher in (ClosingGuard, WindowEnd):
        made.removeEventFilter(made.findChild(watcher))
    made.close()


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """Names of the buttons to press in the dialogs to come; what is left was not asked."""
    answers: list[str] = []

    plain = ClosingDialog.exec

    def answered(dialog: ClosingDialog) -> int:
        QTimer.singleShot(0, getattr(dialog, answers.pop(0)).click)
        return plain(dialog)

    monkeypatch.setattr(ClosingDialog, "exec", answered)
    return answers


def running(session, worker, process_until) -> RunMonitor:
    session.run = worker.run
    monitor = RunMonitor.of(session)
    process_until(lambda: monitor.alive, "the run")
    return monitor


def test_without_a_training_nothing_is_asked(window, asked) -> None:
    asked.append("cancel")
    assert window.close()
    assert asked == ["cancel"]


def test_cancel_keeps_the_window(window, session, fake_worker, process_until, asked) -> None:
    running(session, fake_worker, process_until)
    asked.append("cancel")
    assert not window.close()
    assert window.isVisible()
    assert not session.closing
    assert fake_worker.run.control().desired == "run"


def test_keep_training_closes_and_leaves_the_worker_alone(
    window, session, fake_worker, process_until, asked
) -> None:
    monitor = running(session, fake_worker, process_until)
    asked.append("keep")
    assert window.close()
    assert fake_worker.run.control().desired == "run"
    process_until(lambda: session.project is None, "the session to end with the window")
    assert not monitor._timer.isActive()


def test_stop_and_save_tells_the_worker(window, session, fake_worker, process_until, asked) -> None:
    running(session, fake_worker, process_until)
    asked.append("stop")
    assert window.close()
    assert fake_worker.run.control().desired == "stop"


def test_closing_again_while_the_question_is_open_asks_no_second_one(
    window, session, fake_worker, process_until, monkeypatch
) -> None:
    running(session, fake_worker, process_until)
    asked, swallowed = [], []

    def script(dialog: ClosingDialog) -> int:
        asked.append(dialog)
        for _ in range(3):  # as a script or a desktop that insists
            event = QCloseEvent()
            QApplication.sendEvent(window, event)
            swallowed.append(not event.isAccepted())
        dialog.keep.click()
        return dialog.result()

    monkeypatch.setattr(ClosingDialog, "exec", script)
    assert window.close()
    assert len(asked) == 1
    assert swallowed == [True] * 3


def test_a_window_that_was_never_shown_does_not_ask(
    session, fake_worker, process_until, asked
) -> None:
    window = QMainWindow()
    ClosingGuard.watch(session, window)
    running(session, fake_worker, process_until)
    asked.append("cancel")
    assert window.close()
    assert asked == ["cancel"]


def test_keep_is_the_default(qtbot) -> None:
    dialog = ClosingDialog("run_1")
    qtbot.addWidget(dialog)
    assert dialog.keep.isDefault()


@pytest.fixture
def unsaved(session, monkeypatch) -> list[str]:
    """Make the project's edits impossible to write; names of the buttons to press, in turn."""
    answers: list[str] = []
    plain = UnsavedDialog.exec

    def refuse() -> None:
        raise TomoscribeError("Cannot write picks.jsonl: no space is left on the disk.")

    def answered(dialog: UnsavedDialog) -> int:
        QTimer.singleShot(0, getattr(dialog, answers.pop(0)).click)
        return plain(dialog)

    monkeypatch.setattr(type(session.project), "unsaved", 3)
    monkeypatch.setattr(session.project, "save", refuse)
    monkeypatch.setattr(UnsavedDialog, "exec", answered)
    return answers


def test_edits_that_cannot_be_written_keep_the_window_until_the_user_gives_them_up(
    window, unsaved
) -> None:
    unsaved += ["again", "cancel"]
    assert not window.close()
    assert window.isVisible()
    unsaved.append("lose")
    assert window.close()
    assert not unsaved


def test_stop_and_save_also_stops_those_that_wait_for_their_turn(
    window, session, project, fake_worker, process_until, asked
) -> None:
    running(session, fake_worker, process_until)
    waiting = FakeWorker(project, "waiting")
    waiting.beat(State.QUEUED)
    Starter.of(session).line.append(waiting.run)
    asked.append("stop")
    assert window.close()
    assert waiting.run.control().desired == "stop"
    assert fake_worker.run.control().desired == "stop"


def test_the_question_says_how_many_wait(qtbot) -> None:
    dialog = ClosingDialog("run_1", 2)
    qtbot.addWidget(dialog)
    assert any(
        "2 more that you started wait" in label.text() for label in dialog.findChildren(QLabel)
    )


def test_a_viewer_closed_while_a_training_is_being_started_leaves_a_whole_run(
    window, session, project, edit_of, process_until, monkeypatch
) -> None:
    may_go, begun, made = threading.Event(), threading.Event(), []

    def launch(config, runs_dir, control=None):
        begun.set()
        assert may_go.wait(20)
        made.append(FakeWorker(project, "late").run)
        return made[0]

    monkeypatch.setattr(starter_module.sweep.launch, "launch", launch)
    session.edit(edit_of(PLACES_ZYX))
    Starter.of(session).start()
    assert begun.wait(20)
    assert window.close()
    process_until(lambda: session.project is None, "the end of the session")
    may_go.set()
    process_until(lambda: made, "the run")
    assert made[0].exists
    assert session.run is None  # nobody is there to watch it


def test_a_viewer_closed_while_a_run_is_deleted_deletes_it_whole(
    window, session, project, qtbot, process_until, monkeypatch
) -> None:
    may_go, begun = threading.Event(), threading.Event()
    delete = removal.delete

    def slowly(run):
        begun.set()
        assert may_go.wait(20)
        delete(run)

    monkeypatch.setattr(run_actions.removal, "delete", slowly)
    monkeypatch.setattr(run_actions, "confirm_deletion", lambda *_: True)
    doomed = FakeWorker(project, "doomed")
    doomed.beat(State.FINISHED)
    dock = RunsDock(session)
    RunWatch.of(session).refresh()
    process_until(lambda: dock.filter.rowCount() == 1, "the run")
    dock.choose(["doomed"])
    dock.buttons["Delete…"].trigger()
    assert begun.wait(20)
    assert window.close()
    process_until(lambda: session.project is None, "the end of the session")
    dock.deleteLater()
    may_go.set()
    process_until(lambda: list(project.runs_dir.iterdir()) == [], "the deletion")
