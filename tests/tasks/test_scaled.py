"""The particle-scaled volume: averages, statistics, and reading beyond the edge."""

from dataclasses import dataclass

import numpy as np
import pytest

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import Volume
from tomoscribe.tasks.tomogram.scaled import read_binned, scale_volume


def _volume(values: np.ndarray) -> Volume:
    return Volume("made.mrc", values, 10.0)  # type: ignore[arg-type]


@dataclass
class _Counting:
    """A lazy array that notes the largest piece asked for."""

    values: np.ndarray
    largest: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape

    @property
    def dtype(self) -> np.dtype:
        return self.values.dtype

    def __getitem__(self, key: object) -> np.ndarray:
        piece = self.values[key]
        self.largest = max(self.largest, piece.size)
        return piece


def _noise(shape: tuple[int, ...] = (24, 30, 33)) -> np.ndarray:
    return np.random.default_rng(0).normal(5, 3, shape).astype(np.float32)


@pytest.mark.parametrize("factor", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.float32, np.int16, ">f4"])
def test_binned_voxels_are_means_of_cubes(factor: int, dtype: str) -> None:
    values = (_noise() * 10).astype(dtype)
    z, y, x = (edge // factor for edge in values.shape)
    cubes = values[: z * factor, : y * factor, : x * factor].astype(float)
    expected = cubes.reshape(z, factor, y, factor, x, factor).mean(axis=(1, 3, 5))
    binned = read_binned(_volume(values), factor, [(0, z), (0, y), (0, x)])
    assert binned.dtype == np.float32
    np.testing.assert_allclose(binned, expected, rtol=1e-4, atol=1e-4)


def test_normalised_by_median_and_spread_whatever_the_units() -> None:
    values = _noise((32, 64, 64))
    values[5, 5, 5] = 1e5
    first, second = scale_volume(_volume(values), 2), scale_volume(_volume(values * -7 + 3), 2)
    whole = first.read_all()
    assert abs(np.median(whole)) < 0.05
    assert 0.9 < whole.std() < 1.1
    assert whole.max() <= 6
    np.testing.assert_allclose(second.read_all()[8:], -whole[8:], atol=0.2)


def test_beyond_the_edge_the_last_voxel_repeats() -> None:
    scaled = scale_volume(_volume(_noise()), 2)
    whole = scaled.read_all()
    box = scaled.read((-3, 2, 10), (14, 6, 20))
    assert box.shape == (17, 4, 10)
    np.testing.assert_array_equal(box[0], box[3])
    np.testing.assert_array_equal(box[3:15, :, :6], whole[:12, 2:6, 10:16])
    np.testing.assert_array_equal(box[..., 6], box[..., 5])


def test_statistics_and_boxes_never_read_the_whole_file() -> None:
    data = _Counting(_noise((128, 40, 40)))
    scaled = scale_volume(_volume(data), 2)  # type: ignore[arg-type]
    scaled.read((10, 0, 0), (14, 20, 20))
    assert data.largest <= 8 * 40 * 40


def test_a_volume_thinner_than_the_binning_is_one_slice() -> None:
    assert scale_volume(_volume(_noise((2, 30, 30))), 4).read_all().shape == (1, 7, 7)


def test_nan_voxels_are_one_sentence() -> None:
    values = _noise()
    values[11, 20, 20] = np.nan
    with pytest.raises(TomoscribeError, match=r"made\.mrc"):
        scale_volume(_volume(values), 1).read_all()


def test_constant_volume_is_one_sentence() -> None:
    with pytest.raises(TomoscribeError, match="same value"):
        scale_volume(_volume(np.ones((8, 8, 8), np.float32)), 2)


def test_in_memory_it_reads_the_same_without_the_file() -> None:
    lazy = _Counting(_noise())
    scaled = scale_volume(_volume(lazy), 2)  # type: ignore[arg-type]
    box = (-3, 2, 10), (5, 20, 19)
    expected = scaled.read(*box)
    resident = scaled.resident()
    lazy.largest = 0
    np.testing.assert_array_equal(resident.read(*box), expected)
    assert lazy.largest == 0
    np.testing.assert_array_equal(resident.read_all(), scaled.resident().values)
    resident.read(*box)[:] = 0
    np.testing.assert_array_equal(resident.read(*box), expected)


def test_a_mask_of_bits_is_no_image() -> None:
    with pytest.raises(TomoscribeError, match=r"made.mrc holds a bit for each voxel"):
        scale_volume(_volume(_noise() > 5), 1)


@pytest.mark.parametrize(
    ("lo", "hi"),
    [((-9, 0, 0), (-5, 30, 33)), ((0, 40, 0), (24, 47, 33)), ((-2, -3, 30), (30, 2, 36))],
)
def test_a_box_beyond_the_image_has_its_shape_and_the_nearest_edge(
    lo: tuple[int, ...], hi: tuple[int, ...]
) -> None:
    scaled = scale_volume(_volume(_noise()), 1)
    whole = scaled.read_all()
    nearest = np.ix_(
        *(np.arange(a, b).clip(0, n - 1) for a, b, n in zip(lo, hi, whole.shape, strict=True))
    )
    np.testing.assert_array_equal(scaled.read(lo, hi), whole[nearest])
