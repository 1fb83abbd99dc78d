"""Numbers of objects, however high, and 0 where it is one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tomoscribe.io.label_write import write_labels
from tomoscribe.segmentation.overlaps import overlaps
from tomoscribe.segmentation.renumber import object_numbers, without_small
from tomoscribe.segmentation.value_labels import ValueLabels, ValueMeaning, labels_of_file
from tomoscribe.segmentation.whole import WHOLE, mark_whole, plain_numbers


def test_objects_keep_their_numbers_and_those_beyond_int32_stay_apart() -> None:
    ordinary = np.array([1, 2, 1_000_000, (1 << 30) - 1])
    assert np.array_equal(object_numbers(ordinary), ordinary)
    huge = np.array([0, *((1 << 31) + np.arange(1000)), (1 << 64) - 1], dtype=np.uint64)
    numbers = object_numbers(huge)
    assert len(np.unique(numbers)) == len(huge)
    assert numbers.min() >= 1 << 30  # so none is the number of an ordinary object
    assert numbers.max() < WHOLE  # nor looks like one that is marked as whole


def test_whole_objects_are_marked_and_keep_their_numbers() -> None:
    labels = np.array([-1, 0, 1, 64, 65, 66], np.int32)
    marked = mark_whole(labels, {64, 66})
    assert marked.tolist() == [-1, 0, 1, WHOLE + 64, 65, WHOLE + 66]
    assert marked.dtype == np.int32
    assert np.array_equal(plain_numbers(marked), labels)
    assert np.array_equal(mark_whole(labels, ()), labels)


def test_object_0_is_an_object_of_its_own_where_the_background_has_another_value(
    tmp_path: Path,
) -> None:
    meaning = ValueMeaning(None, 1, background=255, unlabelled=None, objects=True)
    values = np.array([[[0, 1, 2, 255]]], np.uint8)
    (labels,) = labels_of_file(values, meaning, "a.tif")
    assert labels[0, 0, 3] == 0
    assert len(np.unique(labels)) == 4
    write_labels(tmp_path / "a.tif", values, (1.0, 1.0, 1.0))
    # The same in whatever box it is read.
    one = ValueLabels(str(tmp_path / "a.tif"), meaning).read((0, 0, 0), (1, 1, 1))
    assert one.ravel().tolist() == labels[0, 0, :1].tolist()


@pytest.mark.parametrize("high", [7, 2**31 - 1])
def test_small_objects_are_dropped_whatever_their_numbers(high: int) -> None:
    labels = np.array([[high, high, 3, 0, 5, 5]], np.int32)
    assert without_small(labels, 2).tolist() == [[2, 2, 0, 0, 1, 1]]
    assert without_small(labels[:, :1], 1).tolist() == [[1]]
    assert without_small(labels[:, 3:4], 1).tolist() == [[0]]


def test_objects_that_share_voxels_are_told_by_numbers_of_64_bits() -> None:
    high = 2**63 + 5
    first = np.array([high, high, 7, 0], np.uint64)
    pairs = overlaps(first, np.array([1, 1, high, high], np.uint64))
    told = zip(pairs.first.tolist(), pairs.second.tolist(), pairs.voxels.tolist(), strict=True)
    assert sorted(told) == [(7, high, 1), (high, 1, 2)]
