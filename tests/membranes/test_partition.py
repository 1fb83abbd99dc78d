"""Parts share a mesh out, and each is one piece."""

import numpy as np
import pytest
from scipy.sparse import csgraph
from tests.membranes.shapes import plane, sphere, two_sheets

from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes.geodesics import distance_to, edge_graph
from tomoscribe.membranes.partition import Part, partition_mesh


def _owners(mesh: TriangleMesh, parts: list[Part]) -> np.ndarray:
    counts = np.zeros(len(mesh.vertices_zyx), dtype=int)
    for part in parts:
        counts[part.vertices[part.core]] += 1
    return counts


@pytest.mark.parametrize(
    "mesh",
    [sphere(5.0, 4), plane(60, 50), two_sheets(30, 40, 3.0), plane(5, 5)],
    ids=["sphere", "plane", "two sheets", "small"],
)
def test_every_vertex_is_in_one_core(mesh: TriangleMesh) -> None:
    assert (_owners(mesh, partition_mesh(mesh, core=300, total=500)) == 1).all()


def test_parts_keep_to_their_size_and_are_connected() -> None:
    mesh = sphere(5.0, 4)
    for part in partition_mesh(mesh, core=300, total=500):
        assert len(part.vertices) <= 500
        assert 200 < part.core.sum() < 400
        own = TriangleMesh(mesh.vertices_zyx[part.vertices], part.faces)
        assert csgraph.connected_components(edge_graph(own))[0] == 1


def test_the_halo_is_what_lies_nearest_to_the_core() -> None:
    mesh = plane(50, 50)
    graph = edge_graph(mesh)
    for part in partition_mesh(mesh, core=300, total=500):
        distance = distance_to(graph, part.vertices[part.core])
        inside = np.zeros(2500, dtype=bool)
        inside[part.vertices] = True
        assert distance[inside].max() <= distance[~inside].min() + 1e-6


def test_every_neighbour_of_a_core_is_in_its_part() -> None:
    mesh = sphere(5.0, 4)
    graph = edge_graph(mesh)
    for part in partition_mesh(mesh, core=300, total=500):
        around = graph[part.vertices[part.core]].indices
        assert np.isin(around, part.vertices).all()


def test_triangles_of_a_part_are_those_of_the_mesh() -> None:
    mesh = plane(40, 40)
    known = {tuple(sorted(face)) for face in mesh.faces.tolist()}
    for part in partition_mesh(mesh, core=300, total=500):
        for face in part.vertices[part.faces].tolist():
            assert tuple(sorted(face)) in known


def test_a_mesh_that_fits_stays_whole() -> None:
    mesh = plane(20, 20)
    (part,) = partition_mesh(mesh)
    assert part.core.all()
    assert np.array_equal(part.faces, mesh.faces)


def test_small_components_share_a_part_and_lost_vertices_are_kept() -> None:
    sheets = two_sheets(10, 10, gap=4.0)
    lost = np.array([[90.0, 90.0, 90.0]])
    mesh = TriangleMesh(np.concatenate([sheets.vertices_zyx, lost]), sheets.faces)
    (part,) = partition_mesh(mesh, core=300, total=500)
    assert len(part.vertices) == 201
    assert part.core.all()


def test_the_same_mesh_is_cut_the_same_way() -> None:
    mesh = sphere(5.0, 4)
    one, other = (partition_mesh(mesh, core=300, total=500) for _ in range(2))
    for a, b in zip(one, other, strict=True):
        assert np.array_equal(a.vertices, b.vertices)


def test_a_part_smaller_than_its_core_is_refused() -> None:
    with pytest.raises(ValueError, match="hold its core"):
        partition_mesh(plane(4, 4), core=10, total=5)
