"""Density along normals in Å; nearest points, rays and sections of a surface."""

from __future__ import annotations

import numpy as np
import pytest
from tests.membranes.masks import CENTRE, TILTED_NORMAL, tilted_height
from tests.membranes.shapes import plane, sphere

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes import slab as slab_module
from tomoscribe.membranes.locate import SurfaceLocator
from tomoscribe.membranes.outline import Outline
from tomoscribe.membranes.slab import (
    Slab,
    profile,
    sample_slab,
    suggest_band,
    wide_depths_A,
)

GRID = np.stack(np.meshgrid(*map(np.arange, (40, 60, 60)), indexing="ij"), axis=-1)


def ball_mesh(radius=15.0):
    mesh = sphere(radius, 3)
    return TriangleMesh(mesh.vertices_zyx + CENTRE, mesh.faces)


# Slab


@pytest.mark.parametrize("order", [1, 3])
def test_slab_through_a_tilted_ramp_holds_the_height_in_its_depths(order):
    ramp = tilted_height(GRID).astype(np.float32)
    points = np.array([[20.0, 30.0, 30.0], [21.0, 33.0, 28.0]])
    normals = np.tile(TILTED_NORMAL, (2, 1))
    depths = np.array([-60.0, 0.0, 25.0, 60.0])
    slab = sample_slab(ramp, points, normals, depths, 10.0, order=order)
    expected = tilted_height(points)[:, None] + depths / 10
    assert slab.values.dtype == np.float32
    assert np.allclose(slab.values, expected, atol=2e-3)


def test_cubic_sampling_is_nearer_to_a_wave_than_linear_and_reads_the_tomogram_once():
    wave = np.sin(GRID[..., 2] * 0.9).astype(np.float32)
    points = np.array([[20.0, 30.0, 20.5 + 0.2 * i] for i in range(30)])
    normals = np.tile([0.0, 0.0, 1.0], (30, 1))

    class Counted:
        shape, dtype, reads = wave.shape, wave.dtype, 0

        def __getitem__(self, key):
            self.reads += 1
            return wave[key]

    tomogram = Counted()
    errors = {}
    for order in (1, 3, 3):
        slab = sample_slab(tomogram, points, normals, [0.0, 3.0], 10.0, order=order)
        true = np.sin((points[:, 2:] + np.array([0.0, 0.3])) * 0.9)
        errors[order] = np.abs(slab.values - true).max()
    assert errors[3] < errors[1] / 4
    assert tomogram.reads == 2


def test_linear_sampling_reads_the_box_around_the_membrane_only():
    class Watched:
        shape, dtype = (40, 60, 60), np.dtype(np.float32)

        def __getitem__(self, key):
            self.read = np.zeros(self.shape)[key].size
            return np.zeros(self.shape, dtype=np.float32)[key]

    tomogram = Watched()
    sample_slab(tomogram, np.array([[5.0, 5.0, 5.0]]), np.array([[1.0, 0, 0]]), [0.0, 20.0], 10.0)
    assert tomogram.read < 40


@pytest.mark.parametrize("order", [1, 3])
def test_nan_voxels_count_as_the_mean_and_the_border_goes_on(order):
    volume = np.full((20, 20, 20), 2.0, dtype=np.float32)
    volume[10, 10, 10] = np.nan
    notes = []
    points, normals = np.array([[10.0, 10, 10], [19.0, 5, 5]]), np.array([[1.0, 0, 0]] * 2)
    slab = sample_slab(volume, points, normals, [-10.0, 0.0, 90.0], 10.0, order=order, notes=notes)
    assert np.allclose(slab.values, 2.0, atol=1e-4)
    assert notes[0].startswith("1 of ")
    with pytest.raises(TomoscribeError, match="NaN"):
        sample_slab(np.full_like(volume, np.nan), points, normals, [0.0], 10.0, order=order)


def test_a_fine_mesh_is_sampled_in_pieces_as_at_once(monkeypatch):
    volume = np.random.default_rng(0).normal(size=(20, 20, 20)).astype(np.float32)
    points = np.random.default_rng(1).uniform(0, 19, (50, 3))
    normals = np.tile([0.0, 0.6, 0.8], (50, 1))
    depths = wide_depths_A(10.0)
    whole = sample_slab(volume, points, normals, depths, 10.0)
    monkeypatch.setattr(slab_module, "_CHUNK", 500)
    assert np.array_equal(sample_slab(volume, points, normals, depths, 10.0).values, whole.values)


def test_wide_depths_reach_150_A_in_half_voxels_around_the_mesh():
    depths = wide_depths_A(10.0)
    assert np.allclose(np.diff(depths), 5.0)
    assert depths[0] == -150
    assert depths[-1] == 150
    assert 0 in depths
    assert wide_depths_A(13.68)[-1] >= 150
    assert len(wide_depths_A(1.0)) < 200


