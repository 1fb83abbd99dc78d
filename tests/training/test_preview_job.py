from __future__ import annotations

import numpy as np

from tomoscribe.tasks.base import Focus, Grid
from tomoscribe.training.preview_job import box_of, split_slice


def test_a_slice_is_cut_in_parts_that_cover_it_once_middle_first() -> None:
    focus = Focus((7.0, 50.0, 120.0), (7.0, 0.0, 20.0), (8.0, 100.0, 220.0))
    parts = split_slice(focus, 80)
    assert parts[0].lo_zyx[1:] == (100 / 3, 20 + 200 / 3)
    covered = np.zeros((100, 220), int)
    for part in parts:
        assert (part.lo_zyx[0], part.center_zyx[0], part.hi_zyx[0]) == (7, 7, 8)
        (y0, x0), (y1, x1) = (np.round(edge[1:]).astype(int) for edge in (part.lo_zyx, part.hi_zyx))
        covered[y0:y1, x0:x1] += 1
    assert np.all(covered[:, 20:] == 1)
    distances = [np.hypot(*(np.subtract(p.center_zyx, focus.center_zyx)[1:])) for p in parts]
    assert distances == sorted(distances)


def test_a_small_slice_is_one_part_along_any_axis() -> None:
    focus = Focus((5.0, 9.0, 5.0), (0.0, 9.0, 0.0), (10.0, 9.0, 10.0))
    assert split_slice(focus, 80) == [focus]


def test_a_whole_volume_in_view_is_no_slice() -> None:
    assert split_slice(Focus((5.0, 5.0, 5.0), (0.0, 0.0, 0.0), (10.0, 10.0, 10.0)), 80) == []


def test_the_box_of_a_slice_is_one_plane_of_the_grid_and_stays_inside() -> None:
    grid = Grid((10, 20, 20), 2)
    lo, hi = box_of(Focus((7.0, 20.0, 20.0), (7.0, 10.0, -50.0), (7.0, 20.0, 90.0)), grid)
    assert (lo.tolist(), hi.tolist()) == ([3, 5, 0], [4, 11, 20])
