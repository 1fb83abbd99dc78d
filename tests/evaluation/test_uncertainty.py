from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from tomoscribe.evaluation.uncertainty import (
    above_background,
    belief,
    disagreement,
    exclude_balls,
    in_the_peak,
    informative_places,
    informative_points,
    peaks_in_volume,
    peaks_on_mesh,
    uncertainty,
)


def blob(shape: tuple[int, int, int], places: list, heights: list, width: float = 2.0):
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in shape), indexing="ij"), axis=-1)
    values = np.zeros(shape, np.float32)
    for place, height in zip(places, heights, strict=True):
        distance = ((grid - np.array(place)) ** 2).sum(axis=-1)
        values = np.maximum(values, height * np.exp(-distance / (2 * width**2)))
    return values.astype(np.float32)


def test_the_model_is_least_sure_at_its_own_threshold_whatever_that_is() -> None:
    scores = np.linspace(0, 1, 1001)
    for threshold in (0.05, 0.5, 0.8):
        values = uncertainty(scores, threshold)
        assert scores[np.argmax(values)] == pytest.approx(threshold, abs=0.002)
        assert values.max() == pytest.approx(1.0, abs=1e-4)
        assert values[[0, -1]] == pytest.approx(0.0, abs=1e-4)
        assert belief(np.array([threshold]), threshold) == pytest.approx(0.5)


def test_what_is_not_computed_yet_is_not_unsure() -> None:
    assert uncertainty(np.array([np.nan, 0.5]), 0.5).tolist() == [0.0, 1.0]
    apart = disagreement(np.array([np.nan, 0.9]), np.array([0.1, 0.1]), (0.5, 0.5))
    assert apart == pytest.approx([0.0, 0.8])


def test_a_threshold_just_above_the_background_leaves_the_background_sure() -> None:
    scores = np.array([0.010, 0.012, 0.020, 0.300])
    assert uncertainty(scores, 0.02)[:2].min() > 0.8  # by itself all of it would ask
    unsure = uncertainty(scores, 0.02, background=0.010)
    assert unsure[0] < 0.1
    assert unsure[2] == pytest.approx(1.0)
    assert unsure[3] < 0.01
    ordinary = np.array([0.1, 0.5, 0.9])
    np.testing.assert_allclose(uncertainty(ordinary, 0.5, 0.001), uncertainty(ordinary, 0.5))


@pytest.mark.parametrize("apart", [0.0039, 1e-3, 1e-6, 1e-12])
@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.97])
def test_however_little_the_threshold_is_above_the_background_it_is_even_odds(
    threshold: float, apart: float
) -> None:
    scores = np.array([0, 0.01, threshold, 0.99, 1, np.nan], np.float32)
    found = belief(scores, threshold, threshold - apart)
    assert found[2] == pytest.approx(0.5, abs=0.01)
    np.testing.assert_allclose(found[[0, 1, 3, 4]], [0, 0, 1, 1], atol=1e-6)
    assert np.isnan(found[5])
    assert np.isfinite(uncertainty(scores, threshold, threshold - apart)).all()


def test_models_agree_where_each_is_as_far_above_its_own_threshold() -> None:
    apart = disagreement(np.array([0.2, 0.2]), np.array([0.6, 0.2]), (0.2, 0.6))
    assert apart[0] == pytest.approx(0.0, abs=1e-6)
    assert apart[1] > 0.2


def test_a_field_with_several_questions_goes_before_one_with_a_single_one() -> None:
    places = [(10, 10, 10), (10, 12, 60), (10, 20, 66), (14, 14, 68)]
    values = blob((20, 32, 80), places, [1.0, 0.8, 0.8, 0.8])
    found = informative_places(values, field=24, particle=4, count=5)
    assert found[0, 2] > 50
    assert np.linalg.norm(found - (10, 10, 10), axis=1).min() < 3
    # Every place is a spot that is itself unsure, not the empty middle between several.
    assert all(values[tuple(p.astype(int))] > 0.5 for p in found)
    differences = np.abs(found[:, None] - found[None]).max(axis=-1)
    assert (differences[np.triu_indices(len(found), 1)] > 12).all()


