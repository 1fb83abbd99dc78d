"""Docks and windows come and go; what is left of the session goes on without errors."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path

import napari
import numpy as np
import pytest
from psygnal import Signal
from qtpy.compat import isalive
from qtpy.QtCore import QCoreApplication, QEvent, QTimer
from qtpy.QtWidgets import QApplication, QDockWidget, QLabel, QWidget
from tests.ui.compare.conftest import make_run

from tomoscribe.project.store import Project
from tomoscribe.ui.app import DOCKS, open_viewer
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.connections import connect, lend
from tomoscribe.ui.runs.closing import ClosingGuard
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.run_watch import RunWatch
from tomoscribe.ui.runs.starter import Starter
from tomoscribe.ui.session import Session


class Source:
    """Something with a signal that is no widget."""

    told = Signal(str)


class Listener(QLabel):
    """A widget that shows what it is told."""

    def listen(self, text: str) -> None:
        self.setText(text)


def let_qt_delete() -> None:
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()


def delete(widget: QWidget) -> None:
    widget.deleteLater()
    let_qt_delete()
    assert not isalive(widget)


@pytest.fixture
def folder(project: Project) -> Path:
    """The small project, closed."""
    project.close()
    return project.path


@pytest.fixture
def opened(folder: Path, qapp: QApplication) -> Iterator[napari.Viewer]:
    viewer = open_viewer([folder])
    yield viewer
    viewer.close()
    let_qt_delete()


def dock_of(viewer: napari.Viewer, name: str) -> QDockWidget:
    dock, _ = viewer.window.add_plugin_dock_widget("tomoscribe", name)
    return dock


def use(session: Session) -> None:
    """Make every signal of the session speak."""
    assert session.entry is not None
    session.edit(session.entry.picks.make_add(np.array([[8.0, 20.0, 20.0]]), "ribosome"))
    session.undo()
    session.averaging.toggle()
    session.status_message.emit("a sentence")
    session.set_regions([])
    session.set_current("two")
    session.set_current("one")
    session.class_changed.emit("ribosome")
    monitor = RunMonitor.of(session)
    monitor.follow(None)
    monitor.updated.emit(None)
    monitor.feed.layer.changed.emit()
    Starter.of(session).changed.emit()
    QApplication.processEvents()


def test_a_signal_reaches_a_widget_until_it_is_deleted(qapp: QApplication) -> None:
    source, widget = Source(), Listener()
    connect(widget, source.told, widget.listen)
    connect(widget, source.told, widget.listen)
    assert len(source.told) == 1
    source.told.emit("a")
    assert widget.text() == "a"
    delete(widget)
    source.told.emit("b")
    assert len(source.told) == 0


def test_a_signal_keeps_no_widget_alive(qapp: QApplication) -> None:
    source, widget = Source(), Listener()
    connect(widget, source.told, widget.listen)
    ended: list[bool] = []
    widget.destroyed.connect(lambda: ended.append(True))
    del widget
    assert ended
    source.told.emit("b")


def test_actions_go_with_their_dock_but_not_those_of_the_next(viewer: napari.Viewer) -> None:
    session, first, second = Session.of(viewer), QWidget(), QWidget()
    lend(first, session, {"accept": first.hide, "blink": first.show})
    lend(second, session, {"accept": second.hide})
    of_second = session.actions["accept"]
    delete(first)
    assert session.actions == {"accept": of_second}
    delete(second)
    assert session.actions == {}


@pytest.mark.parametrize("name", DOCKS)
def test_a_closed_dock_is_gone_and_comes_back_from_the_menu(
    opened: napari.Viewer, name: str
) -> None:
    session = Session.of(opened)
    actions = set(session.actions)
    dock = dock_of(opened, name)
    inner = dock.inner_widget()
    dock.destroyOnClose()  # what its × does
    let_qt_delete()
    assert not isalive(inner)
    use(session)
    again = dock_of(opened, name)
    assert isalive(again.inner_widget())
    assert again.inner_widget() is not inner
    use(session)
    assert set(session.actions) == actions
    again.raise_()
    for action in ("show_keys", "accept", "blink", "show_keys"):
        session.actions[action]()
    use(session)


def test_a_dock_that_is_hidden_and_shown_again_stays_what_it_is(opened: napari.Viewer) -> None:
    dock = dock_of(opened, "Annotate")
    inner = dock.inner_widget()
    dock.setFloating(True)
    dock.hide()
    let_qt_delete()
    use(Session.of(opened))
    dock.show()
    dock.setFloating(False)
    let_qt_delete()
    assert dock_of(opened, "Annotate").inner_widget() is inner
    assert isalive(inner)
    use(Session.of(opened))


def ticking() -> dict[QTimer, str]:
    """Timers that are on, with the classes of whatever they belong to."""
    timers = [t for t in gc.get_objects() if isinstance(t, QTimer) and isalive(t) and t.isActive()]
    return {timer: type(timer.parent()).__name__ for timer in timers}


def test_closing_the_window_ends_timers_and_threads(
    project: Project,
    qapp: QApplication,
    process_until: Callable[..., None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In the middle of a training, of playing through its checkpoints, and of blinking."""
    make_run(project, "running")
    project.close()
    monkeypatch.setattr(ClosingGuard, "_may_close", lambda _: True)
    before = set(ticking())
    viewer = open_viewer([project.path])
    session = Session.of(viewer)
    monitor, starter = RunMonitor.of(session), Starter.of(session)
    sides, watch = Sides.of(session), RunWatch.of(session)
    compare = dock_of(viewer, "Compare").inner_widget()
    process_until(lambda: len(sides.side("b").stops) == 2, "the checkpoints")
    opened: set[str] = set()
    for action in ("side_by_side", "blink", "play_checkpoints"):
        session.actions[action]()
        opened |= {owner for timer, owner in ticking().items() if timer not in before}
        qapp.processEvents()
    assert {"CompareWidget", "SidesPanel", "CheckpointBar"} <= opened
    assert monitor._timer.isActive()
    ended: list[bool] = []
    session.closed.connect(lambda: ended.append(True))
    viewer.close()
    process_until(lambda: ended, "the session to end")
    let_qt_delete()
    assert {owner for timer, owner in ticking().items() if timer not in before} == set()
    assert not isalive(compare)
    background = (monitor._poller, watch._poller, watch._sizer, starter._launcher)
    assert not any(b._open for b in background)
    # Whoever still holds the session may use it.
    session.status_message.emit("a sentence")
    session.project_changed.emit()
    session.picks_changed.emit()
    session.saved.emit(True)
    session.close()


def test_two_viewers_in_one_process_do_not_meet(
    opened: napari.Viewer, project: Project, tmp_path: Path, qapp: QApplication
) -> None:
    other = Project.create(tmp_path / "other")
    for particle in project.classes:
        other.add_class(particle)
    for name in ("one", "two"):
        other.add_tomogram(tmp_path / f"{name}.mrc", name=name)
    other.close()
    second = open_viewer([other.path])
    for _ in range(20):  # napari mixes up the textures of viewers that were never painted
        QApplication.processEvents()
    first_session, second_session = Session.of(opened), Session.of(second)
    use(first_session)
    use(second_session)
    second_session.edit(
        second_session.entry.picks.make_add(np.array([[8.0, 20.0, 20.0]]), "ribosome")
    )
    assert len(first_session.entry.picks) == 0
    second.close()
    let_qt_delete()
    use(first_session)
    assert first_session.project is not None
    assert second_session.project is None
