"""The layer `heatmap`: scores of a volume, filling block by block, or the difference of two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.ui.quiet_layer import add_quietly
from tomoscribe.ui.scores.difference import EQUAL, difference_colors, reach_of
from tomoscribe.ui.scores.score_map import AREA_SPAN, BRIGHT_SHARE, ScoreGrid, ScoreMap, contrast_of

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.layers import Image
    from numpy.typing import NDArray

    from tomoscribe.ui.viewer_bound import ViewerBound

NAME = "heatmap"
COLORMAP = "inferno"
OPACITY = 0.8
FAINT = 0.4
"""Opacity of areas that become objects."""

AREA_COLORMAP = "faint inferno"
PEAKS, AREAS = "additive", "translucent_no_depth"
"""How scores are blended: areas by a transparency of their own, for what is added to a bright
image is white."""

AREA_COLORS = 0.25, 0.85
"""Part of the colormap that areas have: neither black nor white, which images have themselves."""

DIFFERENCE_LOOK: dict[str, Any] = {"blending": "translucent_no_depth", "rendering": "translucent"}
"""Colours with a transparency of their own; additive ones would lose blue on bright density."""


class HeatmapLayer(ScoreMap):
    """Owns the layer `heatmap` of a session, or of a second canvas.

    The user may rename or delete it; blocks bring it back.

    Attributes
    ----------
    read_hidden : bool
        Blocks are wanted also while the layer is hidden: something else is made of them.
    """

    def __init__(self, session: ViewerBound) -> None:
        super().__init__()
        self._session = session
        self._layer: Image | None = None
        self._contrast = (0.0, 0.0)
        self._score_look: dict[str, Any] | None = None
        self.read_hidden = False

    @property
    def _layers(self) -> LayerList:
        return self._session.viewer.layers

    @property
    def layer(self) -> Image | None:
        """The napari layer, if it is there."""
        if self._layer is not None and self._layer not in self._layers:
            self._layer = self._score_look = None
        return self._layer

    def show_areas(self, areas: bool) -> None:
        """Show scores faintly, as areas, or as peaks; what the user has set stays."""
        layer = self.layer
        if layer is None:
            return
        if layer.opacity in (OPACITY, FAINT):
            layer.opacity = FAINT if areas else OPACITY
        looks = (COLORMAP, PEAKS), (AREA_COLORMAP, AREAS)
        before, wanted = looks if areas else looks[::-1]
        if (layer.colormap.name, layer.blending) == before:
            layer.colormap = _area_map() if areas else COLORMAP
            layer.blending = wanted[1]

    @property
    def visible(self) -> bool:
        """Whether new blocks would be seen."""
        layer = self.layer
        return layer is not None and layer.visible

    @property
    def takes_blocks(self) -> bool:
        """Whether blocks are worth reading: not while the layer is hidden."""
        return self.layer is None or self.visible or self.read_hidden

    def prepare(self) -> None:
        """Make the layer, empty, unless it is there: a new one holds the window up."""
        if self.layer is None:
            self._show(np.zeros((1, 1, 1), np.uint8), bin_=1)

    def begin(self, grid: ScoreGrid, carried: NDArray[np.uint8] | None = None) -> None:
        """Get ready for blocks on `grid`; a layer that was deleted comes back."""
        again = self.layer is None and self.live is not None and self.live.grid == grid
        super().begin(grid, carried)
        if again:
            self._draw()
            self.changed.emit()

    def _remove(self) -> None:
        """Empty the layer, for napari takes long to bring another; it goes with its tomogram."""
        layer = self.layer
        if layer is None:
            return
        if self._session.layer is None:
            self._layers.remove(layer)
            return
        self._show(np.zeros((1, 1, 1), np.uint8), bin_=1)
        if not layer.visible:
            layer.visible = True  # what was hidden are scores that are gone

    def _refresh(self) -> None:
        layer = self.layer
        if layer is not None:
            self._stretch(layer)
            # Lean refresh: a full one computes thumbnail and extent of the whole volume each time.
            layer.refresh(thumbnail=False, extent=False, highlight=False)

    def _draw(self) -> None:
        drawn, values = self.drawn, self.map
        if drawn is not None:
            # A class that these scores do not know shows nothing, where it would be.
            empty = np.zeros((1, 1, 1), np.uint8)
            self._show(empty if values is None else values, drawn.grid.bin)

    def _show(self, values: NDArray[np.uint8], bin_: int) -> None:
        """Bring values (z, y, x) to their place: in the layer that is there, else in a new one."""
        tomogram = self._session.layer
        if tomogram is None:
            return
        scale = np.asarray(tomogram.scale[-3:]) * bin_
        offset = np.asarray(tomogram.scale[-3:]) * (bin_ - 1) / 2
        translate = np.asarray(tomogram.translate[-3:]) + offset
        layer = self.layer
        if layer is None:
            layer = self._add(values, tomogram, scale, translate)
        else:
            self._replace(layer, values, scale, translate)
        self._dirty = False
        self._dress(layer)
        self._stretch(layer)

    def _replace(
        self,
        layer: Image,
        values: NDArray[np.uint8],
        scale: NDArray[np.float64],
        translate: NDArray[np.float64],
    ) -> None:
        moved = not (
            layer.data.shape == values.shape
            and np.array_equal(layer.scale, scale)
            and np.array_equal(layer.translate, translate)
        )
        with layer._block_refresh():  # one refresh, not one for each of these
            layer.data = values
            if moved:
                layer.scale = scale
                layer.translate = translate
        layer.refresh(thumbnail=False, extent=moved, highlight=False)

    def _dress(self, layer: Image) -> None:
        """Give the layer the look of scores or of a difference; the user's own comes back."""
        if self.shows_difference and self._score_look is None:
            names = ("colormap", "contrast_limits", *DIFFERENCE_LOOK)
            self._score_look = {name: getattr(layer, name) for name in names}
            for name, value in DIFFERENCE_LOOK.items():
                setattr(layer, name, value)
            layer.colormap = _difference_map()
        elif not self.shows_difference and self._score_look is not None:
            look, self._score_look = self._score_look, None
            for name, value in look.items():
                setattr(layer, name, value)

    def _stretch(self, layer: Image) -> None:
        """Follow the scores with the contrast, unless the user has set it."""
        if self.shows_difference:
            reach = reach_of(layer.data)
            limits = (EQUAL - reach, EQUAL + reach)
            if limits != tuple(layer.contrast_limits):
                layer.contrast_limits = limits
            return
        if self._contrast != tuple(layer.contrast_limits):
            return
        low, high = self._limits(layer.data)
        if abs(high - self._contrast[1]) > 0.05 * self._contrast[1]:
            layer.contrast_limits = self._contrast = (low, high)

    def _limits(self, values: NDArray[np.uint8]) -> tuple[float, float]:
        """Return contrast limits of peaks, or of areas that become objects."""
        return contrast_of(values, BRIGHT_SHARE, AREA_SPAN if self.read_hidden else 1.0)

    def _add(
        self,
        values: NDArray[np.uint8],
        tomogram: Image,
        scale: NDArray[np.float64],
        translate: NDArray[np.float64],
    ) -> Image:
        """Add the layer just above the tomogram."""
        from napari.layers import Image

        layer = Image(
            values,
            name=NAME,
            rgb=False,
            colormap=COLORMAP,
            blending=PEAKS,
            opacity=OPACITY,
            contrast_limits=self._limits(values),
            interpolation2d="linear",
            scale=scale,
            translate=translate,
            units=tomogram.units[-3:],
            axis_labels=tomogram.axis_labels[-3:],
        )
        layer.contrast_limits_range = (0, 255)
        add_quietly(self._session.viewer, layer, self._layers.index(tomogram) + 1)
        self._layer, self._score_look = layer, None
        self._contrast = tuple(layer.contrast_limits)
        return layer


def _area_map() -> Any:
    """Return colours that are the more transparent the lower the score."""
    from napari.utils import Colormap
    from napari.utils.colormaps import ensure_colormap

    place = np.linspace(0, 1, 256)
    first, last = AREA_COLORS
    colors = ensure_colormap(COLORMAP).map(first + (last - first) * place)
    colors[:, 3] = place
    return Colormap(colors, name=AREA_COLORMAP)


def _difference_map() -> Any:
    from napari.utils import Colormap

    return Colormap(difference_colors(), name="A higher to B higher")
