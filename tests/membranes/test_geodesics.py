"""Distances on meshes whose geodesics are known."""

import numpy as np
import pytest
from tests.membranes.shapes import plane, sphere, two_sheets

from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes.geodesics import (
    distance_graph,
    distance_to,
    edge_graph,
    point_sources,
)


@pytest.mark.parametrize(
    ("graph_of", "mean", "worst"), [(edge_graph, 0.1, 0.18), (distance_graph, 0.03, 0.05)]
)
def test_on_a_sphere_they_are_great_circles(graph_of, mean: float, worst: float) -> None:
    mesh = sphere(40.0, 4)
    north = int(np.argmax(mesh.vertices_zyx[:, 0]))
    found = distance_to(graph_of(mesh), [north])
    true = 40.0 * np.arccos(np.clip(mesh.vertices_zyx @ mesh.vertices_zyx[north] / 1600.0, -1, 1))
    error = (found / np.maximum(true, 1e-9) - 1)[true > 5]
    assert error.min() > -0.005
    assert error.mean() < mean
    assert error.max() < worst


def test_along_a_row_of_a_plane_they_are_exact() -> None:
    mesh = plane(21, 21, spacing=2.0)
    graph = edge_graph(mesh)
    found = distance_to(graph, [0]).reshape(21, 21)
    assert np.allclose(found[0], 2.0 * np.arange(21))
    assert np.allclose(found[:, 0], 2.0 * np.arange(21))


def test_every_vertex_takes_the_nearest_source() -> None:
    mesh = plane(15, 15)
    graph = edge_graph(mesh)
    together = distance_to(graph, [0, 100, 224])
    alone = np.stack([distance_to(graph, [v]) for v in (0, 100, 224)])
    assert np.array_equal(together, alone.min(axis=0))


def test_beyond_the_limit_is_infinitely_far() -> None:
    mesh = plane(15, 15)
    graph = edge_graph(mesh)
    whole, near = distance_to(graph, [0]), distance_to(graph, [0], limit=4.0)
    assert np.array_equal(np.isinf(near), whole > 4.0)
    assert np.array_equal(near[whole <= 4.0], whole[whole <= 4.0])


def test_they_do_not_leak_to_a_sheet_close_by() -> None:
    mesh = two_sheets(12, 12, gap=1.0)
    assert np.isinf(distance_to(edge_graph(mesh), [0])[144:]).all()


def test_no_source_means_everything_is_far() -> None:
    assert np.isinf(distance_to(edge_graph(plane(4, 4)), [])).all()


def test_a_point_inside_a_triangle_counts_from_where_it_is() -> None:
    mesh = plane(11, 11, spacing=3.0)
    triangle = 60
    middle = mesh.vertices_zyx[mesh.faces[triangle]].mean(axis=0)
    sources, offsets = point_sources(mesh, np.array([triangle]), middle[None])
    found = distance_to(distance_graph(mesh), sources, offsets=offsets)
    straight = np.linalg.norm(mesh.vertices_zyx - middle, axis=1)
    assert np.allclose(found[mesh.faces[triangle]], straight[mesh.faces[triangle]])
    assert (found >= straight - 1e-5).all()
    assert (found <= 1.09 * straight + 3.0).all()


def test_of_two_offsets_at_one_vertex_the_shorter_counts() -> None:
    graph = edge_graph(plane(4, 4))
    assert distance_to(graph, [5, 5], offsets=[2.0, 0.5])[5] == pytest.approx(0.5)


def test_vertices_at_the_same_place_stay_connected() -> None:
    vertices = np.array([[0, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 1.0]])
    mesh = TriangleMesh(vertices, np.array([[0, 1, 2], [1, 3, 2]]))
    assert distance_to(edge_graph(mesh), [0])[1] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("bad", [[-1], [16]])
def test_a_source_that_is_no_vertex_is_refused(bad: list[int]) -> None:
    with pytest.raises(ValueError, match=r"vertices 0\.\.15"):
        distance_to(edge_graph(plane(4, 4)), bad)
