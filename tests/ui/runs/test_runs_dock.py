"""The dock Runs by real clicks and keys: what it lists, and what can be done with runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import closing

import pytest
from qtpy.QtCore import QItemSelectionModel, QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent, QGuiApplication
from tests.ui.conftest import FakeWorker

from tomoscribe.project.store import Project
from tomoscribe.training.run import RunFolder
from tomoscribe.training.run_table import RunTable
from tomoscribe.training.status import State
from tomoscribe.ui.runs import run_actions, run_watch
from tomoscribe.ui.runs.run_columns import COLUMNS
from tomoscribe.ui.runs.run_watch import RunWatch
from tomoscribe.ui.runs.runs_dock import RunsDock
from tomoscribe.ui.session import Session

COLUMN = {column.title: index for index, column in enumerate(COLUMNS)}


@pytest.fixture
def dock(session, qtbot) -> RunsDock:
    made = RunsDock(session)
    qtbot.addWidget(made)
    made.resize(1200, 300)
    with qtbot.waitExposed(made):
        made.show()
    return made


@pytest.fixture
def listed(dock, session, process_until) -> Callable[..., None]:
    """Return `listed(n)`: look until the table has n rows."""

    def wait(count: int) -> None:
        RunWatch.of(session).refresh()
        process_until(lambda: dock.filter.rowCount() == count, f"{count} rows")

    return wait


def cell(dock: RunsDock, row: int, title: str) -> str:
    return dock.filter.index(row, COLUMN[title]).data()


def press_on(dock: RunsDock, qtbot, name: str, key: Qt.Key | None = None) -> None:
    """Click a run's row, then press a key in the table."""
    rows = [i for i in range(dock.filter.rowCount()) if cell(dock, i, "run") == name]
    place = dock.view.visualRect(dock.filter.index(rows[0], COLUMN["run"])).center()
    qtbot.mouseClick(dock.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    if key is not None:
        qtbot.keyClick(dock.view, key)


def button(dock: RunsDock, text: str):
    return dock.bar.widgetForAction(dock.buttons[text])


def test_without_runs_it_says_how_to_get_some(dock) -> None:
    assert not dock.view.isVisible()
    assert "Press Train" in dock.said.text()
    assert "tomoscribe train" in dock.said.text()


def test_without_a_project_it_asks_for_one(viewer, qtbot) -> None:
    dock = RunsDock(Session.of(viewer))
    qtbot.addWidget(dock)
    assert "Open a project" in dock.said.text()
    RunWatch.of(Session.of(viewer)).close()


def test_a_run_that_somebody_else_starts_shows_up_by_itself(
    dock, project, process_until, monkeypatch
) -> None:
    monkeypatch.setattr(run_watch, "PERIOD_S", 0.05)
    worker = FakeWorker(project, "from_the_cluster")
    worker.begin()
    worker.train(120)
    worker.validate(0.87)
    worker.beat(elapsed_s=65.0)
    process_until(lambda: dock.filter.rowCount() == 1, "the run")
    process_until(lambda: cell(dock, 0, "size") != "…", "its size")
    assert cell(dock, 0, "state") == "Training"
    assert cell(dock, 0, "data") == "one → two · 4 of 5 clicks"
    assert cell(dock, 0, "best") == "F1 0.870"
    assert cell(dock, 0, "steps") == "120"
    assert cell(dock, 0, "time") == "1:05"
    worker.beat(State.FINISHED)
    process_until(lambda: cell(dock, 0, "state") == "Finished", "the end")


def test_columns_sort_by_value_and_words_filter(dock, project, listed, qtbot) -> None:
    for name, f1, state in (("a", 0.9, "finished"), ("b", 0.3, "stopped"), ("c", 0.7, "finished")):
        worker = FakeWorker(project, name)
        worker.validate(f1)
        worker.beat(State(state))
    listed(3)
    dock.view.sortByColumn(COLUMN["best"], Qt.SortOrder.DescendingOrder)
    assert [cell(dock, i, "run") for i in range(3)] == ["a", "c", "b"]
    qtbot.keyClicks(dock.search, "finished 0.7")
    assert [cell(dock, i, "run") for i in range(dock.filter.rowCount())] == ["c"]


def test_enter_watches_a_run_and_detach_lets_it_go(
    dock, session, project, listed, qtbot, process_until
) -> None:
    for name in ("first", "second"):
        FakeWorker(project, name).beat(State.FINISHED)
    listed(2)
    process_until(lambda: session.run is not None, "the newest is watched")
    press_on(dock, qtbot, "first", Qt.Key.Key_Return)
    assert session.run == RunFolder(project.runs_dir / "first")
    assert not dock.buttons["Watch"].isEnabled()
    assert dock.buttons["Watch"].toolTip() == "This run is watched already."
    qtbot.mouseClick(button(dock, "Detach"), Qt.MouseButton.LeftButton)
    assert session.run is None
    listed(2)
    assert session.run is None  # what the user let go is not taken up again


def test_several_runs_are_stopped_at_once(
    dock, project, listed, qtbot, process_until, monkeypatch
) -> None:
    stopped = []
    monkeypatch.setattr(run_actions.launch, "stop", lambda run: stopped.append(run.name))
    for name in ("a", "b"):
        FakeWorker(project, name)
    FakeWorker(project, "ended").beat(State.STOPPED)
    listed(3)
    dock.view.selectAll()
    qtbot.mouseClick(button(dock, "Stop"), Qt.MouseButton.LeftButton)
    process_until(lambda: len(stopped) == 2, "both")
    assert sorted(stopped) == ["a", "b"]


def test_pause_and_resume_reach_the_worker(
    dock, project, listed, qtbot, process_until, session
) -> None:
    worker = FakeWorker(project, "a")
    listed(1)
    press_on(dock, qtbot, "a")
    qtbot.mouseClick(button(dock, "Pause"), Qt.MouseButton.LeftButton)
    process_until(lambda: worker.run.control().desired == "pause", "pause")
    worker.beat(State.PAUSED)
    RunWatch.of(session).refresh()
    process_until(lambda: dock.buttons["Resume"].isEnabled(), "the button")
    qtbot.mouseClick(button(dock, "Resume"), Qt.MouseButton.LeftButton)
    process_until(lambda: worker.run.control().desired == "run", "resume")


def test_a_living_run_cannot_be_deleted_and_the_button_says_why(
    dock, project, listed, qtbot
) -> None:
    FakeWorker(project, "a")
    listed(1)
    press_on(dock, qtbot, "a", Qt.Key.Key_Delete)
    assert (project.runs_dir / "a").is_dir()
    assert dock.buttons["Delete…"].toolTip() == "a still trains or waits: stop it first."


def test_the_delete_key_asks_then_deletes_what_is_watched_too(
    dock, session, project, listed, qtbot, process_until, monkeypatch
) -> None:
    asked = []
    answers = [False, True]
    monkeypatch.setattr(
        run_actions, "confirm_deletion", lambda _, text: asked.append(text) or answers.pop(0)
    )
    worker = FakeWorker(project, "a")
    worker.train(10)
    path = worker.keep(0.5)
    worker.beat(State.FINISHED)
    listed(1)
    process_until(lambda: session.run == worker.run, "the run is watched")
    project.set_model(path)
    press_on(dock, qtbot, "a", Qt.Key.Key_Delete)
    assert worker.run.exists
    press_on(dock, qtbot, "a", Qt.Key.Key_Delete)
    process_until(lambda: dock.filter.rowCount() == 0, "the row is gone")
    assert not worker.run.path.exists()
    assert session.run is None
    title, text = asked[0]
    assert title == "Delete a?"
    assert "1 checkpoints and all previews are lost for ever" in text
    assert "The project's current model is in a" in text


def test_the_question_keeps_unless_delete_is_pressed(dock, qtbot, monkeypatch) -> None:
    from qtpy.QtWidgets import QMessageBox

    pressed = []

    def press(self) -> int:
        pressed.append(self.defaultButton().text())
        self.buttons()[[b.text() for b in self.buttons()].index("Delete")].click()
        return 0

    monkeypatch.setattr(QMessageBox, "exec", press)
    assert run_actions.confirm_deletion(dock, ("Delete a?", "All is lost."))
    assert pressed == ["Keep"]


def test_paths_are_copied(dock, project, listed, qtbot) -> None:
    FakeWorker(project, "a")
    listed(1)
    press_on(dock, qtbot, "a")
    qtbot.keyClick(dock.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QGuiApplication.clipboard().text() == str(project.runs_dir / "a")


def test_the_log_is_shown(dock, project, listed, qtbot, process_until) -> None:
    from tomoscribe.ui.runs.log_window import LogWindow

    worker = FakeWorker(project, "a")
    worker.run.log_path.write_text("Traceback: it went wrong")
    listed(1)
    press_on(dock, qtbot, "a")
    dock.buttons["Show log"].trigger()
    window = dock.findChild(LogWindow)
    process_until(lambda: "it went wrong" in window.text.toPlainText(), "the log")
    window.close()


def test_a_run_folder_that_is_dropped_is_listed_and_others_are_refused(
    dock, session, project, listed, tmp_path
) -> None:
    said = []
    session.status_message.connect(said.append)
    far = FakeWorker(project, "far")
    moved = far.run.path.rename(tmp_path / "far")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(moved)), QUrl.fromLocalFile(str(tmp_path))])
    event = QDropEvent(
        QPointF(5, 5), Qt.DropAction.CopyAction, data,
        Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier,
    )  # fmt: skip
    dock.dropEvent(event)
    listed(1)
    assert cell(dock, 0, "run") == "far"
    assert "is not a run folder" in said[-1]


