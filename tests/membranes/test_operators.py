"""Operators on shapes whose answers are known."""

import numpy as np
import pytest
from scipy import linalg
from tests.membranes.shapes import normals, plane, sphere, two_sheets

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes import operators
from tomoscribe.membranes.operators import Operators, make_operators, tangent_frames


def _of(mesh: TriangleMesh, k: int = 0) -> Operators:
    return make_operators(mesh.vertices_zyx, mesh.faces, normals(mesh), k)


def test_mass_is_the_area() -> None:
    ball, sheet = sphere(7.0, 4), plane(9, 6, spacing=2.0)
    assert _of(ball).mass.sum() == pytest.approx(4 * np.pi * 49, rel=0.01)
    assert _of(sheet).mass.sum() == pytest.approx(16.0 * 10.0)


def test_eigenvalues_of_a_sphere_are_those_of_spherical_harmonics() -> None:
    radius = 3.0
    made = _of(sphere(radius, 4), k=25)
    degrees = np.concatenate([[level] * (2 * level + 1) for level in range(5)])
    assert made.eigenvalues == pytest.approx(
        degrees * (degrees + 1) / radius**2, rel=0.02, abs=1e-6
    )


def test_eigenvectors_are_orthonormal_by_mass_and_solve_the_problem() -> None:
    made = _of(sphere(2.0, 3), k=40)
    gram = made.eigenvectors.T @ (made.mass[:, None] * made.eigenvectors)
    assert np.allclose(gram, np.eye(40), atol=1e-8)
    left = made.laplacian @ made.eigenvectors
    right = made.mass[:, None] * made.eigenvectors * made.eigenvalues
    assert np.abs(left - right).max() < 1e-5


def test_equal_eigenvalues_are_all_found() -> None:
    # Two equal sheets have every eigenvalue twice, which plain Lanczos misses.
    mesh = two_sheets(16, 16, gap=5.0)
    made = _of(mesh, k=60)
    dense = linalg.eigh(made.laplacian.toarray(), np.diag(made.mass), eigvals_only=True)
    assert np.allclose(made.eigenvalues, dense[:60], atol=1e-7)


def test_a_basis_is_the_same_each_time() -> None:
    mesh = sphere(2.0, 3)
    assert np.array_equal(_of(mesh, 20).eigenvectors, _of(mesh, 20).eigenvectors)


def test_the_gradient_of_a_linear_function_is_its_slope() -> None:
    mesh = plane(12, 10, spacing=0.05)
    made = _of(mesh)
    slope_xyz = np.array([2.0, -3.0, 0.0])
    values = mesh.vertices_zyx[:, ::-1] @ slope_xyz
    first, second = tangent_frames(normals(mesh)[:, ::-1])
    assert made.gradient_x @ values == pytest.approx(first @ slope_xyz, rel=5e-3)
    assert made.gradient_y @ values == pytest.approx(second @ slope_xyz, rel=5e-3)


def test_a_constant_has_no_gradient_and_no_laplacian() -> None:
    made = _of(sphere(1.0, 3))
    ones = np.ones(len(made.mass))
    for operator in (made.laplacian, made.gradient_x, made.gradient_y):
        assert np.abs(operator @ ones).max() < 1e-9


def test_frames_are_right_handed() -> None:
    normal = normals(sphere(1.0, 2))[:, ::-1]
    first, second = tangent_frames(normal)
    assert np.cross(first, second) == pytest.approx(normal, abs=1e-4)


def test_mirrored_frames_do_not_depend_on_the_winding() -> None:
    mesh = sphere(1.0, 2)
    flipped = TriangleMesh(mesh.vertices_zyx, mesh.faces[:, ::-1].copy())
    one = make_operators(mesh.vertices_zyx, mesh.faces, normals(mesh), 0)
    other = make_operators(flipped.vertices_zyx, flipped.faces, normals(mesh), 0)
    assert abs(one.gradient_y - other.gradient_y).max() < 1e-12


def _sliver_mesh() -> TriangleMesh:
    """Return a sheet with a sliver, a third triangle on one edge and a lost vertex."""
    sheet = plane(20, 20, spacing=0.05)
    thin = np.array([0.0, 1e-9, 0.0])
    middle = sheet.vertices_zyx[[21, 22]].mean(axis=0) + thin
    extra = np.array([middle, [0.3, 0.1, 0.1], [9.0, 9.0, 9.0]])
    n = len(sheet.vertices_zyx)
    return TriangleMesh(
        np.concatenate([sheet.vertices_zyx, extra]),
        np.concatenate([sheet.faces, [[21, 22, n], [21, 22, n + 1], [5, 5, 6]]]),
    )


def test_slivers_lost_vertices_and_edges_of_three_triangles_are_tolerated() -> None:
    mesh = _sliver_mesh()
    upward = np.tile([1.0, 0.0, 0.0], (len(mesh.vertices_zyx), 1))
    made = make_operators(mesh.vertices_zyx, mesh.faces, upward, 24)
    assert made.eigenvectors.shape == (403, 24)
    for values in (made.eigenvectors, made.laplacian.data, made.gradient_x.data, made.mass):
        assert np.isfinite(values).all()
    assert made.eigenvalues[:2] == pytest.approx(0.0, abs=1e-4)


def test_more_eigenvectors_than_vertices_are_all_that_there_are() -> None:
    assert _of(plane(3, 3), k=128).eigenvalues.shape == (9,)


def test_a_mesh_without_a_basis_is_named() -> None:
    mesh = plane(4, 4)
    bad = mesh.vertices_zyx.copy()
    bad[3, 1] = np.nan
    with pytest.raises(TomoscribeError, match="vesicle 7"):
        make_operators(bad, mesh.faces, normals(mesh), 4, name="vesicle 7")


def test_when_sparse_solvers_fail_the_dense_one_is_taken_and_a_note_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise RuntimeError("Factor is exactly singular")

    monkeypatch.setattr(operators, "_factor", refuse)
    mesh = sphere(2.0, 2)
    made = make_operators(mesh.vertices_zyx, mesh.faces, normals(mesh), 9, name="vesicle 7")
    assert made.eigenvalues[1:4] == pytest.approx(0.5, rel=0.05)
    assert "vesicle 7" in made.notes[0]
    assert "dense" in made.notes[0]
