"""A trained network that needs to be told nothing: it bins, normalises, predicts, decodes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks.peaks import find_peaks
from tomoscribe.tasks.base import Block, FoundPicks, Grid
from tomoscribe.tasks.tomogram.scaled import ScaledVolume, scale_volume

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tomoscribe.io.volumes import Volume
    from tomoscribe.nets.tiled import TiledNet
    from tomoscribe.project.model import ParticleClass
    from tomoscribe.tasks.base import Focus

SUPPRESSION = 0.6
"""Least distance of two picks in diameters: particles do not overlap."""
_VOXEL_SIZE_TOLERANCE = 0.05
_TILE_VOXELS = 900_000
"""Heatmap voxels of a tile when nobody waits for a part: half a gigabyte at 16 channels."""
_FOCUS_CORE = 32
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
    """

    net: TiledNet
    classes: tuple[ParticleClass, ...]
    thresholds: dict[str, float]
    voxel_size_A: float
    bin: int
    stem: int
    _scaled: dict[str, ScaledVolume] = field(default_factory=dict)

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
        grid = self.grid(volume)
        if focus is None:
            first, core = None, self._largest_core(grid.shape_zyx)
        else:
            first, core = self._to_grid(focus.center_zyx, grid), _FOCUS_CORE
        tiles = self.net.tiles(grid.shape_zyx, core, self._halo(), first)
        for tile, scores in self.net.run(self._reader(volume).read, tiles):
            yield Block(tile.core_lo, scores)

    def slice_first(self, volume: Volume, focus: Focus) -> Block:
        """Return the visible part of the slice in view, computed with a small halo."""
        grid = self.grid(volume)
        lo, hi = self._to_grid(focus.lo_zyx, grid), self._to_grid(focus.hi_zyx, grid)
        center = self._to_grid(focus.center_zyx, grid)
        box_lo, box_hi = [], []
        for low, high, middle, edge in zip(lo, hi, center, grid.shape_zyx, strict=True):
            flat = high - low <= 1.5 / grid.bin
            start, stop = (middle, middle) if flat else (low, high)
            first = int(np.clip(np.floor(start + 0.5), 0, edge - 1))
            box_lo.append(first)
            box_hi.append(int(np.clip(np.ceil(stop + 0.5), first + 1, edge)))
        (z0, y0, x0), (z1, y1, x1) = box_lo, box_hi
        tiles = self.net.tiles(
            grid.shape_zyx, max(grid.shape_zyx), self.net.multiple, box=((z0, y0, x0), (z1, y1, x1))
        )
        low = np.min([tile.core_lo for tile in tiles], axis=0)
        size = np.max([tile.core_hi for tile in tiles], axis=0) - low
        scores = np.zeros((len(self.classes), *size), np.float32)
        for tile, part in self.net.run(self._reader(volume).read, tiles):
            z, y, x = np.array(tile.core_lo) - low
            scores[:, z : z + part.shape[1], y : y + part.shape[2], x : x + part.shape[3]] = part
        return Block((int(low[0]), int(low[1]), int(low[2])), scores)

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
        if volume.path not in self._scaled:
            self._scaled = {volume.path: scale_volume(volume, self.bin)}
        return self._scaled[volume.path]

    def _halo(self) -> int:
        largest = max(particle.diameter_A for particle in self.classes)
        return round(_HALO_DIAMETERS * largest / self.voxel_size_A / (self.bin * self.stem))

    def _largest_core(self, shape: tuple[int, int, int]) -> int:
        depth = min(shape[0], 96)
        return int((_TILE_VOXELS / depth) ** 0.5) if depth < 96 else 96

    @staticmethod
    def _to_grid(zyx: tuple[float, float, float], grid: Grid) -> tuple[float, float, float]:
        z, y, x = ((value - (grid.bin - 1) / 2) / grid.bin for value in zyx)
        return z, y, x
