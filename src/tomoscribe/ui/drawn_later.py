"""Holds the window's drawing back while many things change at once."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from napari import Viewer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.components import ViewerModel


@contextmanager
def drawn_later(viewer: ViewerModel) -> Iterator[None]:
    """Draw once, in a later turn of the event loop, whatever changes within.

    Where napari shows or hides a slider Qt lays the window out and draws the canvas at once,
    half changed.
    """
    window = viewer.window._qt_window if isinstance(viewer, Viewer) else None
    if window is None or not window.updatesEnabled():
        yield
        return
    window.setUpdatesEnabled(False)
    try:
        yield
    finally:
        window.setUpdatesEnabled(True)
