"""Units, axis orders and angles change in one place, and back again without loss."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation

from tomoscribe.coords import (
    A_to_voxels,
    Geometry,
    binned_to_voxels,
    centered_A_to_voxels,
    normals_to_relion,
    relion_rotation,
    relion_to_normals,
    rotation_to_relion,
    voxels_to_binned,
    voxels_to_centered_A,
    xyz_to_zyx,
    zyx_to_xyz,
)
from tomoscribe.errors import TomoscribeError

few = settings(max_examples=40, deadline=None)

points = arrays(
    np.float64, st.tuples(st.integers(1, 5), st.just(3)), elements=st.floats(-5000, 5000)
)
sides = st.integers(1, 4000)
geometries = st.builds(
    Geometry,
    st.tuples(sides, sides, sides),
    st.floats(0.5, 100),
    st.tuples(*[st.floats(-1e4, 1e4)] * 3),
)
turns = st.floats(-179, 179)
euler = st.tuples(turns, st.floats(1, 179), turns)


@few
@given(points, st.integers(1, 16))
def test_voxels_to_binned_ones_and_back_is_exact_to_a_thousandth(zyx, bin_):
    assert binned_to_voxels(voxels_to_binned(zyx, bin_), bin_) == pytest.approx(zyx, abs=1e-6)


@pytest.mark.parametrize("bin_", [1, 2, 3, 4])
def test_a_binned_voxel_lies_in_the_middle_of_those_that_it_is_the_mean_of(bin_):
    members = np.arange(bin_, 2 * bin_)  # Along an axis, those of the second mean.
    assert binned_to_voxels((1, 0, 1), bin_).tolist() == [
        members.mean(), members.mean() - bin_, members.mean()
    ]  # fmt: skip


@few
@given(points, geometries)
def test_voxels_to_relion5_and_back_is_exact_to_a_thousandth(zyx, geometry):
    back = centered_A_to_voxels(voxels_to_centered_A(zyx, geometry), geometry)
    assert back == pytest.approx(zyx, abs=1e-6)


@few
@given(points)
def test_axis_order_and_back_is_the_same(zyx):
    assert np.array_equal(xyz_to_zyx(zyx_to_xyz(zyx)), zyx)


@few
@given(euler)
def test_angles_to_normal_and_back_keep_direction_and_rotation(angles):
    normal = relion_to_normals([angles])
    again = normals_to_relion(normal, [angles[0]])
    assert np.linalg.norm(normal) == pytest.approx(1)
    assert again == pytest.approx(np.array([angles]), abs=1e-6)


@few
@given(euler)
def test_rotation_to_angles_and_back_is_the_same_rotation(angles):
    rotation = relion_rotation([angles])
    again = relion_rotation(rotation_to_relion(rotation))
    assert (rotation.inv() * again).magnitude() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("angles", [(30, 0, 40), (30, 180, 40), (0, 0, 0), (-170, 180, 0)])
def test_rotation_to_angles_works_at_the_poles(angles):
    rotation = relion_rotation([angles])
    again = relion_rotation(rotation_to_relion(rotation))
    assert (rotation.inv() * again).magnitude() == pytest.approx(0, abs=1e-9)


@few
@given(euler)
def test_normal_is_where_the_rotation_takes_the_z_axis(angles):
    along_z = relion_rotation([angles]).apply([0, 0, 1])
    assert relion_to_normals([angles]) == pytest.approx(xyz_to_zyx(along_z), abs=1e-9)


def test_relion_matrix_is_the_one_of_euler_angles2matrix():
    # Rows as in RELION's Euler_angles2matrix, written out for one set of angles.
    rot, tilt, psi = np.radians([20.0, 50.0, -110.0])
    ca, sa, cb, sb, cg, sg = (f(v) for v in (rot, tilt, psi) for f in (np.cos, np.sin))
    expected = [
        [cg * cb * ca - sg * sa, cg * cb * sa + sg * ca, -cg * sb],
        [-sg * cb * ca - cg * sa, -sg * cb * sa + cg * ca, sg * sb],
        [sb * ca, sb * sa, cb],
    ]
    matrix = relion_rotation([[20.0, 50.0, -110.0]]).as_matrix()[0]
    assert matrix == pytest.approx(np.array(expected))


def test_first_voxel_is_at_the_origin():
    geometry = Geometry((10, 10, 10), 13.68, (3173.75, 0.0, 0.0))
    assert A_to_voxels([[3173.75, 0, 0]], geometry).tolist() == [[0, 0, 0]]
    assert A_to_voxels([[3173.75, 13.68, 0]], geometry) == pytest.approx(np.array([[0, 1, 0]]))


def test_relion5_centre_is_at_half_the_size_and_ignores_the_origin():
    geometry = Geometry((100, 200, 300), 10.0, (5.0, 6.0, 7.0))
    assert centered_A_to_voxels([[0, 0, 0]], geometry).tolist() == [[50, 100, 150]]
    assert centered_A_to_voxels([[10, 0, -20]], geometry).tolist() == [[48, 100, 151]]


def test_unknown_normals_and_rotations_become_zero_angles():
    angles = normals_to_relion([[np.nan] * 3, [1, 0, 0], [0, 0, 0]], [np.nan, 30, np.nan])
    assert angles.tolist() == [[0, 0, 0], [30, 0, 0], [0, 0, 0]]


def test_angstrom_without_a_voxel_size_is_a_sentence_with_the_option():
    with pytest.raises(TomoscribeError, match="--voxel-size-A"):
        A_to_voxels([[1, 2, 3]], Geometry((4, 4, 4)))


def test_rotations_combine_as_relion_combines_box_and_particle():
    box, particle = relion_rotation([[10, 20, 30]]), relion_rotation([[40, 50, 60]])
    both = rotation_to_relion(box * particle)
    expected = Rotation.from_matrix(box.as_matrix() @ particle.as_matrix()).apply([0, 0, 1])
    assert zyx_to_xyz(relion_to_normals(both)) == pytest.approx(expected)
