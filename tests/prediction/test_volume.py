"""Prediction of whole tomograms and single slices: bounded memory, the right place, in time."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest
import torch

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import Volume
from tomoscribe.nets.tiled import TiledNet
from tomoscribe.nets.unet import UNet3d
from tomoscribe.prediction.volume import choose_device, predict_heatmap
from tomoscribe.project.model import ParticleClass
from tomoscribe.tasks.base import Focus
from tomoscribe.tasks.tomogram.predictor import TomogramPredictor

CLASSES = (ParticleClass("a", 160.0), ParticleClass("b", 200.0))


class _Endless:
    """A lazy tomogram of any size that is never in memory; notes the largest piece asked for."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.shape, self.dtype, self.largest, self.read = shape, np.dtype(np.float32), 0, 0

    def __getitem__(self, key: tuple[slice, ...]) -> np.ndarray:
        parts = [
            np.arange(*k.indices(n), dtype=np.float32) for k, n in zip(key, self.shape, strict=True)
        ]
        z, y, x = np.meshgrid(*parts, indexing="ij", sparse=True)
        piece = np.sin(z * 1.7 + y * 2.3 + x * 0.9) + np.sin(x * y * 0.37)
        self.largest = max(self.largest, piece.size)
        self.read += piece.size
        return piece.astype(np.float32)


def _volume(shape: tuple[int, int, int]) -> tuple[Volume, _Endless]:
    data = _Endless(shape)
    return Volume(f"made{shape}.mrc", data, 10.0), data  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def predictor() -> TomogramPredictor:
    torch.manual_seed(0)
    net = UNet3d(2, 4)
    torch.nn.init.normal_(net.head.weight, std=10.0)
    tiled = TiledNet(net.eval(), 2, 4, bfloat16=False, device=torch.device("cpu"))
    return TomogramPredictor(tiled, CLASSES, {"a": 0.5, "b": 0.5}, 10.0, 1, 2)


def test_blocks_cover_the_grid_once(predictor: TomogramPredictor) -> None:
    volume, _ = _volume((30, 150, 131))
    seen = np.zeros(predictor.grid(volume).shape_zyx, int)
    for focus in (None, Focus((15, 75, 60), (15, 0, 0), (15, 150, 131))):
        seen[:] = 0
        for block in predictor.blocks(volume, focus):
            z, y, x = block.lo_zyx
            _, dz, dy, dx = block.scores.shape
            seen[z : z + dz, y : y + dy, x : x + dx] += 1
        assert (seen == 1).all()


def test_the_part_in_view_comes_first(predictor: TomogramPredictor) -> None:
    volume, _ = _volume((30, 300, 300))
    focus = Focus((15, 280, 20), (15, 250, 0), (15, 300, 50))
    block = next(iter(predictor.blocks(volume, focus)))
    lo, hi = np.array(block.lo_zyx), np.array(block.lo_zyx) + block.scores.shape[1:]
    assert np.all(lo <= (7, 140, 10))
    assert np.all(hi > (7, 139, 10))
    assert block.scores[0].size < np.prod(predictor.grid(volume).shape_zyx) / 4


def test_what_is_left_goes_on_outward_from_another_place(predictor: TomogramPredictor) -> None:
    volume, _ = _volume((30, 300, 300))
    first, then = (Focus((15, y, y), (15, 0, 0), (15, 300, 300)) for y in (20, 280))
    done = [block.lo_zyx for block in islice(predictor.blocks(volume, first), 2)]
    left = [block.lo_zyx for block in predictor.blocks_left(volume, then, done)]
    assert left[0][1:] == max(lo[1:] for lo in left)
    assert not set(done) & set(left)
    assert {*done, *left} == {block.lo_zyx for block in predictor.blocks(volume, then)}


def test_memory_is_bounded_by_the_tile_not_the_tomogram(predictor: TomogramPredictor) -> None:
    small, large = _volume((32, 400, 400)), _volume((32, 400, 3200))
    for volume, _ in (small, large):
        for _block in zip(range(1), predictor.blocks(volume), strict=False):
            pass
    assert large[1].largest <= 2 * small[1].largest


def test_a_slice_reads_little_and_agrees_with_the_whole(predictor: TomogramPredictor) -> None:
    volume, data = _volume((60, 120, 160))
    whole, grid = predict_heatmap(predictor, volume)
    data.read = 0
    focus = Focus((31, 60, 80), (31, 20, 30), (31, 100, 130))
    block = predictor.slice_first(volume, focus)
    assert data.read < 0.5 * np.prod(volume.shape_zyx)
    z, y, x = block.lo_zyx
    _, dz, dy, dx = block.scores.shape
    assert z <= 15 < z + dz
    assert y <= 10
    assert y + dy >= 49
    assert x <= 15
    assert x + dx >= 64
    same = whole[:, z : z + dz, y : y + dy, x : x + dx]
    assert np.corrcoef(block.scores.ravel(), same.ravel())[0, 1] > 0.85
    assert grid.bin == 2


def test_one_slice_can_be_looked_at_along_every_axis(predictor: TomogramPredictor) -> None:
    volume, _ = _volume((40, 60, 80))
    for axis in range(3):
        lo, hi = [0.0, 0.0, 0.0], [40.0, 60.0, 80.0]
        lo[axis] = hi[axis] = 21.0
        focus = Focus((21, 21, 21), tuple(lo), tuple(hi))  # type: ignore[arg-type]
        block = predictor.slice_first(volume, focus)
        assert block.scores.shape[1 + axis] <= 4
        assert block.lo_zyx[axis] <= 10 < block.lo_zyx[axis] + block.scores.shape[1 + axis]


def test_progress_ends_at_one(predictor: TomogramPredictor) -> None:
    shares: list[float] = []
    predict_heatmap(predictor, _volume((20, 40, 40))[0], on_progress=shares.append)
    assert shares[-1] == pytest.approx(1.0)


def test_unknown_voxel_size_is_asked_for(predictor: TomogramPredictor) -> None:
    volume = Volume("blank.mrc", _Endless((8, 8, 8)), None)  # type: ignore[arg-type]
    with pytest.raises(TomoscribeError, match="voxel size"):
        predictor.grid(volume)


def test_unknown_device_is_one_sentence() -> None:
    with pytest.raises(TomoscribeError, match="abacus"):
        choose_device("abacus")
