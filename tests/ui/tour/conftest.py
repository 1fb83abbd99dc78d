"""A window with all docks, and hands."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import napari
import pytest
from qtpy.QtCore import QEvent
from qtpy.QtWidgets import QApplication, QWidget
from tests.ui.annotate.conftest import Hands

from tomoscribe.ui.annotate.annotate_dock import AnnotateDock
from tomoscribe.ui.app import open_viewer
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.starter import Starter
from tomoscribe.ui.session import Session
from tomoscribe.ui.tour.tour import Tour


@pytest.fixture(scope="module")
def viewer(qapp: QApplication) -> Iterator[napari.Viewer]:
    """One shown viewer of 1280 × 800 for all tests of a module; making one takes seconds."""
    shown = open_viewer()
    main = shown.window._qt_window
    main.resize(1280, 800)
    main.activateWindow()
    for _ in range(20):
        qapp.processEvents()
    yield shown
    session = Session.of(shown)
    session.close_project()
    Starter.of(session).close()
    RunMonitor.of(session).close()
    shown.close()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.processEvents()


@pytest.fixture
def main(viewer: napari.Viewer) -> QWidget:
    """The main window."""
    return viewer.window._qt_window


@pytest.fixture
def hands(
    viewer: napari.Viewer, main: QWidget, process_until: Callable[..., None], qapp: QApplication
) -> Iterator[Hands]:
    """A user who has nothing open and takes no tour."""
    session = Session.of(viewer)
    session.close_project()
    viewer.dims.ndisplay = 2
    user = Hands(viewer, main.findChild(AnnotateDock), process_until)
    user.settle()
    yield user
    tour = main.findChild(Tour)
    if tour is not None:
        tour.end()
    session.status_message.disconnect(user.messages.append)
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
