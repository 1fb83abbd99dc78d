"""The whole window: it fits small screens in both themes, and closing it frees the project."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import napari
import pytest
from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QApplication, QDockWidget, QScrollArea, QWidget

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.store import Project
from tomoscribe.ui.app import DOCKS, open_viewer
from tomoscribe.ui.runs.closing import ClosingGuard
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.starter import Starter
from tomoscribe.ui.runs.strip_dock import STRIP
from tomoscribe.ui.session import Session


@pytest.fixture
def folder(project: Project) -> Path:
    """The small project, closed."""
    project.close()
    return project.path


@pytest.fixture
def opened(folder: Path, qapp: QApplication) -> Iterator[napari.Viewer]:
    viewer = open_viewer([folder])
    yield viewer
    Starter.of(Session.of(viewer)).close()
    RunMonitor.of(Session.of(viewer)).close()
    viewer.close()
    qapp.processEvents()


@pytest.fixture
def stays_when_windows_close(qapp: QApplication) -> Iterator[None]:
    """Keep Qt from quitting with the last window: quitting closes those of all other tests."""
    quits = qapp.quitOnLastWindowClosed()
    qapp.setQuitOnLastWindowClosed(False)
    yield
    qapp.setQuitOnLastWindowClosed(quits)


def docks_of(viewer: napari.Viewer) -> dict[str, QDockWidget]:
    window = viewer.window._qt_window
    docks = window.findChildren(QDockWidget)
    return {dock.windowTitle().removesuffix(" (tomoscribe)"): dock for dock in docks}


def cut_off(dock: QDockWidget) -> list[str]:
    """Return the widgets of a dock that end beyond it, or get less than they need across."""
    wrong = []
    for widget in dock.widget().findChildren(QWidget):
        inside = widget.visibleRegion().boundingRect()
        scrolls = isinstance(widget.parentWidget(), QScrollArea) or widget.parentWidget() is None
        if not widget.isVisible() or scrolls or inside.isEmpty():
            continue
        name = f"{type(widget).__name__} {getattr(widget, 'text', str)()!r}"
        if widget.mapTo(dock, inside.topRight()).x() >= dock.width():
            wrong.append(f"{name} ends beyond the dock")
        if inside.width() < widget.width():
            wrong.append(f"{name} shows {inside.width()} of {widget.width()} pixels")
    return wrong


def fits(dock: QDockWidget) -> bool:
    return not dock.widget().visibleRegion().isEmpty() and not cut_off(dock)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_is_cut_off_on_small_and_large_screens(
    opened: napari.Viewer, process_until: Callable[..., None], theme: str
) -> None:
    opened.theme = theme
    window = opened.window._qt_window
    docks = docks_of(opened)
    assert {*DOCKS, STRIP} <= set(docks)
    for width, height in ((1280, 800), (1600, 1000)):
        window.resize(width, height)
        for name in DOCKS:
            docks[name].raise_()
            process_until(partial(fits, docks[name]), f"{name} to fit its dock at {width} pixels")
            assert (window.width(), window.height()) == (width, height), name
            right = docks[name].mapTo(window, docks[name].rect().topRight()).x()
            assert right <= width, name
        assert docks[STRIP].isVisible()
        assert docks[STRIP].height() < 60
        canvas = opened.window._qt_viewer.canvas.native
        assert canvas.width() > width * 0.4


def test_the_tomogram_fills_the_canvas_that_the_docks_leave(
    opened: napari.Viewer, process_until: Callable[..., None]
) -> None:
    session = Session.of(opened)
    height_A = session.volume.shape_zyx[1] * session.entry.voxel_size_A

    def fills() -> bool:
        canvas = opened.window._qt_viewer.canvas.native
        return 0.8 < height_A * opened.scene.camera.zoom / canvas.height() <= 1

    process_until(fills, "the tomogram to fill the canvas")


def test_the_docks_come_once_with_annotate_in_front(opened: napari.Viewer) -> None:
    from tomoscribe.ui.app import add_docks

    before = len(docks_of(opened))
    add_docks(opened)
    QApplication.processEvents()
    assert len(docks_of(opened)) == before
    assert not docks_of(opened)["Annotate"].widget().visibleRegion().isEmpty()


@pytest.mark.parametrize("name", DOCKS)
def test_a_dock_from_napari_s_menu_brings_the_strip_and_the_question_before_closing(
    qapp: QApplication, process_until: Callable[..., None], name: str
) -> None:
    viewer = napari.Viewer(show=True)
    _, widget = viewer.window.add_plugin_dock_widget("tomoscribe", name)
    window = viewer.window._qt_window
    process_until(lambda: STRIP in docks_of(viewer) and docks_of(viewer)[STRIP].isVisible(), STRIP)
    assert window.findChild(ClosingGuard) is not None
    docks_of(viewer)[STRIP].hide()
    widget.hide()
    widget.show()
    qapp.processEvents()
    assert not docks_of(viewer)[STRIP].isVisible(), "what the user closed stays closed"
    viewer.close()
    qapp.processEvents()


def test_closing_the_window_frees_the_project_at_once(folder: Path, qapp: QApplication) -> None:
    first = open_viewer([folder])
    session = Session.of(first)
    ended: list[bool] = []
    session.closed.connect(lambda: ended.append(True))
    first.close()
    second = open_viewer([folder])  # before Qt has done anything else
    again = Session.of(second)
    assert again.project is not None
    assert not again.project.read_only
    assert session.project is None
    assert ended
    second.close()
    qapp.processEvents()
    assert again.project is None
    Project.open(folder).close()


def test_the_close_button_of_a_running_application_frees_the_project(
    folder: Path, qapp: QApplication, stays_when_windows_close: None
) -> None:
    viewer = open_viewer([folder])
    session = Session.of(viewer)
    deadline = QTimer(singleShot=True, interval=60_000)
    deadline.timeout.connect(lambda: qapp.exit(1))
    deadline.start()
    session.closed.connect(lambda: QTimer.singleShot(0, lambda: qapp.exit(0)))
    QTimer.singleShot(0, viewer.window._qt_window.close)
    assert qapp.exec() == 0, "the session did not end with its window"
    deadline.stop()
    assert session.project is None
    Project.open(folder).close()


def test_a_path_that_cannot_be_opened_leaves_no_window(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "note.md").write_text("text")
    before = len(napari.Viewer._instances)
    with pytest.raises(TomoscribeError, match=r"note\.md"):
        open_viewer([folder, tmp_path / "note.md"])
    assert len(napari.Viewer._instances) == before
