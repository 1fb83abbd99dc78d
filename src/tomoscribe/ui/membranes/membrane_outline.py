"""The layer `outline`: where the slice in view cuts the tomogram's membranes.

napari's own cut of a surface leaves specks; this one is the exact section, drawn as lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.ui.annotate.pick_style import rgba
from tomoscribe.ui.line_layer import LineLayer

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.ui.session import Session

NAME = "outline"
CURRENT_COLOR = "#ffd24d"
COLORS = ("#7fb3d5", "#a3d9a5", "#c9a0dc", "#e8a598", "#9ad5ca", "#c8c37a")
"""Muted, so that the current membrane stands out; beside the colours of classes."""

CURRENT_ALPHA, OTHER_ALPHA = 1.0, 0.75
WIDTH_PIXELS = 2.5
ZOOM_STEP = 1.25
"""Zoom by which the lines' width, which napari counts in voxels, is set anew."""

COMPLETE_COLOR = "#009e73"


class OutlineLayer:
    """Follows the slice with the sections of all loaded membranes of the tomogram."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lines = LineLayer(session, NAME, "line")
        self._on = True
        self._listening = False
        self._zoom = 1.0
        session.membrane_changed.connect(self.follow)
        session.current_changed.connect(self.follow)
        session.patches_changed.connect(self.follow)
        session.surfaces.shelf.arrived.connect(self.follow)

    @property
    def lines(self) -> LineLayer:
        """The lines as they are drawn."""
        return self._lines

    @property
    def on(self) -> bool:
        """Whether outlines are shown."""
        return self._on

    def set_on(self, on: bool) -> None:
        """Show outlines, or not."""
        self._on = on
        self.follow()

    def follow(self, *_: object) -> None:
        """Draw the sections with the slice in view."""
        self._listen()
        viewer, image = self._session.viewer, self._session.layer
        loaded = self._session.surfaces.loaded()
        if image is None or not loaded or not self._on or viewer.dims.ndisplay != 2:
            self._lines.hide()
            return
        (axis,) = viewer.dims.not_displayed[-1:]
        position = round(float(image.world_to_data(viewer.dims.point)[axis]))
        current = self._session.membrane_name
        drawn: list[NDArray[np.float64]] = []
        colors: list[NDArray[np.float64]] = []
        for index, shelved in enumerate(loaded):
            segments, triangles = shelved.outline.cut(axis, position)
            segments[:, :, axis] = position
            look = _color(index, shelved.name == current)
            color = np.tile(look, (len(segments), 1))
            mask = self._session.surfaces.complete_mask(shelved.name)
            if mask is not None and mask.any() and len(triangles):
                inside = mask[shelved.membrane.mesh.faces[triangles]].all(axis=1)
                color[inside] = rgba(COMPLETE_COLOR)
            drawn.append(segments)
            colors.append(color)
        segments = np.concatenate(drawn)
        segments[:, 1] -= segments[:, 0]
        self._zoom = max(float(viewer.scene.camera.zoom), 1e-9)
        width = WIDTH_PIXELS / (self._zoom * float(image.scale[-1]))
        self._lines.draw(segments, np.concatenate(colors), width)

    def _listen(self) -> None:
        if not self._listening:
            self._listening = True
            viewer = self._session.viewer
            for event in (viewer.dims.events.point, viewer.dims.events.ndisplay):
                event.connect(self._on_view)
            viewer.dims.events.order.connect(self._on_view)
            viewer.scene.camera.events.zoom.connect(self._on_zoom)

    def _on_zoom(self) -> None:
        ratio = float(self._session.viewer.scene.camera.zoom) / self._zoom
        if not 1 / ZOOM_STEP < ratio < ZOOM_STEP:
            self.follow()

    def _on_view(self) -> None:
        self.follow()


def _color(index: int, current: bool) -> tuple[float, float, float, float]:
    if current:
        return rgba(CURRENT_COLOR, CURRENT_ALPHA)
    return rgba(COLORS[index % len(COLORS)], OTHER_ALPHA)
