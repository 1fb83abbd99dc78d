"""A network over a volume of any size: tiles with a halo, of which only the core is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import nn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Reader = Callable[[tuple[int, int, int], tuple[int, int, int]], "NDArray[np.float32]"]
"""Returns the input box lo <= index < hi; beyond the volume it repeats the edge."""


@dataclass(frozen=True)
class Tile:
    """A core to keep and the box to compute, first and last-plus-one voxel on the output's grid."""

    core_lo: tuple[int, int, int]
    core_hi: tuple[int, int, int]
    lo: tuple[int, int, int]
    hi: tuple[int, int, int]

    @property
    def keep(self) -> tuple[slice, slice, slice]:
        """Return where the core lies in the box."""
        z, y, x = (
            slice(a - b, c - b) for a, c, b in zip(self.core_lo, self.core_hi, self.lo, strict=True)
        )
        return z, y, x


@dataclass(frozen=True)
class TiledNet:
    """A frozen network and how it is run.

    Parameters
    ----------
    net : nn.Module
        Maps (1, 1, z, y, x) to logits (1, class, z / stem, ...).
    stem : int
        Input voxels to an output voxel.
    multiple : int
        Output boxes begin and end at multiples of this.
    bfloat16 : bool
        Whether to compute in bfloat16.
    device : torch.device
        Where the network is.
    """

    net: nn.Module
    stem: int
    multiple: int
    bfloat16: bool
    device: torch.device

    def tiles(
        self,
        shape: tuple[int, int, int],
        core: int,
        halo: int,
        first: tuple[float, float, float] | None = None,
        box: tuple[tuple[int, int, int], tuple[int, int, int]] | None = None,
    ) -> list[Tile]:
        """Return tiles that cover the output `shape` or a `box` of it, nearest to `first` first.

        `core` is the largest edge of a core; `halo` is rounded up to the network's multiple.
        """
        step = self.multiple
        halo = -(-halo // step) * step
        lo, hi = box or ((0, 0, 0), shape)
        cuts = [_even_cuts(a // step * step, b, core, step) for a, b in zip(lo, hi, strict=True)]
        edges = tuple(-(-edge // step) * step for edge in shape)
        made = [
            _make_tile((z, y, x), shape, edges, halo, step)
            for z in cuts[0]
            for y in cuts[1]
            for x in cuts[2]
        ]
        if first is not None:
            made.sort(key=lambda tile: _distance(tile, first))
        return made

    def run(self, read: Reader, tiles: list[Tile]) -> Iterator[tuple[Tile, NDArray[np.float32]]]:
        """Yield each tile with its core's scores (class, z, y, x) in 0..1."""
        for tile in tiles:
            z, y, x = (edge * self.stem for edge in tile.lo)
            z1, y1, x1 = (edge * self.stem for edge in tile.hi)
            values = torch.from_numpy(read((z, y, x), (z1, y1, x1)))[None, None].to(self.device)
            yield tile, self.scores(values)[(slice(None), *tile.keep)].cpu().numpy()

    @torch.inference_mode()
    def scores(self, values: torch.Tensor) -> torch.Tensor:
        """Return the scores (class, z, y, x) in 0..1 of an input (1, 1, z, y, x)."""
        values = values.contiguous(memory_format=torch.channels_last_3d)
        if self.bfloat16:
            values = values.bfloat16()
        return torch.sigmoid(self.net(values)[0].float())


def _even_cuts(lo: int, hi: int, core: int, step: int) -> list[tuple[int, int]]:
    count = max(1, -(-(hi - lo) // max(core, step)))
    size = -(-(hi - lo) // (count * step)) * step
    return [(start, min(start + size, hi)) for start in range(lo, hi, size)]


def _make_tile(
    spans: tuple[tuple[int, int], ...],
    shape: tuple[int, int, int],
    edges: tuple[int, ...],
    halo: int,
    step: int,
) -> Tile:
    los = [max(0, a - halo) for a, _ in spans]
    his = [
        min(edge, a + -(-(b - a) // step) * step + halo) if b < size else edge
        for (a, b), size, edge in zip(spans, shape, edges, strict=True)
    ]
    core_lo, core_hi = (tuple(s[i] for s in spans) for i in (0, 1))
    return Tile(core_lo, core_hi, tuple(los), tuple(his))  # type: ignore[arg-type]


def _distance(tile: Tile, point: tuple[float, float, float]) -> float:
    return sum(
        max(a - p, 0.0, p - (b - 1)) ** 2
        for a, b, p in zip(tile.core_lo, tile.core_hi, point, strict=True)
    )
