"""A Vectors layer that shows lines of ours, is never the active one, and comes and goes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from napari.layers import Vectors

from tomoscribe.ui.quiet_layer import add_quietly

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.ui.session import Session


WIDTH_STEP = 0.02
"""Change of width that is worth drawing."""


class LineLayer:
    """Lines with a colour each, in voxels of the current tomogram.

    Parameters
    ----------
    session : Session
    name : str
        Of the layer.
    style : {"line", "triangle", "arrow"}
        How napari draws each.
    projection : str
        "all" to draw those of neighbouring slices too, as far as the viewer's thickness reaches.
    on_top : bool
        Above all layers, instead of just above the volume and below the picks.
    """

    def __init__(
        self,
        session: Session,
        name: str,
        style: Literal["line", "triangle", "arrow"],
        projection: Literal["none", "all"] = "none",
        on_top: bool = False,
    ) -> None:
        self._session = session
        self._name = name
        self._style = style
        self._projection = projection
        self._on_top = on_top
        self._layer: Vectors | None = None

    @property
    def layer(self) -> Vectors | None:
        """The layer, if it is in the viewer."""
        if self._layer is not None and self._layer not in self._session.viewer.layers:
            self._layer = None
        return self._layer

    def draw(
        self,
        lines: NDArray[np.floating],
        colors: NDArray[np.floating],
        width: float,
    ) -> None:
        """Show lines (N, 2, 3), each a start and a way, in colours (N, 4), `width` voxels wide."""
        image = self._session.layer
        if image is None or not len(lines):
            self.hide()
            return
        layer = self.layer or self._make()
        # Each of napari's setters would slice and draw all lines; once at the end is enough.
        with layer._block_refresh():
            for name in ("scale", "translate", "units"):
                wanted = getattr(image, name)
                if not np.array_equal(getattr(layer, name), wanted):
                    setattr(layer, name, wanted)
            if abs(layer.edge_width - width) > WIDTH_STEP * width:
                layer.edge_width = width
            # No new extent to tell the viewer: lines lie on meshes and picks, which are there.
            with layer.events.blocker_all():
                layer.data = np.asarray(lines, dtype=np.float64)
                layer.edge_color = np.asarray(colors, dtype=np.float64)
            if not layer.visible:
                layer.visible = True
        layer.refresh(thumbnail=False)

    def hide(self) -> None:
        """Show nothing."""
        layer = self.layer
        if layer is not None and layer.visible:
            layer.visible = False

    def _make(self) -> Vectors:
        image, viewer = self._session.layer, self._session.viewer
        assert image is not None
        layer = Vectors(
            np.zeros((1, 2, 3)), name=self._name, scale=image.scale, translate=image.translate,
            units=image.units, axis_labels=("z", "y", "x"), vector_style=self._style,
            projection_mode=self._projection,
        )  # fmt: skip
        # A Python loop over all lines, and nobody looks at it: 10 ms a slice.
        layer._update_thumbnail = _no_thumbnail
        place = None if self._on_top else 1 + viewer.layers.index(image)
        self._layer = add_quietly(viewer, layer, place)
        return self._layer


def _no_thumbnail() -> None:
    """Leave the layer list's little picture as it is."""
