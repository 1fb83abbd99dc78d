"""The membrane on the second canvas: the same mesh and density, painted with B's scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Surface

from tomoscribe.ui.membranes.mesh_buffers import lend
from tomoscribe.ui.membranes.mesh_paint import BRIGHT_SHARE, MeshPaint, score_table
from tomoscribe.ui.membranes.mesh_visual import node_of, soften_light, write_colors
from tomoscribe.ui.scores.score_map import contrast_of

if TYPE_CHECKING:
    from napari.qt import QtViewer

    from tomoscribe.ui.scores.stored_scores import KnownScores
    from tomoscribe.ui.session import Session

NOTHING = (0.0, 255.0)


class TwinMesh:
    """Owns the surface on the second canvas; there is one while the session shows a membrane."""

    def __init__(self, session: Session, view: QtViewer) -> None:
        self._session = session
        self._view = view
        self._paint = MeshPaint.of(session)
        self.layer: Surface | None = None
        self._lit = False

    def show(self, scores: KnownScores | None, class_name: str | None) -> None:
        """Show the membrane that the session shows, with these scores where they are of it."""
        shelved = self._session.surfaces.shelved
        main = self._session.membranes.layer
        if shelved is None or main is None or not self._session.membranes.shown:
            if self.layer is not None:
                self.layer.visible = False
            return
        mesh = shelved.membrane.mesh
        if self.layer is None or self.layer.vertices is not mesh.vertices_zyx:
            self._replace(main)
        assert self.layer is not None
        count = len(mesh.vertices_zyx)
        stored, limits = np.zeros(count, np.uint8), NOTHING
        if scores is not None and scores.kind == "mesh" and class_name in scores.grid.class_names:
            found = scores.values[scores.grid.class_names.index(class_name)]
            if found.shape[-1] == count and self._paint.shows_scores:
                stored, limits = found[0, 0], contrast_of(found, BRIGHT_SHARE)
        self.layer.visible = True
        colors = self._paint.colors_of(stored, score_table(limits))
        write_colors(self._view.canvas, self.layer, colors)
        self.light()

    def light(self) -> None:
        """Light a mesh that has just come, once the camera stands where it is to be seen from."""
        viewer = self._view.viewer
        if self.layer is None or self._lit or viewer.dims.ndisplay == 2:
            return
        self._lit = True
        soften_light(self._view.canvas, self.layer)
        # napari turns the light only with the camera, which may have stood there before.
        viewer.scene.camera.events.view_direction(value=viewer.scene.camera.view_direction)

    def _replace(self, main: Surface) -> None:
        """Put another mesh into the layer, which is made where there is none."""
        shelved, layers = self._session.surfaces.shelved, self._view.viewer.layers
        assert shelved is not None
        mesh, buffers = shelved.membrane.mesh, shelved.buffers
        if self.layer is None:
            corners = mesh.vertices_zyx[mesh.faces[0]]
            self.layer = Surface(
                (corners, np.arange(3)[None], np.ones(3, np.float32)), name=main.name,
                shading="smooth", contrast_limits=(0.0, 1.0), scale=main.scale,
                translate=main.translate, units=main.units, axis_labels=main.axis_labels,
            )  # fmt: skip
            layers.insert(1, self.layer)
            layers.selection.clear()
        layer = self.layer
        layer.visible = False
        layer.vertex_colors = None
        lend(node_of(self._view.canvas, layer), layer, buffers)
        layer.data = (mesh.vertices_zyx, mesh.faces, np.ones(len(mesh.vertices_zyx), np.float32))
        for name in ("scale", "translate", "units"):
            if not np.array_equal(getattr(layer, name), getattr(main, name)):
                setattr(layer, name, getattr(main, name))
        self._lit = False
