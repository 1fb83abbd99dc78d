"""The scores that are shown and where they come from: newest blocks of all, or one checkpoint.

Values are uint8 as in a preview's block log: 0 where nothing is computed yet, scores from 1 to 255.
How they are shown, as a volume or on a mesh, is a subclass's.
"""

from __future__ import annotations

import math
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

AREA_SPAN = 64
"""Stored values from the background of a map of areas to what is brightest, at least: a quarter.

A young model likes all alike; stretched fully, its noise would cover the image.
"""

SAMPLED = 500_000
"""Voxels that the contrast is read from: 4 ms, and still a thousand of the brightest."""

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


def contrast_of(
    values: NDArray[np.uint8], bright_share: float, least_span: float = 1.0
) -> tuple[float, float]:
    """Return contrast limits for one class's stored map (z, y, x), from some of its voxels.

    The brightest is `least_span` or more above the background, in stored values.
    """
    step = max(1, round(values.size / SAMPLED))
    while math.gcd(step, math.prod(values.shape)) > 1:
        step += 1  # else sections are left out, and that in view is computed first
    counts = np.bincount(values.reshape(-1)[::step], minlength=256)[1:]
    above = counts[::-1].cumsum()[::-1] / max(counts.sum(), 1)
    high = float(np.clip(np.count_nonzero(above > bright_share), *BRIGHTEST))
    background = min(float(np.count_nonzero(above > 0.5)), high - 1)
    high = max(high, min(background + least_span, 254.0))
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
            part = values[grid.class_names.index(name)]
            for axis in (2, 1, 0):  # one axis after another: twice as fast as all at once
                part = part.take(nearest[axis], axis=axis)
            result[i] = part
    return result


@dataclass(eq=False)
class Content:
    """Scores that can be shown: stored values (class, z, y, x) on a grid.

    `computed` is the same without what only waits to be replaced by new blocks; None where
    nothing of it is known yet.
    """

    grid: ScoreGrid
    values: NDArray[np.uint8]
    computed: NDArray[np.uint8] | None

    def map_of(self, class_name: str | None) -> NDArray[np.uint8] | None:
        """Return the map (z, y, x) of a class, None where it has none of that name."""
        if class_name not in self.grid.class_names:
            return None
        values: NDArray[np.uint8] = self.values[self.grid.class_names.index(class_name)]
        return values