def test_mean_over_a_layer_and_resampling_are_exact_on_a_ramp():
    depths = np.arange(-50.0, 51.0, 5.0)
    slab = Slab(np.tile(depths, (3, 1)).astype(np.float32), depths)
    assert np.allclose(slab.mean(12.0, 0.0), 12.0, atol=1e-4)
    assert np.allclose(slab.mean(-13.0, 21.0), -13.0, atol=1e-4)
    assert np.allclose(slab.resample([-50.0, -7.5, 50.0]), [-50.0, -7.5, 50.0], atol=1e-4)
    assert np.allclose(slab.mean(500.0, 10.0), 50.0, atol=1e-4)


def slab_with_particles(clicks, low, high, sign=1.0, vertices=400):
    depths = np.arange(-150.0, 151.0, 5.0)
    values = np.random.default_rng(1).normal(0, 1, (vertices, len(depths))).astype(np.float32)
    values[np.ix_(clicks, (depths >= low) & (depths <= high))] += sign * 3
    return Slab(values, depths)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_band_covers_where_the_clicks_differ_and_the_surface(sign):
    clicks = np.arange(10)
    low, high = suggest_band(slab_with_particles(clicks, 20, 110, sign), clicks)
    assert -25 <= low <= 0
    assert 108 <= high <= 130
    low, high = suggest_band(slab_with_particles(clicks, -90, -10, sign), clicks)
    assert -110 <= low <= -88
    assert 0 <= high <= 25


def test_too_few_clicks_give_a_usual_band():
    slab = slab_with_particles(np.arange(10), -90, -10)
    assert suggest_band(slab, []) == suggest_band(slab, [3]) == (-25.0, 120.0)


def test_profile_sets_clicks_against_the_rest():
    clicks = np.arange(20)
    found = profile(slab_with_particles(clicks, 20, 110), clicks)
    at = int(np.flatnonzero(found.depths_A == 50)[0])
    assert found.mean[at] == pytest.approx(3, abs=0.7)
    assert found.background_mean[at] == pytest.approx(0, abs=0.2)
    assert found.background_spread[at] == pytest.approx(1, abs=0.1)


# Locator


def test_nearest_point_lies_on_the_sphere_with_the_normal_of_its_radius():
    mesh = ball_mesh()
    locator = SurfaceLocator(mesh)
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(50, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    zyx, triangles, normals, distances = locator.closest_many(CENTRE + 25 * directions)
    assert np.allclose(distances, 10, atol=0.2)
    assert np.allclose(zyx, CENTRE + 15 * directions, atol=0.7)
    assert np.einsum("ij,ij->i", normals, directions).min() > 0.999
    one = locator.closest(CENTRE + 25 * directions[0])
    assert one.triangle == triangles[0]
    assert one.vertex in mesh.faces[one.triangle]
    assert np.allclose(one.zyx, zyx[0])


def test_ray_meets_the_near_side_first_and_misses_beside():
    locator = SurfaceLocator(ball_mesh())
    z, y, x = CENTRE
    near = locator.intersect([z, y, 0], [z, y, 66])
    far = locator.intersect([z, y, 66], [z, y, 0])
    assert near is not None
    assert near.zyx[2] == pytest.approx(x - 15, abs=0.1)
    assert near.normal_zyx[2] == pytest.approx(-1, abs=0.01)
    assert far is not None
    assert far.zyx[2] == pytest.approx(x + 15, abs=0.1)
    assert locator.intersect([0, 0, 0], [0, 0, 66]) is None


def test_ray_through_an_edge_or_a_vertex_does_not_slip_between():
    locator = SurfaceLocator(plane(9, 9, spacing=2.0, z=5.0))
    for y in np.arange(1.0, 16.0, 1.0):
        assert locator.intersect([20, y, y], [-20, y, y]) is not None


def test_mesh_without_triangles_is_refused():
    with pytest.raises(TomoscribeError, match="no triangles"):
        SurfaceLocator(TriangleMesh(np.zeros((3, 3)), np.zeros((0, 3), dtype=np.int64)))


# Outline


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_section_of_a_sphere_is_a_closed_circle(axis):
    outline = Outline(ball_mesh())
    segments = outline.at(axis, CENTRE[axis] + 9.0)
    assert np.allclose(segments[:, :, axis], CENTRE[axis] + 9.0)
    away = np.delete(segments - CENTRE, axis, axis=2)
    assert np.allclose(np.linalg.norm(away, axis=2), 12, atol=0.2)
    length = np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1).sum()
    assert length == pytest.approx(2 * np.pi * 12, rel=0.01)
    _, counts = np.unique(segments.reshape(-1, 3).round(6), axis=0, return_counts=True)
    assert (counts == 2).all()


def test_plane_beside_the_mesh_or_through_vertices_is_no_trouble():
    assert Outline(ball_mesh()).at(0, 1.0).shape == (0, 2, 3)
    sheet = plane(5, 5)
    segments = Outline(sheet).at(1, 2.0)
    assert np.linalg.norm(segments[:, 1] - segments[:, 0], axis=1).sum() == pytest.approx(4.0)
