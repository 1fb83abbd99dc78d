"""A trained network that needs to be told nothing: it bins, normalises, predicts, decodes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np

from tomoscribe.coords import voxels_to_binned
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import open_volume
from tomoscribe.picks.peaks import SUPPRESSION, find_peaks
from tomoscribe.tasks.base import Block, FoundPicks, Grid
from tomoscribe.tasks.tomogram.scaled import ScaledVolume, scale_volume

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from numpy.typing import NDArray

    from tomoscribe.io.volumes import Volume
    from tomoscribe.io.voxel_size import VoxelSize
    from tomoscribe.nets.tiled import Tile, TiledNet
    from tomoscribe.project.model import ParticleClass
    from tomoscribe.tasks.base import Focus

_VOXEL_SIZE_TOLERANCE = 0.05
_TILE_VOXELS = 900_000
"""Heatmap voxels of a tile when nobody waits for a part: half a gigabyte at 16 channels."""
_FOCUS_CORE = 32
_SLAB = 8
"""Heatmap voxels computed across a slice in view: about a particle, for an answer at once."""

Triple = tuple[int, int, int]
Box = tuple[Triple, Triple]
_HALO_DIAMETERS = 1.0
"""Halo of a tile; the network's full reach costs twice the time and changes few scores."""


@dataclass
class TomogramPredictor:
    """Frozen weights with all that is needed to use them; see `tasks.base.Predictor`.

    Parameters
    ----------
    net : TiledNet
        The network, and how it runs.
    classes : tuple of ParticleClass
        In the order of the output maps.
    thresholds : dict
        Chosen score by class name.
    voxel_size_A : float
        Voxel size of the tomograms that it was trained on.
    bin, stem : int
        Averaging of the input, and halving inside of the network.
    resident : mapping of str to ScaledVolume
        Tomograms in memory by path; of others the last one's statistics are kept.
    """

    kind: ClassVar[Literal["volume", "mesh"]] = "volume"

    net: TiledNet
    classes: tuple[ParticleClass, ...]
    thresholds: dict[str, float]
    voxel_size_A: float
    bin: int
    stem: int
    resident: Mapping[str, ScaledVolume] = field(default_factory=dict)
    _last: ScaledVolume | None = None

    @property
    def maps(self) -> tuple[str, ...]:
        """Names of the maps: the classes."""
        return tuple(particle.name for particle in self.classes)

    def open(
        self, path: str, voxel_size_A: VoxelSize | None = None, tomogram: str | None = None
    ) -> Volume:
        """Open a tomogram; it is its own, so that `tomogram` tells nothing."""
        return open_volume(path, voxel_size_A)

    def grid(self, volume: Volume) -> Grid:
        """Return the grid of a prediction of `volume`.

        Raises
        ------
        TomoscribeError
            If the voxel size is unknown or differs by more than 5 % from what was trained on.
        """
        size = volume.require_voxel_size()
        if abs(size / self.voxel_size_A - 1) > _VOXEL_SIZE_TOLERANCE:
            raise TomoscribeError(
                f"{volume.path} has voxels of {size:g} Å, but the checkpoint was trained on "
                f"{self.voxel_size_A:g} Å; resample the tomogram to {self.voxel_size_A:g} Å, "
                "give its true voxel size if the header is wrong, or train on tomograms like it."
            )
        factor = self.bin * self.stem
        z, y, x = (max(1, edge // factor) for edge in volume.data.shape)
        return Grid((z, y, x), factor)

    def blocks(self, volume: Volume, focus: Focus | None = None) -> Iterator[Block]:
        """Yield finished blocks that cover the whole grid, those nearest to `focus` first.

        Without a focus the tiles are as large as memory allows, which is fastest.
        """
        if focus is not None:
            yield from self.blocks_left(volume, focus, ())
            return
        shape = self.grid(volume).shape_zyx
        yield from self._run(volume, self.net.tiles(shape, self._largest_core(shape), self._halo()))

    def blocks_left(
        self, volume: Volume, focus: Focus, done: Collection[tuple[int, int, int]]
    ) -> Iterator[Block]:
        """Yield the blocks that are not `done` (`lo_zyx`), those nearest to `focus` first."""
        grid = self.grid(volume)
        first = self._to_grid(focus.center_zyx, grid)
        tiles = self.net.tiles(grid.shape_zyx, _FOCUS_CORE, self._halo(), first)
        yield from self._run(volume, [tile for tile in tiles if tile.core_lo not in done])

    def _run(self, volume: Volume, tiles: list[Tile]) -> Iterator[Block]:
        for tile, scores in self.net.run(self._reader(volume).read, tiles):
            yield Block(tile.core_lo, scores)

    def slice_first(self, volume: Volume, focus: Focus) -> Block:
        """Return the visible part of the slice in view, computed with a small halo."""
        grid = self.grid(volume)
        box = self._box_in_view(focus, grid)
        (tile,) = self.net.tiles(grid.shape_zyx, max(grid.shape_zyx), self.net.multiple, box=box)
        thin = [hi - lo <= _SLAB for lo, hi in zip(*box, strict=True)]
        # Across the slice the slab is its own halo.
        tile = replace(
            tile,
            lo=_choose(thin, tile.core_lo, tile.lo),
            hi=_choose(thin, _round_up(tile.core_hi, self.net.multiple), tile.hi),
        )
        ((_, scores),) = self.net.run(self._reader(volume).read, [tile])
        lo, keep = list(tile.core_lo), [slice(None)] * 3
        for axis, middle in enumerate(self._to_grid(focus.center_zyx, grid)):
            if thin[axis]:
                first = int(np.clip(round(middle) - 1 - lo[axis], 0, scores.shape[axis + 1] - 1))
                keep[axis], lo[axis] = slice(first, first + 3), lo[axis] + first
        z, y, x = lo
        return Block((z, y, x), np.ascontiguousarray(scores[(slice(None), *keep)]))

    def _box_in_view(self, focus: Focus, grid: Grid) -> Box:
        """Return the visible box of the grid; of a slice, a slab with it in the middle."""
        lo, hi = self._to_grid(focus.lo_zyx, grid), self._to_grid(focus.hi_zyx, grid)
        center = self._to_grid(focus.center_zyx, grid)
        spans = []
        for low, high, middle, edge in zip(lo, hi, center, grid.shape_zyx, strict=True):
            if high - low <= 1.5 / grid.bin:
                step = self.net.multiple
                start = round((middle + 0.5 - _SLAB / 2) / step) * step
                first = int(np.clip(start, 0, max(0, -(-edge // step) * step - _SLAB)))
                spans.append((first, min(first + _SLAB, edge)))
            else:
                first = int(np.clip(np.floor(low + 0.5), 0, edge - 1))
                spans.append((first, int(np.clip(np.ceil(high + 0.5), first + 1, edge))))
        (z0, z1), (y0, y1), (x0, x1) = spans
        return (z0, y0, x0), (z1, y1, x1)

    def decode(
        self, heatmap: NDArray[np.float32], grid: Grid, min_score: float = 0.0
    ) -> list[FoundPicks]:
        """Return the picks of a whole heatmap (class, z, y, x): suppressed by radius, sub-voxel."""
        found = []
        for particle, scores in zip(self.classes, heatmap, strict=True):
            across = particle.diameter_A / self.voxel_size_A / grid.bin
            zyx, values = find_peaks(scores, SUPPRESSION * across, min_score)
            found.append(FoundPicks(particle.name, grid.to_tomogram(zyx), values))
        return found

    def _reader(self, volume: Volume) -> ScaledVolume:
        known = self.resident.get(volume.path, self._last)
        if known is None or known.volume.path != volume.path:
            known = self._last = scale_volume(volume, self.bin)
        return known

    def _halo(self) -> int:
        largest = max(particle.diameter_A for particle in self.classes)
        return round(_HALO_DIAMETERS * largest / self.voxel_size_A / (self.bin * self.stem))

    def _largest_core(self, shape: tuple[int, int, int]) -> int:
        depth = min(shape[0], 96)
        return int((_TILE_VOXELS / depth) ** 0.5) if depth < 96 else 96

    @staticmethod
    def _to_grid(zyx: tuple[float, float, float], grid: Grid) -> tuple[float, float, float]:
        z, y, x = voxels_to_binned(zyx, grid.bin).tolist()
        return z, y, x


def _choose(which: list[bool], yes: Triple, no: Triple) -> Triple:
    z, y, x = (a if take else b for take, a, b in zip(which, yes, no, strict=True))
    return z, y, x


def _round_up(values: Triple, step: int) -> Triple:
    z, y, x = (-(-value // step) * step for value in values)
    return z, y, x
