"""Meshes as others make them are mended with a note, or refused in one sentence."""

from __future__ import annotations

import numpy as np
import pytest
from tests.membranes.shapes import plane, sphere

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes.mesh_normals import face_normals_zyx, vertex_normals_zyx
from tomoscribe.membranes.repair import repair_mesh
from tomoscribe.membranes.topology import open_edges


def outward_share(mesh: TriangleMesh) -> float:
    centres = mesh.vertices_zyx[mesh.faces].mean(axis=1)
    return float((np.einsum("ij,ij->i", face_normals_zyx(mesh), centres) > 0).mean())


def test_good_mesh_stays_as_it_is():
    mesh = sphere(10, 3)
    mended, notes = repair_mesh(mesh)
    assert notes == ()
    assert np.array_equal(mended.vertices_zyx, mesh.vertices_zyx)
    assert np.array_equal(mended.faces, mesh.faces)


def test_normals_of_a_sphere_are_its_radii():
    mesh = sphere(10, 3)
    assert np.allclose(vertex_normals_zyx(mesh), mesh.vertices_zyx / 10, atol=0.01)


def test_mesh_that_is_inside_out_is_turned():
    mesh = sphere(10, 2)
    mended, notes = repair_mesh(TriangleMesh(mesh.vertices_zyx, mesh.faces[:, ::-1]))
    assert outward_share(mended) == 1
    assert any("inside out" in note for note in notes)


def test_mixed_winding_becomes_outward():
    mesh = sphere(10, 2)
    faces = mesh.faces.copy()
    turned = np.random.default_rng(0).random(len(faces)) < 0.4
    faces[turned] = faces[turned][:, ::-1]
    mended, notes = repair_mesh(TriangleMesh(mesh.vertices_zyx, faces))
    assert outward_share(mended) == 1
    assert any(f"{turned.sum()} triangles wound" in note for note in notes)


def test_soup_of_triangles_as_stl_has_it_becomes_one_surface():
    mesh = sphere(10, 2)
    soup = TriangleMesh(
        mesh.vertices_zyx[mesh.faces].reshape(-1, 3), np.arange(3 * len(mesh.faces)).reshape(-1, 3)
    )
    mended, notes = repair_mesh(soup)
    assert len(mended.vertices_zyx) == len(mesh.vertices_zyx)
    assert open_edges(mended) == 0
    assert any("merged" in note for note in notes)


def test_sliver_is_closed_without_opening_a_crack():
    mesh = sphere(10, 2)
    vertices = mesh.vertices_zyx.copy()
    a, b = mesh.faces[7, :2]
    # Not quite the same place, so that merging duplicates does not answer for it.
    vertices[a] = vertices[b] + [1e-3, 0, 0]
    mended, _ = repair_mesh(TriangleMesh(vertices, mesh.faces))
    assert open_edges(mended) == 0
    line = np.array([mesh.vertices_zyx[a], (mesh.vertices_zyx[a] + mesh.vertices_zyx[b]) / 2])
    flat = TriangleMesh(
        np.concatenate([mesh.vertices_zyx, line[1:]]),
        np.concatenate([mesh.faces, [[a, b, len(mesh.vertices_zyx)]]]),
    )
    mended, notes = repair_mesh(flat)
    assert open_edges(mended) == 0
    assert any("without area" in note for note in notes)


def test_doubled_and_third_triangles_go():
    mesh = sphere(10, 2)
    a, b, _ = mesh.faces[0]
    fin = np.array([[0.0, 0.0, 0.0]])
    extra = [mesh.faces[5], [a, b, len(mesh.vertices_zyx)]]
    odd = TriangleMesh(
        np.concatenate([mesh.vertices_zyx, fin]), np.concatenate([mesh.faces, extra])
    )
    mended, notes = repair_mesh(odd)
    assert open_edges(mended) == 0
    assert any("doubled" in note for note in notes)


def test_patch_that_is_there_twice_stays_once():
    mesh = sphere(10, 2)
    twice = TriangleMesh(mesh.vertices_zyx, np.concatenate([mesh.faces, mesh.faces[:50]]))
    mended, notes = repair_mesh(twice)
    assert open_edges(mended) == 0
    assert len(mended.faces) == len(mesh.faces)
    assert notes == ("50 doubled triangles left out.",)


