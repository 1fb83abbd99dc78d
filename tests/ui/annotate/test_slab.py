"""Averaging helps the eye and touches nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from tomoscribe.ui.annotate import annotate_actions
from tomoscribe.ui.annotate.slab_control import slab_text
from tomoscribe.ui.slab import SlabMean, contrast_limits, odd

VOLUME = np.random.default_rng(0).normal(size=(9, 12, 14)).astype(np.float32)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("index", [0, 4, -1])
def test_a_slice_is_the_mean_of_its_neighbours_along_any_axis(axis: int, index: int) -> None:
    key: list[Any] = [slice(None)] * 3
    key[axis] = index
    middle = index % VOLUME.shape[axis]
    expected = VOLUME.take(range(max(middle - 2, 0), min(middle + 3, VOLUME.shape[axis])), axis)
    np.testing.assert_allclose(SlabMean(VOLUME, 5)[tuple(key)], expected.mean(axis=axis), atol=1e-6)


def test_whole_volume_and_single_voxels_come_as_they_are() -> None:
    slab = SlabMean(VOLUME, 5)
    np.testing.assert_array_equal(slab[:], VOLUME)
    np.testing.assert_array_equal(np.asarray(slab), VOLUME)
    assert slab[2, 3, 4] == VOLUME[2, 3, 4]
    assert (slab.shape, slab.ndim, len(slab), slab.nbytes) == (VOLUME.shape, 3, 9, VOLUME.nbytes)


@pytest.mark.parametrize(("wished", "count"), [(0, 1), (1, 1), (3.4, 3), (8.3, 9), (9, 9)])
def test_slabs_are_odd(wished: float, count: int) -> None:
    assert odd(wished) == count


def test_numbers_are_told_in_words() -> None:
    assert slab_text(1, 10.0) == "single slice"
    assert slab_text(9, 10.0) == "9 slices, 90 Å"


def test_a_third_of_the_smallest_particle_is_averaged_until_the_user_chooses(hands: Any) -> None:
    averaging = hands.session.averaging
    assert (averaging.count, averaging.most) == (1, 5)
    hands.dock.slab.slider.setValue(2)
    assert averaging.count == hands.session.layer.data.count == 5
    assert hands.dock.slab.value.text() == "5 slices, 50 Å"
    hands.session.set_current("two")
    assert hands.session.layer.data.count == 5


def test_shift_w_switches_between_slice_and_mean_and_contrast_follows_the_noise(
    hands: Any,
) -> None:
    averaging, layer = hands.session.averaging, hands.session.layer
    averaging.set(5)
    thick = np.ptp(layer.contrast_limits)
    hands.key(Qt.Key.Key_W, Qt.KeyboardModifier.ShiftModifier)
    assert averaging.count == 1
    assert layer.contrast_limits == pytest.approx(contrast_limits(hands.session.volume.data))
    assert np.ptp(layer.contrast_limits) > 1.5 * thick
    hands.key(Qt.Key.Key_W, Qt.KeyboardModifier.ShiftModifier)
    assert averaging.count == 5
    assert np.ptp(layer.contrast_limits) == pytest.approx(thick)


def test_a_contrast_that_the_user_set_is_kept_in_proportion(hands: Any) -> None:
    averaging, layer = hands.session.averaging, hands.session.layer
    averaging.set(1)
    low, high = layer.contrast_limits
    layer.contrast_limits = (low, (low + high) / 2)
    averaging.set(5)
    auto_low, auto_high = contrast_limits(hands.session.volume.data, 5)
    assert layer.contrast_limits == pytest.approx([auto_low, (auto_low + auto_high) / 2])


def test_only_what_is_shown_is_averaged(hands: Any) -> None:
    hands.session.averaging.set(5)
    z = round(hands.session.focus().center_zyx[0])
    data = np.asarray(hands.session.volume.data[...])
    shown = np.asarray(hands.session.layer._slice.image.raw)
    np.testing.assert_allclose(shown, data[z - 2 : z + 3].mean(axis=0), atol=1e-5)
    np.testing.assert_array_equal(hands.session.volume.data[z], data[z])


def test_a_tomogram_too_large_for_the_graphics_card_stays_in_slices_and_says_why(
    hands: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(annotate_actions, "MOST_PLANE_VOXELS", 10_000)
    hands.key(Qt.Key.Key_W)
    assert hands.viewer.dims.ndisplay == 2
    assert "too large for a 3D plane" in hands.messages[-1]


def test_the_plane_is_as_thick_as_the_mean_of_slices(hands: Any) -> None:
    hands.session.averaging.set(5)
    hands.key(Qt.Key.Key_W)
    layer = hands.session.layer
    assert (layer.plane.thickness, str(layer.rendering)) == (5, "average")
    hands.key(Qt.Key.Key_W, Qt.KeyboardModifier.ShiftModifier)
    assert layer.plane.thickness == 1
