"""A window with the dock Annotate, and hands: real mouse and key events sent to its canvas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import napari
import numpy as np
import pytest
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from tomoscribe.picks.table import Pick
from tomoscribe.project.model import ParticleClass
from tomoscribe.project.store import Project
from tomoscribe.ui.docks import AnnotateWidget
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.session import Session

NO_MODIFIER = Qt.KeyboardModifier.NoModifier


@pytest.fixture(scope="module")
def window(
    qapp: QApplication, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[napari.Viewer, AnnotateWidget]]:
    """One shown viewer for all tests of a module; making one takes seconds.

    It is gone before another module opens its own: vispy mixes up the textures of viewers that
    change while another one was not painted yet, and then crashes.
    """
    viewer = napari.Viewer(show=True)
    main = viewer.window._qt_window
    main.resize(900, 560)
    _, dock = viewer.window.add_plugin_dock_widget("tomoscribe", "Annotate")
    main.activateWindow()
    main.raise_()
    for _ in range(20):
        qapp.processEvents()
    yield viewer, dock
    Session.of(viewer).close_project()
    dock.close()
    RunMonitor.of(Session.of(viewer)).close()
    viewer.close()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    qapp.processEvents()


class Hands:
    """A user of the window: clicks at voxels of the tomogram, drags, presses keys."""

    def __init__(
        self, viewer: napari.Viewer, dock: AnnotateWidget, process_until: Callable[..., None]
    ) -> None:
        self.viewer = viewer
        self.dock = dock
        self.session = Session.of(viewer)
        self.until = process_until
        self._canvas = viewer.window._qt_viewer.canvas
        self.native = self._canvas.native
        self.messages: list[str] = []
        self.session.status_message.connect(self.messages.append)

    def settle(self) -> None:
        """Let Qt lay out and paint."""
        for _ in range(5):
            QApplication.processEvents()

    def pixel(self, zyx: tuple[float, float, float]) -> QPoint:
        """Return where on the canvas a voxel is."""
        self.settle()
        layer = self.session.layer
        assert layer is not None
        z, y, x = layer.data_to_world(zyx)
        point = (x, y, z) if self.viewer.dims.ndisplay == 3 else (x, y, 0)
        mapped = self._canvas.view.scene.transform.map((*point, 1))
        return QPoint(round(mapped[0] / mapped[3]), round(mapped[1] / mapped[3]))

    def _send(
        self, kind: QEvent.Type, at: QPoint, held: Qt.MouseButton, modifier: Qt.KeyboardModifier
    ) -> None:
        button = (
            Qt.MouseButton.NoButton if kind == QEvent.Type.MouseMove else Qt.MouseButton.LeftButton
        )
        where, on_screen = QPointF(at), QPointF(self.native.mapToGlobal(at))
        QApplication.sendEvent(
            self.native, QMouseEvent(kind, where, on_screen, button, held, modifier)
        )

    def move(self, zyx: tuple[float, float, float]) -> None:
        """Move the mouse to a voxel."""
        self._send(QEvent.Type.MouseMove, self.pixel(zyx), Qt.MouseButton.NoButton, NO_MODIFIER)

    def click(
        self, zyx: tuple[float, float, float], modifier: Qt.KeyboardModifier = NO_MODIFIER
    ) -> None:
        """Click on a voxel."""
        QTest.mouseClick(self.native, Qt.MouseButton.LeftButton, modifier, self.pixel(zyx))
        self.settle()

    def drag(
        self,
        start_zyx: tuple[float, float, float],
        end_zyx: tuple[float, float, float],
        modifier: Qt.KeyboardModifier = NO_MODIFIER,
    ) -> None:
        """Press on a voxel, move to another in steps, release there."""
        start, end = self.pixel(start_zyx), self.pixel(end_zyx)
        left = Qt.MouseButton.LeftButton
        self._send(QEvent.Type.MouseButtonPress, start, left, modifier)
        for share in np.linspace(0.2, 1.0, 5):
            self._send(QEvent.Type.MouseMove, start + (end - start) * float(share), left, modifier)
            self.settle()
        self._send(QEvent.Type.MouseButtonRelease, end, Qt.MouseButton.NoButton, modifier)
        self.settle()

    def key(self, key: Qt.Key, modifier: Qt.KeyboardModifier = NO_MODIFIER) -> None:
        """Press and release a key over the canvas."""
        QTest.keyClick(self.native, key, modifier)
        self.settle()

    @property
    def picks(self) -> list[Pick]:
        """The picks of the current tomogram."""
        entry = self.session.entry
        return [] if entry is None else list(entry.picks)


@pytest.fixture
def hands(
    window: tuple[napari.Viewer, AnnotateWidget],
    project: Project,
    process_until: Callable[..., None],
) -> Iterator[Hands]:
    """Hands on the small project: 10 Å voxels, classes `ribosome` 100 Å and `proteasome` 60 Å."""
    viewer, dock = window
    viewer.dims.ndisplay = 2
    project.add_class(ParticleClass("proteasome", 60.0, "#56b4e9"))
    user = Hands(viewer, dock, process_until)
    user.session.averaging._chosen = None
    user.session.set_project(project)
    user.session.picks.activate()
    user.settle()
    yield user
    user.session.status_message.disconnect(user.messages.append)


@pytest.fixture
def reopened(project: Project) -> Callable[[], Project]:
    """Return a function that reads the project from disk again, as after a crash."""

    def read() -> Project:
        return Project.open(Path(project.path), read_only=True)

    return read