def test_small_hole_is_filled_and_said():
    mesh = sphere(10, 3)
    mended, notes = repair_mesh(TriangleMesh(mesh.vertices_zyx, np.delete(mesh.faces, 11, axis=0)))
    assert open_edges(mended) == 0
    assert outward_share(mended) == 1
    assert "1 hole filled." in notes


def test_large_hole_stays_a_rim_and_the_winding_decides():
    mesh = sphere(10, 3)
    centres = mesh.vertices_zyx[mesh.faces].mean(axis=1)
    bowl = TriangleMesh(mesh.vertices_zyx, mesh.faces[centres[:, 0] < 3])
    mended, notes = repair_mesh(bowl)
    assert open_edges(mended) > 12
    assert outward_share(mended) == 1
    assert any("not closed" in note for note in notes)
    assert any("without triangles" in note for note in notes)


def test_sheet_with_one_turned_triangle_follows_the_others():
    sheet = plane(6, 6)
    faces = sheet.faces.copy()
    faces[9] = faces[9][::-1]
    mended, _ = repair_mesh(TriangleMesh(sheet.vertices_zyx, faces))
    assert np.allclose(face_normals_zyx(mended), face_normals_zyx(sheet))


def test_wall_of_a_cavity_points_into_the_cavity():
    outer, inner = sphere(10, 3), sphere(6, 3)
    n = len(outer.vertices_zyx)
    shell = TriangleMesh(
        np.concatenate([outer.vertices_zyx, inner.vertices_zyx]),
        np.concatenate([outer.faces[:, ::-1], inner.faces + n]),
    )
    mended, _ = repair_mesh(shell)
    normals = vertex_normals_zyx(mended)
    radial = np.einsum("ij,ij->i", normals, mended.vertices_zyx)
    assert (radial[:n] > 0).all()
    assert (radial[n:] < 0).all()


def test_spheres_that_touch_in_a_vertex_get_one_each():
    one = sphere(10, 2)
    top = int(np.argmax(one.vertices_zyx[:, 0]))
    other = one.vertices_zyx * [-1, 1, 1] + [2 * one.vertices_zyx[top, 0], 0, 0]
    n = len(one.vertices_zyx)
    pair = TriangleMesh(
        np.concatenate([one.vertices_zyx, other]),
        np.concatenate([one.faces, one.faces[:, ::-1] + n]),
    )
    mended, notes = repair_mesh(pair)
    assert len(mended.vertices_zyx) == 2 * n
    assert any("1 vertex in which sheets touched" in note for note in notes)


def test_moebius_strip_is_cut():
    count = 40
    turn = np.linspace(0, 2 * np.pi, count, endpoint=False)
    across = np.array([-1.0, 0.0, 1.0])
    radius = 10 + across[None] * np.cos(turn / 2)[:, None]
    z = across[None] * np.sin(turn / 2)[:, None]
    vertices = np.stack(
        [z, radius * np.sin(turn)[:, None], radius * np.cos(turn)[:, None]], axis=-1
    ).reshape(-1, 3)
    faces = []
    for i in range(count):
        for k in range(2):
            a, b = 3 * i + k, 3 * i + k + 1
            last = i == count - 1
            c, d = (2 - k, 1 - k) if last else (a + 3, b + 3)
            faces += [[a, b, c], [b, d, c]]
    mended, notes = repair_mesh(TriangleMesh(vertices, np.array(faces)))
    assert any("Möbius" in note for note in notes)
    again, more = repair_mesh(mended)
    assert not any("Möbius" in note for note in more)
    assert len(again.faces) > 3 * count


@pytest.mark.parametrize(
    ("vertices", "faces", "sentence"),
    [
        (np.full((3, 3), np.nan), [[0, 1, 2]], "NaN"),
        (np.zeros((3, 3)), [[0, 1, 2]], "no triangle"),
        (np.eye(3), np.zeros((0, 3), dtype=int), "no triangle"),
    ],
)
def test_mesh_without_a_surface_is_refused(vertices, faces, sentence):
    with pytest.raises(TomoscribeError, match=sentence):
        repair_mesh(TriangleMesh(vertices, np.asarray(faces)))
