"""Puts run strip and membrane panel below the canvas, once in a viewer, whichever dock comes first.

The panel is there while a membrane is shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QDockWidget, QMainWindow, QWidget

from tomoscribe.ui.connections import connect
from tomoscribe.ui.membranes.membrane_panel import MembranePanel
from tomoscribe.ui.runs.run_strip import RunStrip
from tomoscribe.ui.session import Session
from tomoscribe.ui.widgets import dock_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari

STRIP = "Training"
PANEL = "Membrane"
RUNS = "Runs"
RUNS_HEIGHT = 220
"""Pixels: a bar and seven runs; the canvas keeps the rest."""
PLACED = "tomoscribe_below"
"""Property of a dock that was moved below the canvas once; the user may move it anywhere."""
BROUGHT = "tomoscribe_strip"
"""Property of the main window: the strip was there, and the user may have closed it."""


class PanelHost(QWidget):
    """Shows the dock that holds the panel when the session has a membrane, and hides it else."""

    def __init__(self, session: Session, dock: QWidget) -> None:
        super().__init__(dock)
        self._session = session
        self._dock = dock
        connect(self, session.membrane_changed, self.follow)
        self.follow()

    def follow(self, *_: object) -> None:
        """Follow the session."""
        self._dock.setVisible(self._session.membrane is not None)


def add_strip(viewer: napari.Viewer) -> None:
    """Add the run strip if it is missing, and the panel above; the strip minds the closing."""
    window = viewer.window
    if STRIP in window.dock_widgets:
        return
    session = Session.of(viewer)
    strip = window.add_dock_widget(
        RunStrip(session), name=STRIP, area="bottom", add_vertical_stretch=False
    )
    panel = window.add_dock_widget(
        MembranePanel(session), name=PANEL, area="bottom", add_vertical_stretch=False
    )
    window._qt_window.splitDockWidget(panel, strip, Qt.Orientation.Vertical)
    for dock in (strip, panel):
        # They are low; a title bar would double the strip's height.
        dock.setTitleBarWidget(QWidget(dock))
    PanelHost(session, panel)


def show_runs(viewer: napari.Viewer) -> None:
    """Open the dock Runs, or bring it to the front."""
    dock, _ = viewer.window.add_plugin_dock_widget("tomoscribe", RUNS)
    dock.show()
    dock.raise_()


def put_runs_below(runs: QWidget) -> None:
    """Move the dock that a widget is in below the canvas, above the strip, the first time."""
    dock = dock_of(runs)
    window = None if dock is None else dock.parentWidget()
    if not isinstance(window, QMainWindow) or dock is None or dock.property(PLACED):
        return
    dock.setProperty(PLACED, True)

    def move() -> None:
        strip = window.findChild(QDockWidget, STRIP)
        window.removeDockWidget(dock)
        window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, dock)
        if strip is not None:
            # Splitting puts the second below the first, and the strip is to stay lowest.
            window.splitDockWidget(dock, strip, Qt.Orientation.Vertical)
        dock.show()
        window.resizeDocks([dock], [RUNS_HEIGHT], Qt.Orientation.Vertical)

    _soon(dock, move)  # not while Qt is showing it elsewhere


def bring_strip(viewer: napari.Viewer, main_window: QWidget) -> None:
    """Add the run strip with the first dock that is shown in a window."""
    if not main_window.property(BROUGHT):
        main_window.setProperty(BROUGHT, True)
        # Qt hides a dock that is added while another is being shown, so the strip comes next.
        _soon(main_window, lambda: add_strip(viewer) if main_window.isVisible() else None)


def _soon(owner: QWidget, call: Callable[[], None]) -> None:
    """Call once Qt is done with what it does now, unless the owner is deleted first."""
    timer = QTimer(owner)
    timer.setSingleShot(True)
    timer.timeout.connect(call)
    timer.start(0)
