"""A piece of membrane laid flat keeps lengths, areas and angles, and every click finds back."""

from __future__ import annotations

import numpy as np
import pytest

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes.flatten import FlatPatch, flatten
from tomoscribe.membranes.geodesics import distance_graph
from tomoscribe.membranes.locate import SurfaceLocator


def ball(radius: float) -> TriangleMesh:
    """Return a sphere about 50, 50, 50 with outward winding."""
    import pyvista

    made = pyvista.Icosphere(radius=radius, nsub=5)
    faces = made.regular_faces.astype(np.int64)[:, ::-1]
    return TriangleMesh(np.asarray(made.points, dtype=float) + 50.0, faces.copy())


def tube(radius: float, length: int) -> TriangleMesh:
    """Return an open tube along x about y = z = 50 with outward winding."""
    around = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    x, angle = np.meshgrid(np.arange(length, dtype=float), around, indexing="ij")
    points = np.stack([50 + radius * np.sin(angle), 50 + radius * np.cos(angle), x], axis=-1)
    index = np.arange(length * 24).reshape(length, 24)
    a, b = index[:-1], index[1:]
    c, d = np.roll(a, -1, axis=1), np.roll(b, -1, axis=1)
    quads = [np.stack(t, axis=-1).reshape(-1, 3) for t in ((a, b, c), (c, b, d))]
    mesh = TriangleMesh(points.reshape(-1, 3), np.concatenate(quads))
    corners = mesh.vertices_zyx[mesh.faces[0]]
    normal = np.cross(*(corners[1:] - corners[0])[:, ::-1])[::-1]
    outward = corners.mean(axis=0) - (50, 50, corners[:, 2].mean())
    faces = mesh.faces if normal @ outward > 0 else mesh.faces[:, ::-1].copy()
    return TriangleMesh(mesh.vertices_zyx, faces)


def cap(radius: float, reach: float, way: tuple[float, float, float]) -> FlatPatch:
    mesh = ball(radius)
    centre = SurfaceLocator(mesh).closest(np.array([50.0, 50, 50]) + 10 * radius * np.array(way))
    return flatten(mesh, distance_graph(mesh), centre, reach)


def test_a_gentle_cap_is_laid_flat_within_two_per_cent_of_area_and_one_degree() -> None:
    # 300 Å around a point of a vesicle of 120 nm, voxels of 10 Å.
    patch = cap(60.0, 30.0, (0.3, 1.0, 0.2))
    assert patch.radius == 30.0
    assert patch.distortion.area_median < 0.02
    assert patch.distortion.area_95 < 0.04
    assert patch.distortion.angle_median_deg < 1.0
    assert patch.distortion.angle_95_deg < 2.0


def test_distances_from_the_centre_are_geodesic() -> None:
    patch = cap(60.0, 30.0, (0.3, 1.0, 0.2))
    way = (patch.zyx - 50) / 60
    centre = patch.to_mesh((0.0, 0.0))
    assert centre is not None
    geodesic = 60 * np.arccos(np.clip(way @ ((centre[0] - 50) / 60), -1, 1))
    np.testing.assert_allclose(np.hypot(*patch.uv.T), geodesic, atol=1.2)


def test_a_strongly_curved_cap_says_how_far_it_is_from_true() -> None:
    distortion = cap(20.0, 30.0, (0.3, 1.0, 0.2)).distortion
    assert distortion.area_95 > 0.05
    assert distortion.area_median < 0.2


def test_no_triangle_of_the_map_is_turned_over() -> None:
    patch = cap(20.0, 40.0, (0.5, -1.0, 0.2))
    one, other = (patch.uv[patch.faces[:, k]] - patch.uv[patch.faces[:, 0]] for k in (1, 2))
    assert (one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0] > 0).all()


@pytest.mark.parametrize("way", [(0.3, 1.0, 0.2), (0.0, -0.6, -0.8), (1.0, 0.05, 0.1)])
def test_map_and_mesh_are_exact_inverses_seen_from_outside_with_z_up(
    way: tuple[float, float, float],
) -> None:
    patch = cap(60.0, 30.0, way)
    for place in ((0.0, 0.0), (10.0, -7.0), (-15.5, 12.25)):
        found = patch.to_mesh(place)
        assert found is not None
        back = patch.to_map(*found)
        np.testing.assert_allclose(back, place, atol=1e-9)
    here, right, up = (patch.to_mesh(p)[0] for p in ((0.0, 0.0), (2.0, 0.0), (0.0, 2.0)))
    outward = (here - 50) / 60
    seen = np.cross((right - here)[::-1], (up - here)[::-1])[::-1]
    assert seen @ outward > 3
    higher = 1 if abs(outward[0]) > 0.9 else 0
    assert (up - here)[higher] > abs((right - here)[higher])
    assert patch.to_mesh((200.0, 0.0)) is None


def test_a_tube_that_closes_is_shown_as_far_as_it_is_a_disc() -> None:
    mesh = tube(8.0, 80)
    centre = SurfaceLocator(mesh).closest([58.0, 50.0, 40.0])
    patch = flatten(mesh, distance_graph(mesh), centre, 40.0)
    assert 15 < patch.radius < 8 * np.pi + 2
    # A tube unrolls without any distortion but that of its edges.
    assert patch.distortion.area_95 < 0.02


def test_beside_a_mesh_of_too_few_triangles_there_is_nothing_to_show() -> None:
    corners = np.array([[0.0, 0, 0], [0, 4, 0], [0, 0, 4]])
    mesh = TriangleMesh(corners, np.array([[0, 1, 2]]))
    centre = SurfaceLocator(mesh).closest([0.0, 1.0, 1.0])
    with pytest.raises(TomoscribeError, match="laid flat"):
        flatten(mesh, distance_graph(mesh), centre, 30.0)


def test_an_island_that_distances_leave_out_is_filled() -> None:
    # A steep bump: the way over its top is longer than the radius, and it is inside all the same.
    y, x = np.meshgrid(np.arange(41.0), np.arange(41.0), indexing="ij")
    from_top = np.hypot(y - 20, x - 22)
    z = 14 * np.exp(-((from_top / 2) ** 2))
    index = np.arange(41 * 41).reshape(41, 41)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    faces = np.concatenate([np.stack(t, -1).reshape(-1, 3) for t in ((a, b, c), (c, b, d))])
    mesh = TriangleMesh(np.stack([z, y, x], axis=-1).reshape(-1, 3), faces)
    centre = SurfaceLocator(mesh).closest([0.0, 20.0, 16.0])
    patch = flatten(mesh, distance_graph(mesh), centre, 15.0)
    assert patch.radius == 15.0
    assert int(index[20, 22]) in patch.vertices
