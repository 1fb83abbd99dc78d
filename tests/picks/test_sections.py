from __future__ import annotations

import numpy as np
import pytest

from tomoscribe.picks.sections import UPRIGHT, planes_along, sections


class Counted:
    """A volume that counts what is read of it."""

    def __init__(self, data: np.ndarray) -> None:
        self.data, self.shape, self.dtype, self.read = data, data.shape, data.dtype, 0

    def __getitem__(self, key: object) -> np.ndarray:
        part = self.data[key]
        self.read += part.size
        return part


def test_sections_along_the_axes_are_the_volumes_own_voxels() -> None:
    data = np.random.default_rng(0).normal(size=(20, 30, 40)).astype(np.float32)
    xy, xz, yz = sections(data, [(10, 15, 20)] * 3, UPRIGHT, width=7, thickness=1)
    np.testing.assert_allclose(xy, data[10, 12:19, 17:24], atol=1e-5)
    np.testing.assert_allclose(xz, data[7:14, 15, 17:24], atol=1e-5)
    np.testing.assert_allclose(yz, data[7:14, 12:19, 20], atol=1e-5)


def test_a_thick_section_is_the_mean_over_its_slices() -> None:
    data = np.random.default_rng(0).normal(size=(20, 30, 40)).astype(np.float32)
    xy = sections(data, [(10, 15, 20)], UPRIGHT[:1], width=5, thickness=5)[0]
    np.testing.assert_allclose(xy, data[8:13, 13:18, 18:23].mean(axis=0), atol=1e-5)


def test_beyond_the_volume_there_is_nothing_and_thick_sections_use_what_there_is() -> None:
    data = np.ones((10, 10, 10), np.float32)
    xy = sections(data, [(0, 0, 5)], UPRIGHT[:1], width=5, thickness=3)[0]
    assert np.isnan(xy[:2]).all()
    np.testing.assert_allclose(xy[2:], 1)
    far = sections(data, [(-50, 0, 0)], UPRIGHT[:1], width=5, thickness=3)
    assert np.isnan(far).all()


def test_no_more_is_read_than_the_box_around_and_huge_ones_with_gaps() -> None:
    data = Counted(np.zeros((200, 200, 200), np.int8))
    sections(data, [(100, 100, 100)] * 3, UPRIGHT, width=21, thickness=7)
    assert data.read <= 25**3
    wide = Counted(np.zeros((400, 400, 400), np.int8))
    images = sections(wide, [(200, 200, 200)] * 3, UPRIGHT, width=380, thickness=9)
    assert wide.read <= 130**3
    assert images.shape[1] == pytest.approx(380 / 3, abs=2)


@pytest.mark.parametrize("normal", [(0.0, 0.6, 0.8), (1.0, 0.0, 0.0), (-1.0, 0.0, 0.0)])
def test_on_a_membrane_its_normal_points_up_in_both_sides(normal) -> None:
    side, other, top = planes_along(normal)
    for plane in (side, other, top):
        frame = np.array([plane.across, plane.down, plane.through])
        np.testing.assert_allclose(frame @ frame.T, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(side.down, -np.array(normal), atol=1e-9)
    np.testing.assert_allclose(other.down, -np.array(normal), atol=1e-9)
    np.testing.assert_allclose(np.abs(np.dot(top.through, normal)), 1, atol=1e-9)
    # A sheet of density three voxels outside of the place lies above the middle.
    grid = np.stack(np.meshgrid(*(np.arange(41.0) - 20,) * 3, indexing="ij"), axis=-1)
    data = np.exp(-((grid @ np.array(normal) - 3) ** 2)).astype(np.float32)
    image = sections(data, [(20, 20, 20)], [side], width=15, thickness=3)[0]
    assert np.argmax(image.mean(axis=1)) == 7 - 3
