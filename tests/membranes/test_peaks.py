"""Peaks of scores on meshes."""

import tracemalloc

import numpy as np
import pytest
from tests.membranes.shapes import normals, plane, sphere, two_sheets

from tomoscribe.membranes.geodesics import distance_graph, distance_to
from tomoscribe.membranes.peaks import find_mesh_peaks, smooth_scores


def bumps(mesh, centres, width, heights=None):
    away = np.linalg.norm(mesh.vertices_zyx[:, None] - np.asarray(centres)[None], axis=2)
    tall = np.ones(len(centres)) if heights is None else np.asarray(heights)
    return (tall * np.exp(-0.5 * (away / width) ** 2)).max(axis=1).astype(np.float32)


def test_planted_sites_are_found_best_first_and_between_vertices():
    mesh = plane(60, 60)
    centres = np.array([[0, 12.4, 15.3], [0, 30.5, 41.7], [0, 45.2, 20.1]])
    scores = bumps(mesh, centres, 3.0, [0.7, 0.9, 0.8])
    peaks = find_mesh_peaks(mesh, distance_graph(mesh), scores, 6.0, 0.3)
    np.testing.assert_allclose(peaks.zyx, centres[[1, 2, 0]], atol=0.15)
    assert peaks.scores.tolist() == scores[peaks.vertices].tolist()
    at_vertices = np.linalg.norm(mesh.vertices_zyx[peaks.vertices] - centres[[1, 2, 0]], axis=1)
    assert np.linalg.norm(peaks.zyx - centres[[1, 2, 0]], axis=1).max() < at_vertices.max() / 3


def test_positions_lie_on_a_curved_surface_with_its_normals():
    mesh = sphere(20.0, 4)
    rng = np.random.default_rng(0)
    true = rng.normal(size=(12, 3))
    true *= 20 / np.linalg.norm(true, axis=1, keepdims=True)
    peaks = find_mesh_peaks(mesh, distance_graph(mesh), bumps(mesh, true, 2.0), 3.0, 0.5)
    corners = mesh.vertices_zyx[mesh.faces[peaks.triangles]]
    np.testing.assert_allclose(np.einsum("nk,nki->ni", peaks.weights, corners), peaks.zyx)
    outward = peaks.zyx / np.linalg.norm(peaks.zyx, axis=1, keepdims=True)
    assert (np.einsum("ni,ni->n", peaks.normals_zyx(mesh, normals(mesh)), outward) > 0.999).all()


def test_opposite_leaflets_do_not_suppress_each_other():
    mesh = two_sheets(40, 40, gap=2.0)
    sites = [[0, 20, 20], [2, 20, 20.6]]
    peaks = find_mesh_peaks(mesh, distance_graph(mesh), bumps(mesh, sites, 0.7), 5.0, 0.5)
    assert sorted(peaks.zyx[:, 0].round(3)) == [0, 2]


@pytest.mark.parametrize(("apart", "count"), [(1.2, 2), (0.8, 1)])
def test_two_sites_of_one_face_are_one_within_the_radius(apart, count):
    mesh = plane(40, 40)
    sites = [[0, 20, 12], [0, 20, 12 + 5 * apart]]
    scores = bumps(mesh, sites, 0.8, [1.0, 0.9])
    assert len(find_mesh_peaks(mesh, distance_graph(mesh), scores, 5.0, 0.3)) == count


def test_suppression_is_what_one_search_a_peak_gives():
    mesh = sphere(15.0, 4)
    graph = distance_graph(mesh)
    scores = np.random.default_rng(1).random(len(mesh.vertices_zyx)).astype(np.float32)
    radius = 4.0
    left, expected = scores.copy(), []
    while left.max() >= 0.5:
        best = int(np.argmax(left))
        if scores[best] > scores[graph.indices[slice(*graph.indptr[best : best + 2])]].max():
            expected.append(best)
            left[distance_to(graph, [best], radius) < radius] = -1
        left[best] = -1
    assert find_mesh_peaks(mesh, graph, scores, radius, 0.5).vertices.tolist() == expected


def test_a_plateau_is_one_peak_in_its_middle_and_a_shelf_is_none():
    mesh = plane(41, 41)
    away = np.linalg.norm(mesh.vertices_zyx - [0, 20, 12], axis=1)
    shelf = np.linalg.norm(mesh.vertices_zyx - [0, 20, 30], axis=1)
    scores = np.where(away < 4, 0.9, 0.0) + np.where(shelf < 6, 0.5, 0.0)
    scores[mesh.vertices_zyx[:, 2] == 30] *= 1.4
    scores = scores.astype(np.float32)
    peaks = find_mesh_peaks(mesh, distance_graph(mesh), scores, 3.0, 0.1)
    np.testing.assert_allclose(peaks.zyx[0], [0, 20, 12], atol=0.1)
    assert all(scores[v] in (np.float32(0.9), np.float32(0.7)) for v in peaks.vertices)


def test_maps_without_peaks_give_none():
    mesh = plane(10, 10)
    graph = distance_graph(mesh)
    for empty in (np.zeros(100), np.full(100, 0.7), np.full(100, np.nan)):
        assert len(find_mesh_peaks(mesh, graph, empty, 3.0, 0.0)) == 0
    lonely = np.zeros(100)
    lonely[37] = 0.2
    assert len(find_mesh_peaks(mesh, graph, lonely, 3.0, 0.3)) == 0


def test_scores_of_another_mesh_are_refused():
    mesh = plane(5, 5)
    with pytest.raises(ValueError, match="24 scores for 25 vertices"):
        find_mesh_peaks(mesh, distance_graph(mesh), np.zeros(24), 1.0, 0.5)


def test_a_raised_threshold_needs_no_new_search():
    mesh = sphere(20.0, 4)
    graph = distance_graph(mesh)
    scores = smooth_scores(graph, np.random.default_rng(2).random(len(mesh.vertices_zyx)), 1.0)
    low = find_mesh_peaks(mesh, graph, scores, 3.0, 0.1)
    high = find_mesh_peaks(mesh, graph, scores, 3.0, 0.55)
    assert 0 < len(high) < len(low)
    assert low.above(0.55).vertices.tolist() == high.vertices.tolist()


def test_smoothing_joins_the_shoulders_of_a_noisy_site():
    mesh = plane(40, 40)
    graph = distance_graph(mesh)
    noise = np.random.default_rng(3).normal(0, 0.2, len(mesh.vertices_zyx))
    noisy = bumps(mesh, [[0, 20, 20]], 5.0) + noise.astype(np.float32)
    rough = find_mesh_peaks(mesh, graph, noisy, 2.5, 0.4)
    smooth = find_mesh_peaks(mesh, graph, noisy, 2.5, 0.4, smoothing_voxels=2.0)
    assert len(smooth) < len(rough)
    np.testing.assert_allclose(smooth.zyx[0], [0, 20, 20], atol=1.0)


def test_memory_grows_linearly_with_the_vertices():
    used = []
    for subdivisions in (4, 6):
        mesh = sphere(40.0, subdivisions)
        graph = distance_graph(mesh)
        scores = np.random.default_rng(4).random(len(mesh.vertices_zyx)).astype(np.float32)
        tracemalloc.start()
        find_mesh_peaks(mesh, graph, scores, 4.0, 0.2)
        used.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert used[1] < 24 * used[0]
