"""The hands of the demo: mouse events on the real window, waiting with a deadline, screenshots."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from qtpy import QtTest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QAbstractButton, QApplication, QDockWidget, QWidget

from tomoscribe.errors import TomoscribeError
from tomoscribe.ui.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import napari
    from qtpy.QtGui import QPixmap

QTest: Any = QtTest.QTest  # the stubs take its static functions for methods

LOOK_MS = 20
"""Between two looks at a condition that is waited for."""

SETTLE_S = 0.4
"""For Qt to lay out and paint before a screenshot."""


class Hands:
    """Does to a shown viewer what a user would do."""

    def __init__(self, viewer: napari.Viewer, out: Path) -> None:
        self.viewer = viewer
        self.session = Session.of(viewer)
        self.out = out
        self.shots: list[Path] = []
        self.window: QWidget = viewer.window._qt_window
        self._canvas = viewer.window._qt_viewer.canvas

    def wait(self, condition: Callable[[], object], what: str, timeout: float) -> float:
        """Let Qt work until the condition holds; return the seconds that it took.

        Raises
        ------
        TomoscribeError
            If it does not within `timeout` seconds.
        """
        start = time.monotonic()
        while not condition():
            if time.monotonic() - start > timeout:
                raise TomoscribeError(f"The demo waited {timeout:.0f} s in vain for {what}.")
            QTest.qWait(LOOK_MS)
        return time.monotonic() - start

    def settle(self, seconds: float = SETTLE_S) -> None:
        """Let Qt lay out and paint."""
        QTest.qWait(int(1000 * seconds))

    def screenshot(self, name: str) -> Path:
        """Save the window, and dialogs over it, as `NN_name.png`."""
        self.settle()
        picture = self.window.grab()
        path = self.out / f"{len(self.shots) + 1:02d}_{name}.png"
        self._save(picture, path)
        return path

    def screenshot_of(self, widget: QWidget, name: str) -> Path:
        """Save one widget."""
        self.settle()
        path = self.out / f"{len(self.shots) + 1:02d}_{name}.png"
        self._save(widget.grab(), path)
        return path

    def raise_dock(self, title: str) -> None:
        """Bring the tab of a dock to the front."""
        for dock in self.window.findChildren(QDockWidget):
            if dock.windowTitle() == title:
                dock.raise_()
        self.settle(0.1)

    def click(self, button: QAbstractButton) -> None:
        """Press a button.

        Raises
        ------
        TomoscribeError
            If it cannot be pressed now.
        """
        if not button.isEnabled():
            raise TomoscribeError(
                f"The button '{button.text()}' cannot be pressed: {button.toolTip()}"
            )
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    def press_at(self, widget: QWidget, x_share: float) -> None:
        """Press the mouse on a widget, at a share of its width."""
        at = QPoint(round(x_share * widget.width()), widget.height() // 2)
        QTest.mouseClick(widget, Qt.MouseButton.LeftButton, pos=at)

    def click_voxel(self, zyx: Sequence[float]) -> None:
        """Go to the slice of a tomogram voxel and click on it."""
        layer = self.session.layer
        if layer is None:
            raise TomoscribeError("There is no tomogram to click on.")
        world = layer.data_to_world(tuple(float(v) for v in zyx))
        point = list(self.viewer.dims.point)
        point[-3] = world[0]
        self.viewer.dims.point = tuple(point)
        QApplication.processEvents()
        mapped = self._canvas.view.scene.transform.map((world[2], world[1], 0, 1))
        at = QPoint(round(mapped[0] / mapped[3]), round(mapped[1] / mapped[3]))
        QTest.mouseMove(self._canvas.native, at)
        QTest.mouseClick(self._canvas.native, Qt.MouseButton.LeftButton, pos=at)

    def _save(self, picture: QPixmap, path: Path) -> None:
        if not picture.save(str(path)):
            raise TomoscribeError(f"The screenshot {path} cannot be written.")
        self.shots.append(path)
