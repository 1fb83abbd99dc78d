"""The layer `heatmap`: it fills block by block and keeps what it had until something newer comes.

Values are uint8 as in a preview's block log: 0 where nothing is computed yet, scores from 1 to 255.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import LayerList
    from napari.layers import Image
    from numpy.typing import NDArray

    from tomoscribe.ui.session import Session

NAME = "heatmap"
COLORMAP = "inferno"
BRIGHTEST = (16, 230)
"""Limits of the stored value that is shown brightest.

A young model gives low scores everywhere: its map is stretched, so that one sees what it
learns; a score of 0.9 is bright in any case.
"""

BRIGHT_SHARE = 0.002
"""Share of the computed voxels that may be brightest: about that of particles' centres."""

LIVE = None
"""What `shown` says while the newest blocks of any checkpoint are shown."""


@dataclass(frozen=True)
class HeatmapGrid:
    """The grid of a heatmap: voxel i is centred on tomogram voxel `i * bin + (bin - 1) / 2`."""

    shape_zyx: tuple[int, int, int]
    bin: int
    class_names: tuple[str, ...]

    def empty(self) -> NDArray[np.uint8]:
        """Return a heatmap (class, z, y, x) in which nothing is computed."""
        return np.zeros((len(self.class_names), *self.shape_zyx), np.uint8)

    def to_tomogram(self, zyx: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return tomogram voxels of grid positions (N, 3)."""
        return np.asarray(zyx, dtype=np.float64) * self.bin + (self.bin - 1) / 2


def write_block(target: NDArray[np.uint8], lo_zyx: Sequence[int], block: NDArray[np.uint8]) -> None:
    """Write a block (class, z, y, x) into a heatmap; its zeros leave the old content."""
    region = (
        slice(None),
        *(slice(lo, lo + size) for lo, size in zip(lo_zyx, block.shape[1:], strict=True)),
    )
    part = target[region]
    np.copyto(part, block, where=block > 0)


def contrast_of(values: NDArray[np.uint8]) -> tuple[float, float]:
    """Return contrast limits for one class's stored heatmap (z, y, x), from every eighth voxel."""
    counts = np.bincount(values[::2, ::2, ::2].ravel(), minlength=256)[1:]
    above = counts[::-1].cumsum()[::-1] / max(counts.sum(), 1)
    high = float(np.clip(np.count_nonzero(above > BRIGHT_SHARE), *BRIGHTEST))
    background = min(float(np.count_nonzero(above > 0.5)), high - 1)
    return background + (high - background) / 10, high


def resampled(
    values: NDArray[np.uint8], grid: HeatmapGrid, target: HeatmapGrid
) -> NDArray[np.uint8]:
    """Return a heatmap on another grid, by the nearest voxel; classes by name, new ones empty."""
    result = target.empty()
    nearest = []
    for size, old_size in zip(target.shape_zyx, grid.shape_zyx, strict=True):
        tomogram = np.arange(size) * target.bin + (target.bin - 1) / 2
        index = np.rint((tomogram - (grid.bin - 1) / 2) / grid.bin).astype(int)
        nearest.append(np.clip(index, 0, old_size - 1))
    for i, name in enumerate(target.class_names):
        if name in grid.class_names:
            result[i] = values[grid.class_names.index(name)][np.ix_(*nearest)]
    return result


class HeatmapLayer:
    """Owns the layer `heatmap`, its live content and the checkpoint that is shown instead.

    Emits `changed` when other content is shown (not for each block).
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self.grid: HeatmapGrid | None = None
        self.shown: str | None = LIVE
        self.class_name: str | None = None
        self._live: NDArray[np.uint8] | None = None
        self._computed: NDArray[np.uint8] | None = None
        self._checkpoint: NDArray[np.uint8] | None = None
        self._dirty = False
        self._contrast = (0.0, 0.0)

    @property
    def _layers(self) -> LayerList:
        return self._session.viewer.layers

    @property
    def layer(self) -> Image | None:
        """The napari layer, if it is there; the user may delete it."""
        return self._layers[NAME] if NAME in self._layers else None

    @property
    def content(self) -> NDArray[np.uint8] | None:
        """What is shown, (class, z, y, x); do not write into it."""
        return self._live if self._checkpoint is None else self._checkpoint

    @property
    def computed(self) -> NDArray[np.uint8] | None:
        """What is shown without what only waits to be replaced, (class, z, y, x)."""
        return self._computed if self._checkpoint is None else self._checkpoint

    @property
    def visible(self) -> bool:
        """Whether new blocks would be seen."""
        layer = self.layer
        return layer is not None and layer.visible

    def prepare(self) -> None:
        """Make the layer, empty, unless it is there: a new one holds the window up."""
        if self.layer is None:
            self._place(np.zeros((1, 1, 1), np.uint8), bin_=1)

    def begin(self, grid: HeatmapGrid) -> None:
        """Get ready for blocks on `grid`; what is shown stays until they replace it."""
        if grid != self.grid:
            old, old_grid = self.content, self.grid
            self._live, self._checkpoint, self.shown = grid.empty(), None, LIVE
            self._computed = grid.empty()
            if old is not None and old_grid is not None:
                self._live = resampled(old, old_grid, grid)
            self.grid = grid
            if self.class_name not in grid.class_names:
                self.class_name = grid.class_names[0]
            self._place_map()
        elif self.layer is None:
            self._place_map()

    def keep_as_live(self) -> None:
        """Make what is shown the content that another run's blocks are written over."""
        if self.grid is not None:
            self._computed = self.grid.empty()
        if self._checkpoint is not None:
            self._live = self._checkpoint.copy()
            self.show_live()

    def clear(self) -> None:
        """Forget everything and take the layer away, as for another tomogram."""
        self.grid = self._live = self._computed = self._checkpoint = None
        self.shown, self._dirty = LIVE, False
        layer = self.layer
        if layer is not None:
            self._layers.remove(layer)

    def write_all(self, values: NDArray[np.uint8]) -> None:
        """Take a whole heatmap (class, z, y, x) over, as after opening a project again."""
        if self._live is not None and self._computed is not None:
            write_block(self._live, (0, 0, 0), values)
            write_block(self._computed, (0, 0, 0), values)
            self._dirty = True
            self.changed.emit()

    def write(self, checkpoint: str, lo_zyx: Sequence[int], block: NDArray[np.uint8]) -> None:
        """Take a block (class, z, y, x) over; `flush` shows it."""
        if self._live is None or self._computed is None:
            raise RuntimeError("begin(grid) comes before the first block")
        write_block(self._live, lo_zyx, block)
        write_block(self._computed, lo_zyx, block)
        if self._checkpoint is None:
            self._dirty = True
        elif checkpoint == self.shown:
            write_block(self._checkpoint, lo_zyx, block)
            self._dirty = True

    def show_live(self) -> None:
        """Follow the newest blocks."""
        self._checkpoint, self.shown = None, LIVE
        self._swap()

    def show_checkpoint(self, name: str, values: NDArray[np.uint8]) -> None:
        """Show a checkpoint's heatmap (class, z, y, x); its new blocks go into `values`."""
        self._checkpoint, self.shown = values, name
        self._swap()

    def show_class(self, name: str) -> None:
        """Show another class's map."""
        if self.grid is not None and name in self.grid.class_names and name != self.class_name:
            self.class_name = name
            self._swap()

    def flush(self) -> bool:
        """Show what was written since the last call; return whether anything was."""
        layer = self.layer
        if not self._dirty or layer is None or not layer.visible:
            return False
        self._dirty = False
        self._stretch(layer)
        # Lean refresh: a full one computes thumbnail and extent of the whole volume each time.
        layer.refresh(thumbnail=False, extent=False, highlight=False)
        return True

    def _map(self) -> NDArray[np.uint8] | None:
        if self.content is None or self.grid is None or self.class_name is None:
            return None
        values: NDArray[np.uint8] = self.content[self.grid.class_names.index(self.class_name)]
        return values

    def _swap(self) -> None:
        values, layer = self._map(), self.layer
        if values is not None and layer is not None:
            layer.data = values
            self._dirty = False
            self._stretch(layer)
        self.changed.emit()

    def _stretch(self, layer: Image) -> None:
        """Follow the scores with the contrast, unless the user has set it."""
        if self._contrast != tuple(layer.contrast_limits):
            return
        low, high = contrast_of(layer.data)
        if abs(high - self._contrast[1]) > 0.05 * self._contrast[1]:
            layer.contrast_limits = self._contrast = (low, high)

    def _place_map(self) -> None:
        values, grid = self._map(), self.grid
        if values is not None and grid is not None:
            self._place(values, grid.bin)
            self.changed.emit()

    def _place(self, values: NDArray[np.uint8], bin_: int) -> None:
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
            contrast_limits=contrast_of(values),
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
