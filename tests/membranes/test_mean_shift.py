"""Sparse mean shift against the dense one that it stands for."""

import numpy as np
import pytest
from tests.membranes.shapes import plane, sphere

from tomoscribe.membranes.mean_shift import find_mean_shift_peaks, mean_shift


def dense(points, scores, bandwidth, min_score=0.1, iterations=150):
    """MemBrain-pick's mean shift and DBSCAN, written down plainly."""
    points, scores = points[scores > min_score], scores[scores > min_score]
    mass = np.clip(10 * scores, 0.01, 10) + 0.05
    places = points.copy()
    for _ in range(iterations):
        away = np.linalg.norm(places[:, None] - points[None], axis=2)
        weight = np.maximum(bandwidth - away, 0) * mass
        before, places = places, weight @ points / weight.sum(axis=1)[:, None]
        if np.linalg.norm(places - before, axis=1).mean() < 1e-3 * bandwidth:
            break
    near = np.linalg.norm(places[:, None] - places[None], axis=2) <= 0.4 * bandwidth
    core, label = near.sum(axis=1) >= 5, np.full(len(places), -1)
    for seed in np.flatnonzero(core):
        if label[seed] < 0:
            front = [seed]
            while front:
                i = front.pop()
                if label[i] < 0:
                    label[i] = seed
                    front += [j for j in np.flatnonzero(near[i]) if core[i] and label[j] < 0]
    return np.array([places[label == k].mean(axis=0) for k in np.unique(label[label >= 0])])


def a_map(seed, noise):
    mesh = sphere(10.0, 4)
    rng = np.random.default_rng(seed)
    sites = rng.normal(size=(14, 3))
    sites *= 10 / np.linalg.norm(sites, axis=1, keepdims=True)
    away = np.linalg.norm(mesh.vertices_zyx[:, None] - sites[None], axis=2).min(axis=1)
    scores = np.clip(1 - away / 10 + rng.normal(0, noise, len(away)), 0, 1)
    return mesh, scores


@pytest.mark.parametrize("bandwidth_A", [20.0, 40.0])
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_clusters_are_those_of_the_dense_mean_shift(bandwidth_A, noise):
    mesh, scores = a_map(1, noise)
    points_A = mesh.vertices_zyx * 8.0
    expected = dense(points_A, scores, bandwidth_A, min_score=0.7)
    found = mean_shift(points_A, scores, bandwidth_A, min_score=0.7)
    assert len(found) == len(expected) > 5
    nearest = np.linalg.norm(found[:, None] - expected[None], axis=2)
    assert nearest.min(axis=0).max() < 0.1 * bandwidth_A
    assert np.median(nearest.min(axis=0)) < 0.02 * bandwidth_A


def test_a_bandwidth_below_the_vertex_spacing_finds_nothing_as_the_peers_does():
    mesh = plane(30, 30, spacing=2.0)
    scores = np.exp(-0.5 * (np.linalg.norm(mesh.vertices_zyx - [0, 30, 30], axis=1) / 6) ** 2)
    assert len(find_mean_shift_peaks(mesh, scores, 10.0, bandwidth_A=7.0)) == 0
    assert len(find_mean_shift_peaks(mesh, scores, 10.0, bandwidth_A=60.0)) >= 1


def test_peaks_lie_on_the_surface_best_first():
    mesh, scores = a_map(2, 0.0)
    peaks = find_mean_shift_peaks(mesh, scores, 8.0, bandwidth_A=24.0, min_score=0.8)
    assert len(peaks) > 5
    assert (np.diff(peaks.scores) <= 0).all()
    np.testing.assert_allclose(np.linalg.norm(peaks.zyx, axis=1), 10.0, atol=0.15)


def test_nothing_above_the_threshold_is_no_cluster():
    mesh = plane(6, 6)
    assert len(find_mean_shift_peaks(mesh, np.zeros(36), 10.0)) == 0
    assert mean_shift(mesh.vertices_zyx, np.zeros(36), 60.0).shape == (0, 3)
