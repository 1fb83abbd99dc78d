"""Objects of neighbouring sections that lie over each other are one."""

import numpy as np
import pytest

from tomoscribe.segmentation.sections import link_sections, numbered_by_section


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


def _columns(numbers_of_sections) -> np.ndarray:
    """Return sections in each of which three objects of four pixels lie side by side."""
    return np.stack([_row(*np.repeat(numbers, 4)) for numbers in numbers_of_sections])


@pytest.mark.parametrize(
    ("numbers", "anew"),
    [
        (((1, 2, 3), (1, 2, 3), (1, 2, 4)), False),  # One ends, another begins.
        (((1, 2, 3), (4, 5, 6), (7, 8, 9)), True),  # As our decoder numbers sections.
        (((1, 2, 3), (2, 3, 1), (1, 2, 3)), True),  # From 1 on in each.
        (((1, 2, 3), (0, 1, 2), (1, 2, 3)), True),
        (((1, 2, 3), (0, 0, 0), (1, 2, 3)), False),  # A section is lost.
        (((1, 2, 3), (0, 0, 0), (4, 5, 6)), True),
        (((0, 0, 0), (1, 2, 3), (0, 0, 0)), False),
        (((-1, -1, -1), (1, 2, 3), (1, 2, -1)), False),
        (((0, 0, 0), (0, 0, 0)), False),
    ],
)
def test_whether_sections_number_their_objects_anew_is_seen_in_the_numbers(numbers, anew):
    assert numbered_by_section(_columns(numbers)) is anew
