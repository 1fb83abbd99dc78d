"""Puts the docks and the run strip into a viewer, and opens one."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import napari
from qtpy.QtCore import QTimer

from tomoscribe.ui.lifetime import WindowEnd
from tomoscribe.ui.runs.strip_dock import add_strip
from tomoscribe.ui.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

DOCKS = ("Annotate", "Train", "Compare")


def add_docks(viewer: napari.Viewer) -> None:
    """Add the docks that are missing: three in one tab group, and the run strip below."""
    window = viewer.window
    first = None
    for name in DOCKS:
        dock, _ = window.add_plugin_dock_widget("tomoscribe", name, tabify=first is not None)
        dock.setWindowTitle(name)
        first = first or dock
        WindowEnd.watch(Session.of(viewer), dock)
    add_strip(viewer)
    if first is not None:
        # Tabs exist only once the window has laid its docks out.
        QTimer.singleShot(0, first.raise_)


def open_viewer(paths: Sequence[str | Path] = (), *, show: bool = True) -> napari.Viewer:
    """Return a viewer with tomoscribe's docks and the paths opened in it.

    Raises
    ------
    TomoscribeError
        If a path cannot be opened; the viewer is closed again.
    """
    viewer = napari.Viewer(title="tomoscribe", show=show)
    try:
        add_docks(viewer)
        Session.of(viewer).open_paths(paths)
        # Until here the canvas did not have the size that the docks leave it.
        QTimer.singleShot(0, viewer.reset_view)
    except BaseException:
        viewer.close()
        raise
    return viewer


def run(paths: Sequence[str | Path] = ()) -> None:
    """Open a viewer and stay until it is closed; an interrupt closes the project too."""
    session = Session.of(open_viewer(paths))
    # Napari collects garbage with each layer that goes: 130 ms over what is imported and stays.
    gc.collect()
    gc.freeze()
    try:
        napari.run()
    finally:
        session.close()
