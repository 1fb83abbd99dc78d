"""The instant answer reads a streamed tomogram slab by slab, and only once per diameter."""

from __future__ import annotations

import numpy as np
import pytest

from tomoscribe.io.volumes import Volume
from tomoscribe.prediction.instant import InstantAnswer

SHAPE = (192, 40, 48)
SLAB_PLANES = 32
"""The most planes of the file that one read may ask for, at a binning of 2."""
CLICKS = np.array([(40.0, 12.0, 12.0), (90.0, 20.0, 30.0), (150.0, 25.0, 20.0)])
DIAMETER_A = 160.0


class Streamed:
    """A lazy array that cannot be read as a whole, and counts what it hands out."""

    def __init__(self, values: np.ndarray, most: int) -> None:
        self.values = values
        self._most = most
        self.handed_out = 0
        self.reads = 0
        self.shape, self.dtype, self.ndim = values.shape, values.dtype, values.ndim

    def __getitem__(self, key: object) -> np.ndarray:
        piece = self.values[key]
        if piece.size > self._most:
            raise MemoryError(f"{piece.size} voxels were asked for, {self._most} are allowed")
        self.handed_out += piece.size
        self.reads += 1
        return piece.copy()

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise MemoryError("the whole tomogram was asked for")


@pytest.fixture
def streamed() -> Streamed:
    values = np.random.default_rng(0).standard_normal(SHAPE, dtype=np.float32)
    return Streamed(values, SLAB_PLANES * SHAPE[1] * SHAPE[2])


def test_no_read_asks_for_more_than_a_slab(streamed: Streamed) -> None:
    answer = InstantAnswer(Volume("far.zarr", streamed, 10.0))
    answer.prepare(DIAMETER_A)
    assert streamed.reads >= SHAPE[0] // SLAB_PLANES
    assert streamed.handed_out < 1.5 * np.prod(SHAPE)


def test_answers_read_nothing_more(streamed: Streamed) -> None:
    answer = InstantAnswer(Volume("far.zarr", streamed, 10.0))
    answer.prepare(DIAMETER_A)
    reads = streamed.reads
    answer.answer(CLICKS, DIAMETER_A)
    answer.answer(CLICKS, DIAMETER_A, rejected_zyx=CLICKS[:1])
    assert streamed.reads == reads


def test_streamed_and_held_tomograms_have_the_same_answer(streamed: Streamed) -> None:
    held = InstantAnswer(Volume("near.mrc", streamed.values, 10.0))
    far = InstantAnswer(Volume("far.zarr", streamed, 10.0))
    first, again = (a.answer(CLICKS, DIAMETER_A) for a in (held, far))
    np.testing.assert_array_equal(first.scores, again.scores)
