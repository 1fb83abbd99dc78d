"""The layer `proposals`: rings that come and go with the threshold, one of them under review."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from tomoscribe.ui import style
from tomoscribe.ui.annotate.pick_style import MESH_SIZE, lift_of
from tomoscribe.ui.quiet_layer import add_quietly, still_in

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel
    from napari.layers import Image, Points
    from numpy.typing import NDArray

    from tomoscribe.evaluation.proposals import Proposals
    from tomoscribe.ui.membranes.membrane_layer import MembraneLayer

NAME = "proposals"
COLOR = style.WAIT
"""Blue stands out on the orange of heatmaps and the violet of meshes, beside the class colours."""

CURRENT = "white"


class Place(Protocol):
    """Where rings are shown: a session, or a second canvas."""

    @property
    def viewer(self) -> ViewerModel:
        """The viewer that the layer is in."""

    @property
    def layer(self) -> Image | None:
        """The tomogram."""

    membranes: MembraneLayer


class ProposalLayer:
    """Owns the Points layer, of a session or of a second canvas; others say what it holds."""

    def __init__(self, session: Place) -> None:
        self._session = session
        self._proposals: Proposals | None = None
        self._current: int | None = None
        self._visible = False
        self._mask: NDArray[np.bool_] | None = None
        self._image: Image | None = None
        self._layer: Points | None = None
        self._on_mesh = False

    @property
    def layer(self) -> Points | None:
        """The napari layer, if it is there; the user may delete it."""
        return still_in(self._session.viewer, self._layer)

    def show(
        self, proposals: Proposals | None, shown: NDArray[np.bool_], current: int | None = None
    ) -> None:
        """Show proposals where `shown` (N,) says so, and always the one under review."""
        if proposals is None or not len(proposals):
            self.clear()
            return
        self.prepare()
        layer = self.layer
        if layer is None:
            return
        mask = shown.copy()
        if current is not None:
            mask[current] = True
        new = proposals is not self._proposals or len(layer.data) != len(proposals)
        new = new or self._on_mesh != self._session.membranes.shown
        self._on_mesh = self._session.membranes.shown
        # One refresh: each of these would slice, draw and make a thumbnail of its own.
        with layer._block_refresh():
            if new:
                self._replace(layer, proposals)
            if new or self._mask is None or not np.array_equal(self._mask, mask):
                self._mask = layer.shown = mask
                # napari 0.9 ignores `shown` in 3D, and draws what has no size as a dot.
                layer.size = np.where(mask, self._size(proposals), 0.0)
        layer.refresh(thumbnail=False, highlight=False, extent=False)
        # After the refresh: colours are drawn at once, by the rows that the last slicing found.
        self._mark(layer, current)
        if self._on_mesh:
            self._hide(layer, mask)

    def show_layer(self, visible: bool) -> None:
        """Show or hide the layer, also one that is made later."""
        self._visible = visible
        layer = self.layer
        if layer is not None and layer.visible != visible:  # napari draws all again either way
            layer.visible = visible

    def prepare(self) -> None:
        """Make the layer, empty, unless it is there: a new one holds the window up."""
        image, layer = self._session.layer, self.layer
        if layer is not None and image is not self._image:
            self._session.viewer.layers.remove(layer)
            layer = None
        if layer is None and image is not None:
            self._make(image)
            self._image = image

    def clear(self) -> None:
        """Empty the layer; without its tomogram, take it away."""
        layer, image = self.layer, self._session.layer
        if layer is not None and (image is None or image is not self._image):
            self._session.viewer.layers.remove(layer)
        elif layer is not None and len(layer.data):
            self._mark(layer, None)
            layer.data = np.zeros((0, 3))
        self._proposals = self._current = self._mask = None

    def _replace(self, layer: Points, proposals: Proposals) -> None:
        self._mark(layer, None)  # colours stay with the row, so no other row needs a new one
        layer.selected_data = set()
        layer.data = self._drawn_at(proposals)
        layer.features = _features(proposals)
        self._proposals = proposals

    def _hide(self, layer: Points, mask: NDArray[np.bool_]) -> None:
        """Make the rings (N,) that are not in the mask invisible."""
        colors = layer.border_color
        if not np.array_equal(colors[:, 3] > 0, mask):
            colors = colors.copy()
            colors[:, 3] = mask
            layer.border_color = colors

    def _size(self, proposals: Proposals) -> float:
        """Return the size of a ring in voxels: on a mesh as small as picks are there."""
        return proposals.diameter_voxels * (MESH_SIZE if self._on_mesh else 1.0)

    def _drawn_at(self, proposals: Proposals) -> NDArray[np.float64]:
        """Return where rings (N, 3) are drawn: on a mesh lifted, so that they do not sink in."""
        if not self._on_mesh or proposals.normals_zyx is None:
            return proposals.zyx
        return proposals.zyx + lift_of(self._size(proposals)) * proposals.normals_zyx

    def _mark(self, layer: Points, current: int | None) -> None:
        if current == self._current:
            return
        colors = layer.border_color.copy()
        if self._current is not None:
            colors[self._current] = _rgba(COLOR)
        if current is not None:
            colors[current] = _rgba(CURRENT)
        layer.border_color = colors
        self._current = current

    def _make(self, image: Image) -> None:
        from napari.layers import Points

        layer = Points(
            np.zeros((0, 3)),
            ndim=3,
            name=NAME,
            symbol="disc",
            face_color="transparent",
            border_color=COLOR,
            border_width=0.08,
            scale=image.scale,
            translate=image.translate,
            units=image.units,
            axis_labels=image.axis_labels,
            projection_mode="rescale_spherical",
            visible=self._visible,
        )
        layer.editable = False
        self._proposals = self._current = self._mask = None
        layers = self._session.viewer.layers
        # Below the picks, so that these are clicked first.
        below = layers.index(layers["picks"]) if "picks" in layers else None
        self._layer = add_quietly(self._session.viewer, layer, below)


def _features(proposals: Proposals) -> pd.DataFrame:
    import pandas as pd  # see `pick_style`

    return pd.DataFrame(
        {"score": proposals.scores, "class": [proposals.class_name] * len(proposals)}
    )


def _rgba(color: str) -> NDArray[np.float64]:
    from napari.utils.colormaps.standardize_color import transform_color

    return np.asarray(transform_color(color)[0], dtype=float)
