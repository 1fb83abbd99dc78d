"""Layers are taken away with their own canvas' OpenGL context current, as napari omits to see to.

napari 0.9 flushes a removed layer's OpenGL commands at once, in whatever context is current, mostly
that of Qt's windows. Deleting the canvas' programs there crashes Mesa's software OpenGL, the one of
remote desktops, at the next drawing if nothing but picks or a heatmap is left.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QObject

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from qtpy.QtWidgets import QOpenGLWidget


class CanvasContext(QObject):
    """Makes a canvas' context current before a layer of its viewer goes; lives as the canvas."""

    def __init__(self, viewer: ViewerModel, canvas: QOpenGLWidget) -> None:
        super().__init__(canvas)
        self._canvas = canvas
        viewer.layers.events.removing.connect(self._make_current)

    @classmethod
    def mind(cls, viewer: ViewerModel, canvas: QOpenGLWidget) -> None:
        """Mind a canvas, once."""
        if canvas.findChild(cls) is None:
            cls(viewer, canvas)

    def _make_current(self) -> None:
        if self._canvas.isValid():
            self._canvas.makeCurrent()