def test_labelled_places_are_not_asked_for() -> None:
    values = blob((20, 32, 80), [(10, 10, 10), (10, 16, 60)], [1.0, 0.6])
    exclude_balls(values, np.array([[10, 10, 10]]), 8)
    found = informative_places(values, field=24, particle=4, count=5)
    assert len(found) == 1
    assert np.linalg.norm(found[0] - (10, 16, 60)) < 3
    exclude_balls(values, np.array([[10, 16, 60], [500, 0, 0]]), 8)
    assert not len(informative_places(values, field=24, particle=4, count=5))


def test_a_model_that_is_a_little_unsure_everywhere_asks_for_what_stands_out() -> None:
    noise = np.random.default_rng(0).uniform(0.2, 0.3, (20, 40, 40)).astype(np.float32)
    values = above_background(np.maximum(noise, blob((20, 40, 40), [(10, 8, 30)], [0.9])))
    best = informative_places(values, field=16, particle=4, count=1)[0]
    assert np.linalg.norm(best - (10, 8, 30)) < 4


def test_a_field_larger_than_the_volume_still_finds_the_spot() -> None:
    values = blob((5, 9, 9), [(2, 4, 6)], [1.0])
    assert np.abs(informative_places(values, 100, 3, 4) - (2, 4, 6)).max() <= 1


def test_on_a_mesh_the_crowded_unsure_part_goes_first_and_nothing_twice() -> None:
    axis = np.arange(0, 100, 2.0)
    points = np.stack(np.meshgrid([0.0], axis, axis, indexing="ij"), axis=-1).reshape(-1, 3)
    values = np.zeros(len(points), np.float32)
    for place, height in (((20, 20), 1.0), ((70, 70), 0.8), ((80, 70), 0.8)):
        distance = np.linalg.norm(points[:, 1:] - place, axis=1)
        values = np.maximum(values, np.where(distance < 5, height, 0)).astype(np.float32)
    found = informative_points(points, values, field=30, count=5)
    assert points[found[0], 1] > 60
    assert values[found].min() > 0
    assert len(found) == 2
    assert not len(informative_points(points, np.zeros(len(points)), 30, 5))


def test_the_rim_of_a_sure_particle_is_sure_and_an_unsure_one_is_unsure_throughout() -> None:
    scores = blob((20, 32, 64), [(10, 16, 16), (10, 16, 48)], [0.99, 0.5])
    stored = (1 + np.rint(254 * scores)).astype(np.uint8)
    peaks = peaks_in_volume(stored, 10)
    unsure = np.where(in_the_peak(stored, peaks), uncertainty((peaks - 1.0) / 254, 0.5), 0)
    assert uncertainty(scores, 0.5)[10, 16, 13:20].max() > 0.9  # the rim alone would ask
    assert unsure[:, :, 11:22].max() < 0.2
    assert unsure[10, 15:18, 47:50].min() > 0.9
    assert unsure[10, 16, 56:].max() < 0.2  # what is beside a particle is no part of it


def test_on_a_mesh_peaks_spread_along_edges_only() -> None:
    line = np.array([1, 9, 1, 1, 1, 1, 1], np.uint8)
    rows = [0, 1, 1, 2, 2, 3, 4, 5]
    columns = [1, 0, 2, 1, 3, 2, 5, 4]
    graph = sparse.csr_array((np.full(8, 2.0), (rows, columns)), shape=(7, 7))
    assert peaks_on_mesh(line, graph, 4).tolist() == [9, 9, 9, 1, 1, 1, 1]
    assert peaks_on_mesh(line, graph, 8).tolist() == [9, 9, 9, 9, 1, 1, 1]
    assert peaks_on_mesh(line, graph, 0).tolist() == line.tolist()
