"""Puts the run strip below the canvas, once in a viewer, whichever dock comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QWidget

from tomoscribe.ui.run_strip import RunStrip
from tomoscribe.ui.session import Session

if TYPE_CHECKING:
    import napari

STRIP = "Training"
BROUGHT = "tomoscribe_strip"
"""Property of the main window: the strip was there, and the user may have closed it."""


def add_strip(viewer: napari.Viewer) -> None:
    """Add the run strip if it is missing; it minds the closing of the window."""
    window = viewer.window
    if STRIP in window.dock_widgets:
        return
    strip = window.add_dock_widget(
        RunStrip(Session.of(viewer)), name=STRIP, area="bottom", add_vertical_stretch=False
    )
    # The strip is one line high; a title bar would double it.
    strip.setTitleBarWidget(QWidget(strip))


def bring_strip(viewer: napari.Viewer, main_window: QWidget) -> None:
    """Add the run strip with the first dock that is shown in a window."""
    if not main_window.property(BROUGHT):
        main_window.setProperty(BROUGHT, True)
        # Qt hides a dock that is added while another is being shown, so the strip comes next.
        timer = QTimer(main_window)
        timer.setSingleShot(True)
        timer.timeout.connect(lambda: add_strip(viewer) if main_window.isVisible() else None)
        timer.start(0)