def test_a_selection_survives_what_happens_to_other_runs(dock, project, listed, qtbot) -> None:
    workers = [FakeWorker(project, name) for name in ("a", "b", "c")]
    listed(3)
    press_on(dock, qtbot, "b")
    for file in workers[0].run.path.iterdir():
        file.unlink()
    workers[0].run.path.rmdir()
    listed(2)
    FakeWorker(project, "d")
    listed(3)
    assert [row.name for row in dock.chosen()] == ["b"]


def test_a_folder_that_does_not_answer_is_told_and_blocks_nothing(
    dock, session, project, listed, process_until, monkeypatch, qtbot
) -> None:
    FakeWorker(project, "a")
    listed(1)
    answers = threading.Event()
    monkeypatch.setattr(run_watch, "SILENT_S", 0.0)
    monkeypatch.setattr(run_watch, "TICK_MS", 20)
    poll = RunTable.poll

    def stall(self: RunTable) -> list:
        assert answers.wait(30)
        return poll(self)

    monkeypatch.setattr(RunTable, "poll", stall)
    RunWatch.of(session).refresh()
    process_until(lambda: "has not answered for" in dock.said.text(), "the sentence")
    assert dock.filter.rowCount() == 1  # what was known is still there
    qtbot.keyClicks(dock.search, "a")
    assert dock.filter.rowCount() == 1
    answers.set()
    process_until(lambda: dock.said.text() == "", "all is well again")


