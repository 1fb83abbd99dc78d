"""Closing the viewer during a training asks; the answer decides over worker and window."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from qtpy.QtCore import QTimer
from qtpy.QtGui import QCloseEvent
from qtpy.QtWidgets import QApplication, QMainWindow

from tomoscribe.errors import TomoscribeError
from tomoscribe.ui.lifetime import WindowEnd
from tomoscribe.ui.runs.closing import ClosingDialog, ClosingGuard, UnsavedDialog
from tomoscribe.ui.runs.monitor import RunMonitor


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
