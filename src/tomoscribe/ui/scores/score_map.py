"""The scores that are shown and where they come from: newest blocks of all, or one checkpoint.

Values are uint8 as in a preview's block log: 0 where nothing is computed yet, scores from 1 to 255.
How they are shown, as a volume or on a mesh, is a subclass's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BRIGHTEST = (16, 230)
"""Limits of the stored value that is shown brightest.

A young model gives low scores everywhere: its map is stretched, so that one sees what it
learns; a score of 0.9 is bright in any case.
"""

BRIGHT_SHARE = 0.002
"""Share of the computed voxels that may be brightest: about that of particles' centres."""

LIVE = None
"""What `shown` says while the newest blocks of any checkpoint are shown."""

NO_SCORES = "There are no scores yet: click three particles, or train."


@dataclass(frozen=True)
class ScoreGrid:
    """The grid of scores: voxel i is centred on tomogram voxel `i * bin + (bin - 1) / 2`.

    On a mesh it is (1, 1, vertices), and voxel i is vertex i.
    """

    shape_zyx: tuple[int, int, int]
    bin: int
    class_names: tuple[str, ...]

    def empty(self) -> NDArray[np.uint8]:
        """Return scores (class, z, y, x) of which nothing is computed."""
        return np.zeros((len(self.class_names), *self.shape_zyx), np.uint8)

    def to_tomogram(self, zyx: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return tomogram voxels of grid positions (N, 3)."""
        return np.asarray(zyx, dtype=np.float64) * self.bin + (self.bin - 1) / 2


def write_block(target: NDArray[np.uint8], lo_zyx: Sequence[int], block: NDArray[np.uint8]) -> None:
    """Write a block (class, z, y, x) into a map; its zeros leave the old content."""
    region = (
        slice(None),
        *(slice(lo, lo + size) for lo, size in zip(lo_zyx, block.shape[1:], strict=True)),
    )
    part = target[region]
    np.copyto(part, block, where=block > 0)


def contrast_of(values: NDArray[np.uint8], bright_share: float) -> tuple[float, float]:
    """Return contrast limits for one class's stored map (z, y, x), from every eighth voxel."""
    counts = np.bincount(values[::2, ::2, ::2].ravel(), minlength=256)[1:]
    above = counts[::-1].cumsum()[::-1] / max(counts.sum(), 1)
    high = float(np.clip(np.count_nonzero(above > bright_share), *BRIGHTEST))
    background = min(float(np.count_nonzero(above > 0.5)), high - 1)
    return background + (high - background) / 10, high


def resampled(values: NDArray[np.uint8], grid: ScoreGrid, target: ScoreGrid) -> NDArray[np.uint8]:
    """Return a map on another grid, by the nearest voxel; classes by name, new ones empty."""
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


class ScoreMap:
    """The live content, the checkpoint that is shown instead, and the class in view.

    Emits `changed` when other content is shown (not for each block). A subclass shows the map.
    """

    changed = Signal()

    def __init__(self) -> None:
        self.grid: ScoreGrid | None = None
        self.shown: str | None = LIVE
        self.class_name: str | None = None
        self._live: NDArray[np.uint8] | None = None
        self._computed: NDArray[np.uint8] | None = None
        self._checkpoint: NDArray[np.uint8] | None = None
        self._dirty = False

    @property
    def content(self) -> NDArray[np.uint8] | None:
        """What is shown, (class, z, y, x); do not write into it."""
        return self._live if self._checkpoint is None else self._checkpoint

    @property
    def computed(self) -> NDArray[np.uint8] | None:
        """What is shown without what only waits to be replaced, (class, z, y, x)."""
        return self._computed if self._checkpoint is None else self._checkpoint

    @property
    def map(self) -> NDArray[np.uint8] | None:
        """The map of the class in view, (z, y, x)."""
        if self.content is None or self.grid is None or self.class_name is None:
            return None
        values: NDArray[np.uint8] = self.content[self.grid.class_names.index(self.class_name)]
        return values

    @property
    def visible(self) -> bool:
        """Whether new blocks would be seen."""
        raise NotImplementedError

    @property
    def takes_blocks(self) -> bool:
        """Whether blocks are worth reading now."""
        raise NotImplementedError

    def prepare(self) -> None:
        """Make what shows the map, empty, unless it is there."""

    def begin(self, grid: ScoreGrid) -> None:
        """Get ready for blocks on `grid`; what is shown stays until they replace it."""
        if grid == self.grid:
            return
        old, old_grid = self.content, self.grid
        self._live, self._checkpoint, self.shown = grid.empty(), None, LIVE
        self._computed = grid.empty()
        if old is not None and old_grid is not None:
            self._live = self._carried_over(old, old_grid, grid)
        self.grid = grid
        if self.class_name not in grid.class_names:
            self.class_name = grid.class_names[0]
        self._place()
        self.changed.emit()

    def keep_as_live(self) -> None:
        """Make what is shown the content that another run's blocks are written over."""
        if self.grid is not None:
            self._computed = self.grid.empty()
        if self._checkpoint is not None:
            self._live = self._checkpoint.copy()
            self.show_live()

    def clear(self) -> None:
        """Forget everything, as for another tomogram."""
        self.grid = self._live = self._computed = self._checkpoint = None
        self.shown, self._dirty = LIVE, False
        self._remove()

    def write_all(self, values: NDArray[np.uint8]) -> None:
        """Take a whole map (class, z, y, x) over, as after opening a project again."""
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
        self._swapped()

    def show_checkpoint(self, name: str, values: NDArray[np.uint8]) -> None:
        """Show a checkpoint's map (class, z, y, x); its new blocks go into `values`."""
        self._checkpoint, self.shown = values, name
        self._swapped()

    def show_class(self, name: str) -> None:
        """Show another class's map."""
        if self.grid is not None and name in self.grid.class_names and name != self.class_name:
            self.class_name = name
            self._swapped()

    def flush(self) -> bool:
        """Show what was written since the last call; return whether anything was."""
        if not self._dirty or not self.visible:
            return False
        self._dirty = False
        self._refresh()
        return True

    def _swapped(self) -> None:
        if self.map is not None:
            self._swap()
        self.changed.emit()

    def _carried_over(
        self, old: NDArray[np.uint8], old_grid: ScoreGrid, grid: ScoreGrid
    ) -> NDArray[np.uint8]:
        return resampled(old, old_grid, grid)

    def _place(self) -> None:
        """Show the map on a new grid."""
        raise NotImplementedError

    def _swap(self) -> None:
        """Show another map on the same grid."""
        raise NotImplementedError

    def _refresh(self) -> None:
        """Show what was written into the map that is shown."""
        raise NotImplementedError

    def _remove(self) -> None:
        """Show nothing."""
        raise NotImplementedError