def test_closing_while_a_folder_stalls_is_at_once(
    session, project, process_until, monkeypatch, qtbot
) -> None:
    answers = threading.Event()
    monkeypatch.setattr(RunTable, "poll", lambda self: answers.wait(30) and [])
    RunWatch.of(session).refresh()
    session.close()
    assert not answers.is_set()
    answers.set()


def test_tensorboard_opens_in_the_browser_and_ends_with_the_viewer(
    dock, session, project, listed, qtbot, process_until, monkeypatch
) -> None:
    from tomoscribe.ui.runs import tensorboards

    opened, closed, said = [], [], []
    session.status_message.connect(said.append)

    class Board:
        alive = True

        def __init__(self, runs: list[RunFolder]) -> None:
            self.names = [run.name for run in runs]

        def wait(self) -> str:
            return "http://127.0.0.1:7/" + "+".join(sorted(self.names))

        def close(self) -> None:
            closed.append(self.names)

    monkeypatch.setattr(tensorboards, "TensorBoard", Board)
    monkeypatch.setattr(
        tensorboards.QDesktopServices, "openUrl", lambda url: opened.append(url.toString())
    )
    for name in ("a", "b"):
        FakeWorker(project, name)
    listed(2)
    dock.view.selectAll()
    qtbot.mouseClick(button(dock, "TensorBoard"), Qt.MouseButton.LeftButton)
    process_until(lambda: opened, "the browser")
    assert opened == ["http://127.0.0.1:7/a+b"]
    assert "no browser could be opened" in said[-1]  # the fake says neither yes nor no
    session.closed.emit()
    assert [sorted(names) for names in closed] == [["a", "b"]]


def test_fifty_runs_are_read_off_the_gui_thread(dock, project: object, listed, monkeypatch) -> None:
    threads = set()
    status = RunFolder.status
    monkeypatch.setattr(
        RunFolder, "status", lambda self: threads.add(threading.get_ident()) or status(self)
    )
    for index in range(50):
        FakeWorker(project, f"run_{index:02d}").beat(State.FINISHED)
    listed(50)
    assert threads
    assert threading.get_ident() not in threads


def select(dock: RunsDock, row: int) -> None:
    flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    dock.view.selectionModel().select(dock.filter.index(row, 0), flags)


def test_every_action_has_a_tip_and_says_why_it_cannot_be_done(dock, project, listed) -> None:
    FakeWorker(project, "a")
    listed(1)
    for text, action in dock.buttons.items():
        assert len(action.toolTip()) > 10, text
        assert action.isEnabled() or action.toolTip().endswith("."), text
    select(dock, 0)
    assert dock.buttons["Stop"].isEnabled()


def test_a_run_whose_model_a_read_only_project_uses_is_not_deleted(
    dock, session, project, listed, qtbot, process_until, monkeypatch
) -> None:
    monkeypatch.setattr(run_actions, "confirm_deletion", lambda _, text: True)
    worker = FakeWorker(project, "a")
    project.set_model(worker.keep(0.5))
    worker.beat(State.FINISHED)
    session.close_project()
    with closing(Project.open(project.path)):  # somebody else edits it
        session.open_project(project.path)
        said: list[str] = []
        session.status_message.connect(said.append)
        listed(1)
        process_until(lambda: session.run == worker.run, "the run is watched")
        press_on(dock, qtbot, "a", Qt.Key.Key_Delete)
        assert said
        assert session.run == worker.run
        assert worker.run.exists
        assert session.project.model is not None
        session.close_project()
