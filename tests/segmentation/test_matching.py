"""Objects that do not count themselves, beside those that do."""

from __future__ import annotations

import numpy as np
import pytest

from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.segmentation.matching import MatchCounts, beside, pair_objects

U, B = UNKNOWN, int(beside(np.array(7)))


@pytest.mark.parametrize(
    ("truth", "found", "expected"),
    [
        # Each found apart: the other one counts neither way.
        ([5, 5, 5, B, B, B, 0], [1, 1, 1, 2, 2, 2, 0], (1, 0, 0)),
        # Not found at all, the other one is no miss.
        ([5, 5, 5, B, B, B, 0], [1, 1, 1, 0, 0, 0, 0], (1, 0, 0)),
        # Both in one: it is no good object, and is more of the other.
        ([5, 5, 5, B, B, B, B], [1, 1, 1, 1, 1, 1, 1], (0, 0, 1)),
        # However small the other one is, as strokes are.
        ([5, 5, 5, 5, B, 0, 0], [1, 1, 1, 1, 1, 0, 0], (0, 0, 1)),
        # A little of the other one does no harm, but what is too large is no match.
        ([5, 5, 5, B, B, B, 0], [1, 1, 1, 1, 2, 2, 0], (1, 0, 0)),
        ([5, 5, 5, B, B, B, 0], [1, 1, 0, 1, 0, 0, 1], (0, 1, 1)),
        # What is beside all of them is extra; where nobody knows nothing is.
        ([5, 5, 5, B, B, 0, 0], [1, 1, 1, 2, 2, 3, 3], (1, 1, 0)),
        ([5, 5, 5, B, B, U, U], [1, 1, 1, 2, 2, 3, 3], (1, 0, 0)),
        # In two parts: one is a match, the other one is extra.
        ([5, 5, 5, 5, B, B, 0], [1, 1, 1, 2, 3, 3, 0], (1, 1, 0)),
        # Without a background, and without an object that counts.
        ([5, 5, B, B], [1, 1, 2, 2], (1, 0, 0)),
        ([B, B, U, U], [1, 1, 2, 2], (0, 0, 0)),
    ],
)
def test_an_object_that_does_not_count_shows_what_grew_over_it(
    truth: list[int], found: list[int], expected: tuple[int, int, int]
) -> None:
    counts = pair_objects(np.array(truth), np.array(found)).counts(0.5)
    assert (counts.hits, counts.extra, counts.missed) == expected
    assert isinstance(counts, MatchCounts)
    assert counts.iou_sum == pytest.approx(counts.hits, abs=0.26)
