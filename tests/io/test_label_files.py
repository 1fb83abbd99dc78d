"""What is taken for labels, and what is told to be none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy

import tomoscribe
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.label_files import count_values, open_label_array
from tomoscribe.io.label_write import write_labels

NM = (8.0, 8.0, 8.0)


def test_a_grey_image_is_no_label_volume(tmp_path: Path) -> None:
    """Noise smoothed by a pixel, as micrographs are; it has whole numbers as labels have."""
    noise = np.random.default_rng(0).normal(size=(3, 60, 60))
    smooth = scipy.ndimage.gaussian_filter(noise, 1)
    grey = np.interp(smooth, (smooth.min(), smooth.max()), (0, 255)).astype(np.uint8)
    write_labels(tmp_path / "image.tif", grey, NM)
    with pytest.raises(TomoscribeError, match=r"image\.tif is a grey image, no labels"):
        tomoscribe.object_stats(tmp_path / "image.tif")


@pytest.mark.parametrize("side", [1, 2, 5])
def test_many_small_objects_are_labels(tmp_path: Path, side: int) -> None:
    """Objects of one pixel have a pixel of background around them."""
    cells = np.arange(1, 401).reshape(1, 20, 20)
    labels = np.repeat(np.repeat(cells, side, axis=1), side, axis=2)
    if side == 1:
        labels = np.zeros((1, 40, 40), int)
        labels[:, ::2, ::2] = cells
    write_labels(tmp_path / "labels.tif", labels, NM)
    array, size = open_label_array(str(tmp_path / "labels.tif"))
    assert size == NM
    np.testing.assert_array_equal(array[:], labels)


def test_sections_without_any_label_are_counted(tmp_path: Path) -> None:
    labels = np.zeros((5, 8, 8), np.uint8)
    labels[1:3, 2:6, 2:6] = 4
    write_labels(tmp_path / "labels.tif", labels, NM)
    counted = count_values(str(tmp_path / "labels.tif"))
    assert (counted.values, counted.sections, counted.empty) == ((0, 4), 5, 3)
