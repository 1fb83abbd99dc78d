"""The layer `objects`: what maps of a segmentation became, a section or the whole volume."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import CyclicLabelColormap, DirectLabelColormap, label_colormap

from tomoscribe.ui.quiet_layer import OURS, add_quietly, still_in

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image
    from numpy.typing import NDArray

    from tomoscribe.ui.scores.score_map import ScoreGrid
    from tomoscribe.ui.segments.decoding import Objects, Section
    from tomoscribe.ui.viewer_bound import ViewerBound

NAME = "objects"
OPACITY = 0.55
OVER_SCORES = 0.3
"""Opacity above the bright map of scores: both together would hide the image."""
OUTLINE = 2
"""Pixels of an outline, where only these are drawn."""
COLORS = 49
"""Of objects; napari's own choice, told apart by neighbours in number."""


class ObjectsLayer:
    """Owns the layer, of a session or of a second canvas; the user may rename or delete it."""

    def __init__(self, stage: ViewerBound) -> None:
        self._stage = stage
        self._layer: Labels | None = None
        self._sections: NDArray[Any] | None = None
        self._cyclic: CyclicLabelColormap | None = None
        self._colored: object = None
        self._hidden = False
        self._opacity = OPACITY
        self.outlines = False

    @property
    def layer(self) -> Labels | None:
        """The napari layer, if it is there."""
        self._layer = still_in(self._stage.viewer, self._layer)
        return self._layer

    def show(self, objects: Objects, grid: ScoreGrid, colors: Sequence[str] | None) -> None:
        """Show the objects of a volume; `colors` by class, None gives each object its own."""
        self._sections = None
        self._bring(objects.labels, grid)
        self._color(objects.class_of, colors)

    def show_section(self, section: Section, grid: ScoreGrid, colors: Sequence[str] | None) -> None:
        """Show the objects of a section; of others only those that were shown since `show`."""
        kept = self._sections
        if kept is None or kept.shape != grid.shape_zyx:
            # Pages of zeros that nobody writes take no memory.
            kept = self._sections = np.zeros(grid.shape_zyx, np.uint16)
        at: list[Any] = [slice(None)] * 3
        at[section.axis] = section.index
        kept[tuple(at)] = section.labels
        self._bring(kept, grid)
        self._color(section.class_of, colors)

    def forget_sections(self) -> None:
        """Forget the sections that were shown: they are of other settings or maps."""
        self._sections = None

    def hide(self, hidden: bool) -> None:
        """Hide the layer for a while, as under a difference; what the user hid stays hidden."""
        layer = self.layer
        if hidden == self._hidden or layer is None:
            return
        if hidden and layer.visible:
            layer.visible, self._hidden = False, True
        elif not hidden:
            layer.visible, self._hidden = True, False

    def clear(self) -> None:
        """Show nothing; the layer stays, for napari takes long to bring another."""
        layer, self._sections = self.layer, None
        if layer is None:
            return
        self.leave_with_image()
        if self.layer is not None and layer.data.size > 1:
            layer.data = np.zeros((1, 1, 1), layer.data.dtype)

    def leave_with_image(self) -> None:
        """Take the layer away if its image has gone: the next one may have other units."""
        layer = self.layer
        if layer is not None and self._stage.layer is None:
            self._stage.viewer.layers.remove(layer)

    def set_outlines(self, on: bool) -> None:
        """Draw outlines only, or whole objects."""
        self.outlines = on
        if self.layer is not None:
            self.layer.contour = OUTLINE if on else 0

    def fade(self, over_scores: bool) -> None:
        """Let what lies below be seen; an opacity that the user has set stays."""
        layer, before = self.layer, self._opacity
        self._opacity = OVER_SCORES if over_scores else OPACITY
        if layer is not None and layer.opacity == before:
            layer.opacity = self._opacity

    def prepare(self, colors: Sequence[str] | None) -> None:
        """Make the layer, empty, unless it is there: a new one holds the window up.

        `colors` are those of all classes, None where each object will have its own.
        """
        image = self._stage.layer
        if self.layer is not None or image is None:
            return
        class_of = np.arange(-1, len(colors or ()))
        colormap = None if colors is None else _by_class(class_of, colors)
        empty = np.zeros((1, 1, 1), np.uint16)  # as sections are: another type is coloured anew
        self._make(empty, image, image.scale[-3:], image.translate[-3:], colormap)
        self._colored = None if colors is None else (tuple(colors), tuple(class_of.tolist()))

    def mark(self, number: int) -> None:
        """Show which object is selected: napari draws its number in the layer's controls."""
        layer = self.layer
        if layer is not None and layer.selected_label != number:
            layer.selected_label = number

    def number_at(self, world: Sequence[float], direction: Any) -> int:
        """Return the object at a world position, in 3D the first along the view; 0 for none."""
        layer, dims = self.layer, self._stage.viewer.dims
        if layer is None or not layer.visible:
            return 0
        value = layer.get_value(
            world, view_direction=direction, dims_displayed=list(dims.displayed), world=True
        )
        return int(value or 0)

    def _bring(self, values: NDArray[Any], grid: ScoreGrid) -> None:
        image, layer = self._stage.layer, self.layer
        if image is None:
            return
        scale = np.asarray(image.scale[-3:]) * grid.bin
        place = np.asarray(image.translate[-3:])
        translate = place + np.asarray(image.scale[-3:]) * (grid.bin - 1) / 2
        if layer is None:
            self._make(values, image, scale, translate)
            return
        moved = not (
            layer.data.shape == values.shape
            and np.array_equal(layer.scale, scale)
            and np.array_equal(layer.translate, translate)
        )
        with layer._block_refresh():
            if layer.data is not values:
                layer.data = values
            if moved:
                layer.scale, layer.translate = scale, translate
        layer.refresh(thumbnail=False, extent=moved, highlight=False)

    def _make(
        self,
        values: NDArray[Any],
        image: Image,
        scale: Any,
        translate: Any,
        colormap: DirectLabelColormap | None = None,
    ) -> None:
        layer = Labels(
            values,
            colormap=colormap,
            name=NAME,
            opacity=self._opacity,
            scale=scale,
            translate=translate,
            units=image.units[-3:],
            axis_labels=image.axis_labels[-3:],
            metadata={OURS: NAME},
        )
        layer.editable = False
        layer.contour = OUTLINE if self.outlines else 0
        layers = self._stage.viewer.layers
        # Below what is painted, which counts more than what is predicted.
        below = layers.index(layers["labels"]) if "labels" in layers else None
        self._layer, self._colored, self._hidden = layer, None, False
        add_quietly(self._stage.viewer, layer, below)

    def _color(self, class_of: NDArray[np.int64], colors: Sequence[str] | None) -> None:
        """Give classes their colours, or each object one of many."""
        layer = self.layer
        if layer is None:
            return
        wanted = None if colors is None else (tuple(colors), tuple(class_of.tolist()))
        if wanted is None:
            if not isinstance(layer.colormap, CyclicLabelColormap):
                self._cyclic = self._cyclic or label_colormap(COLORS)
                layer.colormap = self._cyclic
        elif wanted != self._colored or isinstance(layer.colormap, CyclicLabelColormap):
            layer.colormap = _by_class(class_of, colors or ())
        self._colored = wanted


def _by_class(class_of: NDArray[np.int64], colors: Sequence[str]) -> DirectLabelColormap:
    """Return the colours of objects that have those of their classes."""
    shown: dict[int | None, str] = {None: "transparent", 0: "transparent"}
    shown |= {n: colors[index] for n, index in enumerate(class_of.tolist()) if index >= 0}
    return DirectLabelColormap(color_dict=shown)