class ScoreMap:
    """The live content, what is shown instead, and the class in view.

    What is shown instead, a checkpoint or the difference of two, may have another grid. Emits
    `changed` when other content is shown (not for each block). A subclass draws it.
    """

    changed = Signal()

    def __init__(self) -> None:
        self.shown: str | None = LIVE
        self.class_name: str | None = None
        self._live: Content | None = None
        self._other: Content | None = None
        self._difference: Content | None = None
        self._dirty = False

    @property
    def grid(self) -> ScoreGrid | None:
        """The grid of the scores in view."""
        return None if self.in_view is None else self.in_view.grid

    @property
    def live(self) -> Content | None:
        """The newest blocks of any checkpoint, over what was there before."""
        return self._live

    @property
    def in_view(self) -> Content | None:
        """The scores in view; under a difference those of B."""
        return self._live if self._other is None else self._other

    @property
    def content(self) -> NDArray[np.uint8] | None:
        """The scores in view, (class, z, y, x); do not write into them."""
        shown = self.in_view
        return None if shown is None or shown.computed is None else shown.values

    @property
    def computed(self) -> NDArray[np.uint8] | None:
        """The scores in view without what only waits to be replaced, (class, z, y, x)."""
        return None if self.in_view is None else self.in_view.computed

    @property
    def drawn(self) -> Content | None:
        """What is drawn: the difference if there is one, else the scores in view."""
        return self.in_view if self._difference is None else self._difference

    @property
    def shows_difference(self) -> bool:
        """Whether a difference is drawn, see `difference.py`."""
        return self._difference is not None

    @property
    def map(self) -> NDArray[np.uint8] | None:
        """What is drawn of the class in view, (z, y, x)."""
        return None if self.drawn is None else self.drawn.map_of(self.class_name)

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

    def begin(self, grid: ScoreGrid, carried: NDArray[np.uint8] | None = None) -> None:
        """Get ready for live blocks on `grid`; what was live stays until they replace it.

        Parameters
        ----------
        grid : ScoreGrid
            Of the blocks.
        carried : array of uint8, optional
            What was live, on the new grid, where a thread has worked it out already.
        """
        live = self._live
        if live is not None and live.grid == grid:
            return
        if carried is None:
            carried = grid.empty() if live is None else self.carried_over(live, grid)
        self._live = Content(grid, carried, grid.empty())
        if self._other is None:
            if self.class_name not in grid.class_names:
                self.class_name = grid.class_names[0]
            self._draw()
            self.changed.emit()

    def keep_as_live(self) -> None:
        """Make what is shown the content that another run's blocks are written over."""
        shown = self.in_view
        if shown is not None:
            values = shown.values if self._other is None else shown.values.copy()
            self._live = Content(shown.grid, values, shown.grid.empty())
        if self._other is not None or self._difference is not None:
            self.show_live()

    def clear(self) -> None:
        """Forget everything, as for another tomogram."""
        self._live = self._other = self._difference = None
        self.shown, self._dirty = LIVE, False
        self._remove()

    def over(
        self, live: Content | None, grid: ScoreGrid, computed: NDArray[np.uint8]
    ) -> NDArray[np.uint8]:
        """Return computed scores over what was live before; for a thread, `replace_live` shows it.

        Parameters
        ----------
        live : Content or None
            What was live.
        grid : ScoreGrid
            Of the computed scores.
        computed : array of uint8
            Scores (class, z, y, x), 0 where nothing is computed.
        """
        if live is None:
            return computed.copy()
        old = live.values if live.grid == grid else self.carried_over(live, grid)
        return np.where(computed > 0, computed, old)

    def replace_live(
        self, grid: ScoreGrid, values: NDArray[np.uint8], computed: NDArray[np.uint8]
    ) -> None:
        """Take whole maps (class, z, y, x) over, as after opening a project again."""
        self._live = Content(grid, values, computed)
        if self._other is None:
            if self.class_name not in grid.class_names:
                self.class_name = grid.class_names[0]
            self._draw()
        self.changed.emit()

    def write(self, lo_zyx: Sequence[int], block: NDArray[np.uint8]) -> None:
        """Take a live block (class, z, y, x) over; `flush` shows it."""
        if self._live is None:
            raise RuntimeError("begin(grid) comes before the first block")
        self._write_live(lo_zyx, block)
        if self._other is None:
            self._dirty = True

    def show_live(self) -> None:
        """Follow the newest blocks."""
        self._other = self._difference = None
        self.shown = LIVE
        self._swapped()

    def show(self, source: str, grid: ScoreGrid, values: NDArray[np.uint8]) -> None:
        """Show other scores (class, z, y, x); `source` says whose they are."""
        self._other, self._difference = Content(grid, values, values), None
        self.shown = source
        if self.class_name is None:
            self.class_name = grid.class_names[0]
        self._swapped()

    def show_nothing(self, source: str) -> None:
        """Show that there are no scores of `source` yet."""
        nothing = ScoreGrid((1, 1, 1), 1, (self.class_name or "",))
        self._other, self._difference = Content(nothing, nothing.empty(), None), None
        self.shown = source
        self._swapped()

    def show_difference(self, grid: ScoreGrid, values: NDArray[np.uint8]) -> None:
        """Draw a difference (class, z, y, x) instead of the scores in view, which stay."""
        self._difference = Content(grid, values, values)
        self._swapped()

    def touch(self) -> None:
        """Draw what is shown again with the next `flush`: its values were written on."""
        self._dirty = True

    def show_class(self, name: str) -> None:
        """Show another class's map; one that the scores in view do not know shows nothing."""
        if name != self.class_name:
            self.class_name = name
            self._swapped()

    def flush(self) -> bool:
        """Show what was written since the last call; return whether anything was."""
        if not self._dirty or not self.visible:
            return False
        self._dirty = False
        self._refresh()
        return True

    def carried_over(self, old: Content, grid: ScoreGrid) -> NDArray[np.uint8]:
        """Return scores on another grid, to be shown until they are replaced."""
        return resampled(old.values, old.grid, grid)

    def _write_live(self, lo_zyx: Sequence[int], block: NDArray[np.uint8]) -> None:
        assert self._live is not None
        for target in (self._live.values, self._live.computed):
            if target is not None:
                write_block(target, lo_zyx, block)

    def _swapped(self) -> None:
        if self.drawn is None:
            self._remove()
        else:
            self._draw()
        self.changed.emit()

    def _draw(self) -> None:
        """Show what is drawn now, on whichever grid."""
        raise NotImplementedError

    def _refresh(self) -> None:
        """Show what was written into the map that is shown."""
        raise NotImplementedError

    def _remove(self) -> None:
        """Show nothing."""
        raise NotImplementedError
