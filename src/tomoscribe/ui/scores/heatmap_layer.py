"""The layer `heatmap`: scores of a volume; it fills block by block."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.ui.scores.score_map import BRIGHT_SHARE, ScoreGrid, ScoreMap, contrast_of

if TYPE_CHECKING:
    from napari.components import LayerList
    from napari.layers import Image
    from numpy.typing import NDArray

    from tomoscribe.ui.session import Session

NAME = "heatmap"
COLORMAP = "inferno"


class HeatmapLayer(ScoreMap):
    """Owns the layer `heatmap`; the user may delete it, and blocks bring it back."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._contrast = (0.0, 0.0)

    @property
    def _layers(self) -> LayerList:
        return self._session.viewer.layers

    @property
    def layer(self) -> Image | None:
        """The napari layer, if it is there."""
        return self._layers[NAME] if NAME in self._layers else None

    @property
    def visible(self) -> bool:
        """Whether new blocks would be seen."""
        layer = self.layer
        return layer is not None and layer.visible

    @property
    def takes_blocks(self) -> bool:
        """Whether blocks are worth reading: not while the layer is hidden."""
        return self.layer is None or self.visible

    def prepare(self) -> None:
        """Make the layer, empty, unless it is there: a new one holds the window up."""
        if self.layer is None:
            self._show(np.zeros((1, 1, 1), np.uint8), bin_=1)

    def begin(self, grid: ScoreGrid) -> None:
        """Get ready for blocks on `grid`; a layer that was deleted comes back."""
        again = grid == self.grid and self.layer is None
        super().begin(grid)
        if again:
            self._place()
            self.changed.emit()

    def _remove(self) -> None:
        if self.layer is not None:
            self._layers.remove(self.layer)

    def _refresh(self) -> None:
        layer = self.layer
        if layer is not None:
            self._stretch(layer)
            # Lean refresh: a full one computes thumbnail and extent of the whole volume each time.
            layer.refresh(thumbnail=False, extent=False, highlight=False)

    def _swap(self) -> None:
        values, layer = self.map, self.layer
        if values is not None and layer is not None:
            layer.data = values
            self._dirty = False
            self._stretch(layer)

    def _stretch(self, layer: Image) -> None:
        """Follow the scores with the contrast, unless the user has set it."""
        if self._contrast != tuple(layer.contrast_limits):
            return
        low, high = contrast_of(layer.data, BRIGHT_SHARE)
        if abs(high - self._contrast[1]) > 0.05 * self._contrast[1]:
            layer.contrast_limits = self._contrast = (low, high)

    def _place(self) -> None:
        values, grid = self.map, self.grid
        if values is not None and grid is not None:
            self._show(values, grid.bin)

    def _show(self, values: NDArray[np.uint8], bin_: int) -> None:
        """Bring values (z, y, x) to their place: in the layer that is there, else in a new one."""
        tomogram, layer = self._session.layer, self.layer
        if tomogram is None:
            return
        scale = np.asarray(tomogram.scale[-3:])
        translate = np.asarray(tomogram.translate[-3:]) + scale * (bin_ - 1) / 2
        if layer is None:
            self._add(values, tomogram, scale * bin_, translate)
            return
        with layer._block_refresh():  # one refresh, not one for each of these
            layer.data = values
            layer.scale = scale * bin_
            layer.translate = translate
        layer.refresh(thumbnail=False)
        self._dirty = False
        self._stretch(layer)

    def _add(
        self,
        values: NDArray[np.uint8],
        tomogram: Image,
        scale: NDArray[np.float64],
        translate: NDArray[np.float64],
    ) -> None:
        """Add the layer just above the tomogram."""
        active = self._layers.selection.active
        layer = self._session.viewer.add_image(
            values,
            name=NAME,
            colormap=COLORMAP,
            blending="additive",
            opacity=0.8,
            contrast_limits=contrast_of(values, BRIGHT_SHARE),
            interpolation2d="linear",
            scale=scale,
            translate=translate,
            units=tomogram.units[-3:],
            axis_labels=tomogram.axis_labels[-3:],
        )
        self._layers.move(self._layers.index(layer), self._layers.index(tomogram) + 1)
        self._contrast = tuple(layer.contrast_limits)
        layer.contrast_limits_range = (0, 255)
        # A new layer takes the selection, and with it the user's keys and clicks: give it back.
        if active is not None and active in self._layers:
            self._layers.selection.active = active
