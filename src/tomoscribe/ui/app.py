"""Puts the docks and the run strip into a viewer, and opens one."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING

import napari
from qtpy.QtCore import QTimer

from tomoscribe.ui.lifetime import WindowEnd
from tomoscribe.ui.runs.strip_dock import add_strip
from tomoscribe.ui.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

DOCKS = ("Project", "Annotate", "Train", "Compare")
FRONT = "Annotate"
"""The dock in front at the beginning."""


def add_docks(viewer: napari.Viewer) -> None:
    """Add the docks that are missing: those of the tab group, and the run strip below."""
    window = viewer.window
    for name in DOCKS:
        dock, _ = window.add_plugin_dock_widget("tomoscribe", name, tabify=name != DOCKS[0])
        dock.setWindowTitle(name)
        WindowEnd.watch(Session.of(viewer), dock)
        if name == FRONT:
            front = dock
    add_strip(viewer)
    # Tabs exist only once the window has laid its docks out.
    QTimer.singleShot(0, front.raise_)


def open_viewer(
    paths: str | Path | Sequence[str | Path] = (), *, show: bool = True
) -> napari.Viewer:
    """Return a viewer with tomoscribe's docks and a path, or several, opened in it.

    Raises
    ------
    TomoscribeError
        If a path cannot be opened; the viewer is closed again.
    """
    viewer = napari.Viewer(title="tomoscribe", show=show)
    try:
        add_docks(viewer)
        Session.of(viewer).open_paths([paths] if isinstance(paths, str | Path) else paths)
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
