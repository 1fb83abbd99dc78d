"""Tiles: every voxel once, and the same scores as one whole pass."""

import numpy as np
import pytest
import torch

from tomoscribe.nets.tiled import TiledNet
from tomoscribe.nets.unet import UNet3d


def _tiled(net: UNet3d) -> TiledNet:
    return TiledNet(net, net.stem, 4, bfloat16=False, device=torch.device("cpu"))


def _reader(volume: np.ndarray):
    def read(lo: tuple[int, ...], hi: tuple[int, ...]) -> np.ndarray:
        index = [
            np.clip(np.arange(a, b), 0, n - 1) for a, b, n in zip(lo, hi, volume.shape, strict=True)
        ]
        return volume[np.ix_(*index)]

    return read


def _assemble(tiled: TiledNet, volume: np.ndarray, core: int, halo: int) -> np.ndarray:
    shape = tuple(edge // tiled.stem for edge in volume.shape)
    heatmap = np.full(shape, np.nan, np.float32)
    for tile, scores in tiled.run(_reader(volume), tiled.tiles(shape, core, halo)):
        box = tuple(slice(a, b) for a, b in zip(tile.core_lo, tile.core_hi, strict=True))
        assert np.isnan(heatmap[box]).all(), "a voxel was written twice"
        heatmap[box] = scores[0]
    assert not np.isnan(heatmap).any(), "a voxel was left out"
    return heatmap


@pytest.mark.parametrize(("stem", "shape"), [(1, (9, 70, 63)), (2, (18, 140, 127))])
def test_stitching_equals_one_whole_pass_with_enough_halo(
    stem: int, shape: tuple[int, int, int]
) -> None:
    torch.manual_seed(1)
    net = UNet3d(1, 4, stem=stem).train()
    volume = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    for _ in range(3):
        net(torch.randn(2, 1, 32, 32, 32))
    torch.nn.init.normal_(net.head.weight, std=30.0)
    tiled = _tiled(net.eval())
    whole = _assemble(tiled, volume, 1000, 0)
    tiles = _assemble(tiled, volume, 20, net.reach)
    assert whole.std() > 0.001
    np.testing.assert_allclose(tiles, whole, atol=1e-5)


def test_tiles_nearest_to_the_focus_come_first() -> None:
    tiles = _tiled(UNet3d(1, 4)).tiles((16, 64, 64), 16, 4, first=(8.0, 40.0, 20.0))
    assert tiles[0].core_lo == (0, 32, 16)
    distances = [
        np.linalg.norm(np.add(tile.core_lo, tile.core_hi) / 2 - (8, 40, 20)) for tile in tiles
    ]
    assert distances[0] == min(distances)
    assert distances[-1] > 2 * distances[0]


def test_a_box_is_covered_by_the_fewest_tiles() -> None:
    tiles = _tiled(UNet3d(1, 4)).tiles((50, 116, 116), 200, 4, box=((25, 0, 0), (26, 116, 116)))
    assert len(tiles) == 1
    assert tiles[0].core_lo[0] <= 25 < tiles[0].core_hi[0]
    assert tiles[0].hi[0] - tiles[0].lo[0] <= 12
