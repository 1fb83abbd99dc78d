"""Rotations about the normal from the density around picks."""

import numpy as np
import pytest
from tests.membranes.shapes import normals, plane

from tomoscribe.coords import normals_to_relion, relion_rotation
from tomoscribe.membranes.in_plane import in_plane_angles
from tomoscribe.membranes.membrane import Membrane
from tomoscribe.membranes.slab import Slab, wide_depths_A


def membrane_of_arms(turns_deg, arms, noise=0.3, seed=0):
    """Return a flat membrane of sites with `arms` blobs around each, and the sites."""
    side = int(np.ceil(np.sqrt(len(turns_deg))))
    mesh = plane(9 * side + 8, 9 * side + 8, spacing=2.0)
    n = np.arange(len(turns_deg))
    sites = np.stack([np.zeros(len(n)), 17.0 + 18 * (n // side), 17.0 + 18 * (n % side)], axis=1)
    up = np.tile([1.0, 0.0, 0.0], (len(n), 1))
    angles = np.stack([turns_deg, *normals_to_relion(up)[:, 1:].T], axis=1)
    x_axes = relion_rotation(angles).as_matrix()[:, ::-1, 0]
    y_axes = relion_rotation(angles).as_matrix()[:, ::-1, 1]
    density = np.zeros(len(mesh.vertices_zyx))
    for arm in range(arms):
        turn = 2 * np.pi * arm / arms
        centres = sites + 4 * (np.cos(turn) * x_axes + np.sin(turn) * y_axes)
        away = np.linalg.norm(mesh.vertices_zyx[:, None] - centres, axis=2).min(axis=1)
        density += np.exp(-0.5 * (away / 2) ** 2)
    depths_A = wide_depths_A(10.0)
    values = density[:, None] * np.exp(-0.5 * ((depths_A - 60) / 30) ** 2)
    values += np.random.default_rng(seed).normal(0, noise, values.shape)
    slab = Slab(values.astype(np.float32), depths_A)
    return Membrane("m", None, mesh, normals(mesh), 10.0, slab), sites, up


@pytest.mark.parametrize("arms", [1, 2])
def test_rotations_are_found_up_to_one_turn_of_all_and_the_symmetry(arms):
    true = np.random.default_rng(1).uniform(0, 360, 49)
    found = in_plane_angles(*membrane_of_arms(true, arms), radius_A=60.0)
    assert found.symmetry == arms
    off = np.exp(1j * np.radians(arms * (found.angles_deg - true)))
    off *= np.conj(off.mean()) / abs(off.mean())
    assert np.degrees(np.abs(np.angle(off))).mean() / arms < 10


def test_round_particles_have_no_rotation_and_that_is_said():
    found = in_plane_angles(*membrane_of_arms(np.zeros(49), 0, noise=1.0), radius_A=60.0)
    assert np.isnan(found.angles_deg).all()
    assert "do not agree" in found.notes[0]


def test_few_picks_have_no_rotation():
    found = in_plane_angles(*membrane_of_arms(np.zeros(4), 1), radius_A=60.0)
    assert np.isnan(found.angles_deg).all()
    assert "too few" in found.notes[0]
