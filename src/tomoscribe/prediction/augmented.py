"""Scores of a box from windows of it: in batches, of turned views, blended where they overlap."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import torch

from tomoscribe.errors import TomoscribeError
from tomoscribe.nets.tiled import Tile
from tomoscribe.tasks.voxels.tiles import cut, make_tile

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from torch import Tensor

    from tomoscribe.prediction.settings import PredictionSettings, Triple
    from tomoscribe.tasks.tomogram.scaled import ScaledVolume
    from tomoscribe.tasks.voxels.predictor import VoxelPredictor

HALO, HALO_DEEP = 32, 16
"""Working voxels that windows side by side see around them, as in the viewer."""
_CORE, _CORE_DEEP = (1, 512, 512), (64, 96, 96)
_BATCH_GPU, _BATCH_GPU_DEEP = 16, 4
_SIGMA = 1 / 8
"""Width of the Gaussian that blends windows, in edges: nnU-Net's; AutoSeg's is alike."""
_LEAST_WEIGHT = 1e-4
_LEAST_EDGE = 32
"""Cores that are not halved where memory is short: their halo is as large already."""


@dataclass(frozen=True)
class View:
    """A turned image: flipped along some of z, y, x, then y and x swapped or not."""

    flips: tuple[int, ...]
    swap: bool

    def turn(self, boxes: Tensor) -> Tensor:
        """Return boxes (..., z, y, x) turned."""
        turned = torch.flip(boxes, self.flips) if self.flips else boxes
        return turned.transpose(-1, -2) if self.swap else turned

    def turn_back(self, boxes: Tensor) -> Tensor:
        """Return what was turned as it was."""
        boxes = boxes.transpose(-1, -2) if self.swap else boxes
        return torch.flip(boxes, self.flips) if self.flips else boxes


def views_of(count: int, *, depth: bool) -> tuple[View, ...]:
    """Return the views that stand for AutoSeg's 4, 8 and 16; the image as it is comes first.

    Parameters
    ----------
    count : int
        1, 4, 8 or 16.
    depth : bool
        Whether flipping z changes anything; it does not where each section is seen alone.
    """
    if count == 1:
        return (View((), False),)
    along_z = ((), (-3,)) if count == 16 and depth else ((),)
    swaps = (False, True) if count >= 8 else (False,)
    return tuple(
        View((*z, *y, *x), swap)
        for z, swap, y, x in itertools.product(along_z, swaps, ((), (-2,)), ((), (-1,)))
    )


class WindowScores:
    """Scores of boxes of an image, alike wherever the boxes are cut.

    Parameters
    ----------
    predictor : VoxelPredictor
    settings : PredictionSettings
    shape_zyx : tuple of int
        Of the image, in working voxels.
    """

    def __init__(
        self, predictor: VoxelPredictor, settings: PredictionSettings, shape_zyx: Triple
    ) -> None:
        self.predictor, self.shape = predictor, shape_zyx
        plan, net = predictor.plan, predictor.net
        self._deep = plan.dimension == "3d"
        self._step, self._context = net.multiple_zyx, net.context
        self._views = views_of(settings.views, depth=self._deep or self._context > 0)
        self._merge = settings.merge
        gpu = _BATCH_GPU_DEEP if self._deep else _BATCH_GPU
        self.batch = settings.batch or (1 if predictor.device.type == "cpu" else gpu)
        self._pad = tuple(math.ceil(p / r) for p, r in self._with_reduction(settings.pad_zyx))
        self._stride: Triple | None = None
        if settings.stride_zyx is not None:
            self._stride = self._working(settings.stride_zyx)
        self._halo = self._halo_of(settings)
        self._window = self._window_of(settings)

    @property
    def margin_zyx(self) -> Triple:
        """Working voxels around a box that its scores may need."""
        z, y, x = (w + s for w, s in zip(self._window, self._step, strict=True))
        if self._stride is None:
            halo = self._halo
            z, y, x = (h + s for h, s in zip(halo, self._step, strict=True))
        return (z if self._deep else 0) + self._context, y, x

    def scores(self, image: ScaledVolume, lo: Triple, hi: Triple) -> Tensor:
        """Return maps (map, z, y, x) in 0..1 of a box of working voxels, on the CPU.

        What does not fit the device's memory is tried again with fewer windows at once, then with
        smaller ones; that holds for boxes that follow.

        Raises
        ------
        TomoscribeError
            If the device's memory does not hold the least of that.
        """
        while True:
            try:
                return self._scores(image, lo, hi)
            except torch.OutOfMemoryError as error:
                self._take_less(error)
            # Not before the error is gone, which holds what was computed.
            torch.cuda.empty_cache()

    def _take_less(self, error: torch.OutOfMemoryError) -> None:
        """Let windows take less memory, or say that they cannot."""
        if self.batch > 1:
            self.batch //= 2
        elif self._stride is None and max(self._window) > _LEAST_EDGE:
            z, y, x = (n if n <= _LEAST_EDGE else -(-n // 2) for n in self._window)
            self._window = (z, y, x)
        else:
            size = " x ".join(str(n) for n in self._window)
            raise TomoscribeError(
                f"The memory of {self.predictor.device} does not hold one window of {size}: give "
                "smaller windows, stop what else uses the device, or predict on the processor "
                "(--device cpu)."
            ) from error

    def _scores(self, image: ScaledVolume, lo: Triple, hi: Triple) -> Tensor:
        shape = tuple(b - a for a, b in zip(lo, hi, strict=True))
        total = torch.zeros((len(self.predictor.maps), *shape))
        weights = None if self._stride is None else torch.zeros(shape)
        for tile, scores in self._tiles_with_scores(image, self._tiles(lo, hi)):
            first = [max(a, b) for a, b in zip(tile.core_lo, lo, strict=True)]
            last = [min(a, b) for a, b in zip(tile.core_hi, hi, strict=True)]
            spans = list(zip(first, last, strict=True))
            there = tuple(slice(a - o, b - o) for (a, b), o in zip(spans, lo, strict=True))
            here = tuple(slice(a - o, b - o) for (a, b), o in zip(spans, tile.lo, strict=True))
            if weights is None:
                total[(slice(None), *there)] = scores[(slice(None), *here)]
                continue
            weight = _gaussian(tuple(scores.shape[1:]))[here]
            total[(slice(None), *there)] += scores[(slice(None), *here)] * weight
            weights[there] += weight
        return total if weights is None else total / weights

    def _tiles(self, lo: Triple, hi: Triple) -> list[Tile]:
        if self._stride is None:
            shape = tuple(n + 2 * p for n, p in zip(self.shape, self._pad, strict=True))
            return [self._padded(box, shape) for box in cut(lo, hi, self._window)]
        axes = zip(self.shape, self._window, self._stride, self._pad, lo, hi, strict=True)
        starts = [
            [start - p for start in _starts(n + 2 * p, w, s, a + p, b + p)]
            for n, w, s, p, a, b in axes
        ]
        return [self._overlapping(at) for at in itertools.product(*starts)]

    def _padded(self, box: tuple[Triple, Triple], shape: tuple[int, ...]) -> Tile:
        moved = [tuple(a + p for a, p in zip(end, self._pad, strict=True)) for end in box]
        tile = make_tile(moved[0], moved[1], shape, self._halo, self._step)  # type: ignore[arg-type]
        ends = [tuple(a - p for a, p in zip(end, self._pad, strict=True))
                for end in (tile.lo, tile.hi)]  # fmt: skip
        return Tile(*box, *ends)  # type: ignore[arg-type]

    def _overlapping(self, at: tuple[int, ...]) -> Tile:
        end = tuple(a + w for a, w in zip(at, self._window, strict=True))
        return Tile(at, end, at, end)  # type: ignore[arg-type]

    def _tiles_with_scores(
        self, image: ScaledVolume, tiles: Sequence[Tile]
    ) -> Iterator[tuple[Tile, Tensor]]:
        """Yield tiles with their scores (map, z, y, x); those of one size go in batches."""

        def size(tile: Tile) -> tuple[int, ...]:
            return tuple(b - a for a, b in zip(tile.lo, tile.hi, strict=True))

        for _, alike in itertools.groupby(sorted(tiles, key=size), size):
            for batch in _batches(alike, self.batch):
                boxes = torch.stack([self._read(image, tile) for tile in batch])
                yield from zip(batch, self._merged(boxes), strict=True)

    def _read(self, image: ScaledVolume, tile: Tile) -> Tensor:
        more = self._context
        lo, hi = (tile.lo[0] - more, *tile.lo[1:]), (tile.hi[0] + more, *tile.hi[1:])
        return torch.from_numpy(image.read(lo, hi))[None]

    @torch.inference_mode()
    def _merged(self, boxes: Tensor) -> Tensor:
        """Return scores (B, map, z, y, x) of boxes (B, 1, z, y, x) from all views, on the CPU."""
        boxes = boxes.to(self.predictor.device)
        plain = result = self._seen(boxes, self._views[0])
        for view in self._views[1:]:
            result = _MERGE[self._merge](result, self._seen(boxes, view))
        if self._merge == "mean":
            result = result / len(self._views)
        if len(self._views) > 1:
            # Affinities have a direction, which turning changes: only the plain view tells them.
            for index, spec in enumerate(self.predictor.specs):
                if spec.kind.startswith("affinity"):
                    result[:, index] = plain[:, index]
        return result.cpu()

    def _seen(self, boxes: Tensor, view: View) -> Tensor:
        logits = self.predictor.logits_of(view.turn(boxes))
        return view.turn_back(torch.stack([self.predictor.scores(each) for each in logits]))

    def _halo_of(self, settings: PredictionSettings) -> Triple:
        """Return the rim of windows side by side; one that is given keeps half of its edges."""
        edge = HALO_DEEP if self._deep else HALO
        usual: Triple = (edge if self._deep else 0, edge, edge)
        if settings.window_zyx is None:
            return usual
        wanted = self._working(settings.window_zyx)
        z, y, x = (min(h, w // 4) for h, w in zip(usual, wanted, strict=True))
        return z, y, x

    def _window_of(self, settings: PredictionSettings) -> Triple:
        """Return the core of windows side by side, or the whole of overlapping windows."""
        if self._stride is None:
            if settings.window_zyx is None:
                return _CORE_DEEP if self._deep else _CORE
            wanted = self._working(settings.window_zyx)
            z, y, x = (w - 2 * h for w, h in zip(wanted, self._halo, strict=True))
            return z, y, x
        window = self.predictor.plan.window_zyx
        if settings.window_zyx is not None:
            window = self._working(settings.window_zyx)
        z, y, x = (-(-w // m) * m for w, m in zip(window, self._step, strict=True))
        return (z if self._deep else 1), y, x

    def _working(self, zyx: Triple) -> Triple:
        z, y, x = (max(1, round(a / r)) for a, r in self._with_reduction(zyx))
        return (z if self._deep else 1), y, x

    def _with_reduction(self, zyx: Triple) -> Iterator[tuple[int, int]]:
        return zip(zyx, self.predictor.plan.reduction_zyx, strict=True)


_MERGE: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mean": torch.add,
    "min": torch.minimum,
    "max": torch.maximum,
}


def _starts(size: int, window: int, stride: int, lo: int, hi: int) -> list[int]:
    """Return where windows begin that touch lo <= index < hi.

    They are spread evenly, `stride` apart at most: a last one pushed back to the image's end would
    blend its neighbour's rim, which has seen least, with its own. An image that is smaller than a
    window has one, which reaches beyond its far face.
    """
    last = max(0, size - window)
    count = math.ceil(last / stride) + 1
    every = [round(i * last / max(1, count - 1)) for i in range(count)]
    return [a for a in every if a < hi and a + window > lo]


@lru_cache(maxsize=8)
def _gaussian(shape: tuple[int, ...]) -> Tensor:
    """Return weights (z, y, x), highest in the middle."""
    weight = torch.ones(())
    for size in shape:
        at = torch.arange(size) - (size - 1) / 2
        line = torch.exp(-0.5 * (at / max(size * _SIGMA, 1e-6)) ** 2) if size > 1 else torch.ones(1)
        weight = weight[..., None] * line.clamp_min(_LEAST_WEIGHT)
    return weight


def _batches(items: Iterator[Tile], count: int) -> Iterator[list[Tile]]:
    while batch := list(itertools.islice(items, count)):
        yield batch
