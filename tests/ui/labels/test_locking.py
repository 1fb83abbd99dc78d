"""Which strokes a locked object takes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tomoscribe.project.painted import PaintedLabels
from tomoscribe.ui.labels.locking import voxels_to_lock
from tomoscribe.ui.labels.working_copy import WorkingCopy

SHAPE = (5, 64, 64)


@pytest.mark.parametrize(
    ("first", "last", "joins"), [(18, 26, True), (18, 33, True), (2, 26, False), (24, 34, False)]
)
def test_a_stroke_joins_that_reaches_a_little_beyond_the_object(
    tmp_path: Path, first: int, last: int, joins: bool
) -> None:
    store = PaintedLabels(tmp_path, "one", SHAPE)
    (number,) = store.add_objects(2)
    store.write((2, first, 20), np.full((1, last - first, 3), number))
    copy = WorkingCopy("one", store)
    mask = np.ones((5, 9, 12), bool)  # y from 20 to 28
    z, y, x = voxels_to_lock(copy, mask, (0, 20, 16), 2)
    mine = np.zeros(SHAPE, bool)
    mine[z, y, x] = True
    stroke = copy.values == number
    expected = np.zeros(SHAPE, bool)
    expected[:, 20:29, 16:28] = True
    expected &= ~stroke
    if joins:
        expected |= stroke
    np.testing.assert_array_equal(mine, expected)
