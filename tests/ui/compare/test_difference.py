"""The difference of two maps: B minus A, on the finer grid, nothing where one is not computed."""

from __future__ import annotations

import numpy as np

from tomoscribe.training.previews import encode_scores
from tomoscribe.ui.scores.difference import (
    EQUAL,
    STEPS,
    difference_colors,
    difference_of,
    reach_of,
)
from tomoscribe.ui.scores.score_map import ScoreGrid

GRID = ScoreGrid((2, 4, 4), 2, ("ribosome", "proteasome"))


def stored(grid: ScoreGrid, score: float) -> np.ndarray:
    return encode_scores(np.full((len(grid.class_names), *grid.shape_zyx), score))


def as_score(value: int) -> float:
    return (int(value) - EQUAL) / STEPS


def test_it_is_b_minus_a_within_a_stored_step() -> None:
    for a, b in ((0.0, 1.0), (1.0, 0.0), (0.3, 0.55), (0.5, 0.5)):
        grid, found = difference_of(stored(GRID, a), GRID, stored(GRID, b), GRID)
        assert grid == GRID
        assert abs(as_score(found[0, 0, 0, 0]) - (b - a)) <= 1 / STEPS


def test_what_only_one_side_computed_is_no_difference() -> None:
    a, b = stored(GRID, 0.0), stored(GRID, 1.0)
    a[:, 0] = 0  # not computed
    _, found = difference_of(a, GRID, b, GRID)
    assert (found[:, 0] == EQUAL).all()
    assert (found[:, 1] > EQUAL).all()


def test_another_bin_and_other_classes_are_compared_on_the_finer_grid_by_name() -> None:
    coarse = ScoreGrid((1, 2, 2), 4, ("proteasome",))
    a, b = stored(GRID, 0.2), stored(coarse, 0.8)
    a[0] = 255  # of the class that B does not know
    for first, second, sign in (((a, GRID), (b, coarse), 1), ((b, coarse), (a, GRID), -1)):
        grid, found = difference_of(*first, *second)
        assert grid == ScoreGrid(GRID.shape_zyx, 2, ("proteasome",))
        assert abs(as_score(found[0, 1, 3, 3]) - sign * 0.6) <= 2 / STEPS


def test_scores_of_a_mesh_are_compared_by_the_same_code() -> None:
    mesh = ScoreGrid((1, 1, 7), 1, ("ribosome",))
    grid, found = difference_of(stored(mesh, 0.1), mesh, stored(mesh, 0.9), mesh)
    assert grid == mesh
    assert abs(as_score(found[0, 0, 0, 6]) - 0.8) <= 1 / STEPS


def test_colours_are_nothing_in_the_middle_and_blue_and_vermilion_at_the_ends() -> None:
    colors = difference_colors()
    assert colors[127, 3] == colors[128, 3] == 0
    assert colors[0, 3] == colors[255, 3] == 1
    assert colors[0, 2] > colors[0, 0]  # A higher: blue
    assert colors[255, 0] > colors[255, 2]  # B higher: red


def test_the_strongest_colour_goes_to_the_strongest_differences() -> None:
    values = np.full((10, 50, 50), EQUAL, np.uint8)
    assert reach_of(values) / STEPS == 0.1  # small differences stay faint
    values[:, :5, :5] = EQUAL - 60
    assert abs(reach_of(values) - 60) <= 1
