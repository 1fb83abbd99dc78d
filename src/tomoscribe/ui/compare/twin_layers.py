"""What the second canvas shows beside scores: the same tomogram, the same picks; nothing copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Points

from tomoscribe.ui.tomogram_layer import NAME

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from napari.layers import Layer

PLACED = ("scale", "translate", "units")
IMAGE_LOOK = (
    "contrast_limits", "gamma", "colormap", "opacity", "visible", "depiction", "rendering",
    "interpolation2d",
)  # fmt: skip
POINTS_LOOK = ("size", "symbol", "face_color", "border_color", "border_width", "shown")


class TwinImage:
    """A layer that shows the array of another one, and looks as that one does."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._of: Image | None = None
        self.layer: Image | None = None

    def follow(self, image: Image | None) -> None:
        """Show what this layer shows, from now on; None shows nothing."""
        if image is not self._of:
            self._let_go()
            self._of = image
            if image is not None:
                for name in IMAGE_LOOK:
                    getattr(image.events, name).connect(self._on_look)
                image.plane.events.connect(self._on_plane)
                image.events.data.connect(self._on_data)
        self._show()

    def refresh(self) -> None:
        """Draw again: the array gives other values, as of other slabs."""
        if self.layer is not None:
            self.layer.refresh(thumbnail=False, extent=False, highlight=False)

    def close(self) -> None:
        """Let go of the other layer."""
        self._let_go()

    def _let_go(self) -> None:
        image, self._of = self._of, None
        if image is not None:
            for name in IMAGE_LOOK:
                getattr(image.events, name).disconnect(self._on_look)
            image.plane.events.disconnect(self._on_plane)
            image.events.data.disconnect(self._on_data)

    def _show(self) -> None:
        image, layers = self._of, self._viewer.layers
        if image is None:
            if self.layer is not None and self.layer in layers:
                layers.remove(self.layer)
            self.layer = None
            return
        if self.layer is None:
            self.layer = Image(
                image.data,
                name=NAME,
                rgb=False,
                contrast_limits=image.contrast_limits,
                axis_labels=image.axis_labels,
                projection_mode=image.projection_mode,
                **{name: getattr(image, name) for name in PLACED},
            )
            _insert(self._viewer, self.layer, 0)
        else:
            self._on_data()
        self._on_look()
        self._on_plane()

    def _on_data(self, *_: object) -> None:
        image, layer = self._of, self.layer
        if image is None or layer is None:
            return
        with layer._block_refresh():
            if layer.data is not image.data:
                layer.data = image.data
            _copy(image, layer, PLACED)
        layer.refresh(thumbnail=False, highlight=False)

    def _on_look(self, *_: object) -> None:
        if self._of is not None and self.layer is not None:
            low, high = self._of.contrast_limits_range
            self.layer.contrast_limits_range = (low, high)
            _copy(self._of, self.layer, IMAGE_LOOK)

    def _on_plane(self, *_: object) -> None:
        if self._of is not None and self.layer is not None:
            for name in ("position", "normal", "thickness"):
                wanted = getattr(self._of.plane, name)
                if getattr(self.layer.plane, name) != wanted:
                    setattr(self.layer.plane, name, wanted)


class TwinPoints:
    """A Points layer that shows what another one shows; for looking only."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self.layer: Points | None = None

    def show(self, points: Points | None) -> None:
        """Show what the other layer shows now; None shows nothing."""
        layers = self._viewer.layers
        if points is None:
            if self.layer is not None and self.layer in layers:
                layers.remove(self.layer)
            self.layer = None
            return
        if self.layer is None:
            self.layer = Points(
                np.zeros((0, 3)), ndim=3, name=points.name, axis_labels=points.axis_labels[-3:],
                projection_mode=points.projection_mode, units=points.units[-3:],
            )  # fmt: skip
            self.layer.editable = False
            _insert(self._viewer, self.layer, len(layers))
        layer = self.layer
        with layer._block_refresh():
            layer.selected_data = set()
            layer.data = np.asarray(points.data)
            _copy(points, layer, (*PLACED, "visible"))
            for name in POINTS_LOOK if len(points.data) else ():
                setattr(layer, name, getattr(points, name))
        layer.refresh(thumbnail=False, highlight=False, extent=False)


def _insert(viewer: ViewerModel, layer: Layer, index: int) -> None:
    viewer.layers.insert(index, layer)
    viewer.layers.selection.clear()  # for looking only: no layer takes the mouse


def _copy(source: Any, target: Any, names: tuple[str, ...]) -> None:
    for name in names:
        wanted, held = getattr(source, name), getattr(target, name)
        if not np.array_equal(held, wanted) if isinstance(wanted, np.ndarray) else held != wanted:
            setattr(target, name, wanted)
