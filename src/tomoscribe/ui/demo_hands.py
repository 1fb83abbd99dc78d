"""The hands of the demo: mouse events on the real window, waiting with a deadline, screenshots."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from qtpy import QtTest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import QAbstractButton, QApplication, QDockWidget, QWidget

from tomoscribe.errors import TomoscribeError
from tomoscribe.ui.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import napari

QTest: Any = QtTest.QTest  # the stubs take its static functions for methods

LOOK_MS = 20
"""Between two looks at a condition that is waited for."""

SETTLE_S = 0.4
"""For Qt to lay out and paint before a screenshot."""

LARGEST_BYTES = 480_000
"""Of a picture: the repository keeps many. A larger one is written again in few colours."""
COLORS = 64


class Hands:
    """Does to a shown viewer what a user would do.

    Parameters
    ----------
    viewer : napari.Viewer
        Shown, with our docks.
    out : Path
        Folder of the pictures.
    numbered : bool
        Whether pictures are `NN_name.png` in their order, or `name.png`.
    """

    def __init__(self, viewer: napari.Viewer, out: Path, *, numbered: bool = True) -> None:
        self._numbered = numbered
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
        """Save the window, and what lies over it."""
        return self.screenshot_of(self.window, name)

    def screenshot_of(self, widget: QWidget, name: str) -> Path:
        """Save one widget.

        Raises
        ------
        TomoscribeError
            If it cannot be written.
        """
        self.settle()
        number = f"{len(self.shots) + 1:02d}_" if self._numbered else ""
        path = self.out / f"{number}{name}.png"
        if not widget.grab().save(str(path)):
            raise TomoscribeError(f"The screenshot {path} cannot be written.")
        if path.stat().st_size > LARGEST_BYTES:
            from PIL import Image

            Image.open(path).convert("RGB").quantize(COLORS).save(path, optimize=True)
        self.shots.append(path)
        return path

    def key(self, sequence: str) -> None:
        """Press keys over the canvas, such as `Shift+U`."""
        QTest.keySequence(self._canvas.native, QKeySequence(sequence))
        self.settle(0.1)

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
