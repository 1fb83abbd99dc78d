"""Objects of neighbouring sections that lie over each other are one."""

import numpy as np
import pytest

from tomoscribe.segmentation.sections import link_sections


def _row(*numbers):
    return np.array([numbers], np.int32)


def test_of_two_that_cover_a_third_by_the_same_one_goes_on():
    forked = np.stack([_row(1, 1, 1, 1), _row(2, 2, 3, 3)])
    joined = np.stack([_row(1, 1, 2, 2), _row(3, 3, 3, 3)])

    np.testing.assert_array_equal(link_sections(forked, 0.5)[1], _row(1, 1, 2, 2))
    np.testing.assert_array_equal(link_sections(joined, 0.5)[1], _row(1, 1, 1, 1))


@pytest.mark.parametrize("numbers", [(2, 3), (3, 2)])
def test_a_larger_overlap_counts_more_than_a_lower_number(numbers):
    small, large = numbers
    labels = np.stack([_row(1, 1, 1, 1, 1), _row(small, small, large, large, large)])

    linked = link_sections(labels, 0.5)

    np.testing.assert_array_equal(linked[1, 0, 2:], [1, 1, 1])
    np.testing.assert_array_equal(linked[1, 0, :2], [2, 2])
