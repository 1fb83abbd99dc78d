"""Heat steps spread by the length that they are made for."""

import numpy as np
import pytest
from tests.membranes.shapes import normals, plane, sphere, two_sheets

from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes.heat import Heat, make_heat


def _spread(heat: Heat, values: np.ndarray, count: int) -> np.ndarray:
    """Return values (V,) in the mesh's order after `count` steps."""
    inside = values[heat.order]
    for _ in range(count):
        inside = heat.step @ inside
    outside = np.empty_like(inside)
    outside[heat.order] = inside
    return outside


@pytest.mark.parametrize("spacing", [0.8, 1.0, 2.0])
@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_spike_becomes_as_wide_as_asked_whatever_the_mesh(spacing: float, number: int) -> None:
    edge = round(40 / spacing) * 2 + 1
    mesh = plane(edge, edge, spacing=spacing)
    widths = (15.0, 30.0, 60.0)
    heat = make_heat(mesh, normals(mesh), 10.0, widths)
    spike = np.zeros(edge * edge)
    spike[edge * edge // 2] = 1.0
    done = _spread(heat, spike, heat.counts[number])
    y = (mesh.vertices_zyx[:, 1] - mesh.vertices_zyx[:, 1].mean()) * 10.0
    assert np.sqrt((done * y**2).sum() / done.sum()) == pytest.approx(widths[number], rel=0.08)


def test_on_an_uneven_mesh_the_width_is_the_same() -> None:
    rng = np.random.default_rng(0)
    flat = plane(61, 61)
    moved = flat.vertices_zyx.copy()
    moved[:, 1:] += rng.uniform(-0.3, 0.3, moved[:, 1:].shape)
    mesh = TriangleMesh(moved, flat.faces)
    heat = make_heat(mesh, normals(mesh), 10.0, (15.0, 40.0))
    spike = np.zeros(61 * 61)
    spike[61 * 30 + 30] = 1.0
    done = _spread(heat, spike, heat.counts[1])
    x = (moved[:, 2] - moved[61 * 30 + 30, 2]) * 10.0
    assert np.sqrt((done * x**2).sum() / done.sum()) == pytest.approx(40.0, rel=0.12)


def test_constants_stay_and_nothing_overshoots() -> None:
    mesh = sphere(12.0, 3)
    heat = make_heat(mesh, normals(mesh), 10.0)
    values = np.random.default_rng(0).uniform(0, 1, len(mesh.vertices_zyx))
    assert np.allclose(_spread(heat, np.ones_like(values), heat.counts[-1]), 1.0)
    done = _spread(heat, values, heat.counts[-1])
    assert done.min() >= values.min()
    assert done.max() <= values.max()


def test_heat_does_not_leak_to_a_sheet_close_by() -> None:
    mesh = two_sheets(12, 12, gap=0.5)
    heat = make_heat(mesh, normals(mesh), 10.0)
    values = np.zeros(288)
    values[:144] = 1.0
    assert np.allclose(_spread(heat, values, heat.counts[-1]), values, rtol=0, atol=1e-12)


def test_vertices_without_a_triangle_keep_their_values() -> None:
    sheet = plane(6, 6)
    mesh = TriangleMesh(np.concatenate([sheet.vertices_zyx, [[9.0, 9.0, 9.0]]]), sheet.faces)
    heat = make_heat(mesh, np.tile([1.0, 0.0, 0.0], (37, 1)), 10.0)
    values = np.zeros(37)
    values[36] = 5.0
    assert _spread(heat, values, 10)[36] == 5.0


def test_gradients_of_a_slope_are_its_rise_over_the_first_width() -> None:
    mesh = plane(12, 12)
    heat = make_heat(mesh, normals(mesh), 10.0, (15.0, 30.0))
    rise_A = 2.0 * mesh.vertices_zyx[:, 2] * 10.0
    slope = np.hypot(heat.gradient_x @ rise_A[heat.order], heat.gradient_y @ rise_A[heat.order])
    assert slope == pytest.approx(2.0 * 15.0, rel=1e-3)
