"""Angles of other programs, against values by hand, of other programs, and by matrices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from tomoscribe.coords import (
    dynamo_to_relion,
    orientation_to_rotation,
    relion_rotation,
    relion_to_dynamo,
    relion_to_orientation,
    relion_to_tom,
    rotation_to_slicer,
    slicer_to_rotation,
    tom_to_relion,
    wrap_deg,
)

ANGLES = st.tuples(*[st.floats(-360, 360)] * 3)
POLES = [(10, 0, 20), (10, 180, 20), (30, -180, 7), (5, 360, 8), (0, 90, 0), (40, -30, 50)]


def apart_deg(a: Rotation, b: Rotation) -> float:
    return float(np.degrees((a * b.inv()).magnitude().max()))


@given(ANGLES)
def test_orientation_holds_every_rotation(angles):
    normals, turns = relion_to_orientation([angles])
    assert np.linalg.norm(normals) == pytest.approx(1)
    assert apart_deg(orientation_to_rotation(normals, turns), relion_rotation(angles)) < 1e-5


@pytest.mark.parametrize("angles", POLES)
def test_orientation_holds_at_the_poles_and_with_negative_tilt(angles):
    normals, turns = relion_to_orientation([angles])
    assert apart_deg(orientation_to_rotation(normals, turns), relion_rotation(angles)) < 1e-9


def test_tom_angles_by_hand():
    # theta turns about x: z goes to -y for +90, and psi = 90 turns that on to +x.
    def z_axis(phi, psi, the):
        return relion_rotation(tom_to_relion([[phi, psi, the]])).apply([0, 0, 1])[0]

    assert z_axis(0, 0, 90) == pytest.approx([0, -1, 0], abs=1e-12)
    assert z_axis(0, 90, 90) == pytest.approx([1, 0, 0], abs=1e-12)
    assert z_axis(123, 90, 90) == pytest.approx([1, 0, 0], abs=1e-12)
    # phi turns the particle about its own axis first: its x goes to y, which theta lifts to z.
    lifted = relion_rotation(tom_to_relion([[90, 0, 90]])).apply([1, 0, 0])[0]
    assert lifted == pytest.approx([0, 0, 1], abs=1e-12)


def test_dynamo_angles_of_a_known_pair():
    # One particle refined in both programs (alisterburt/eulerangles, its tests).
    dynamo, relion = [[-47.2730, 1.1777, -132.3000]], [[137.7000, 1.1777, 42.7270]]
    assert dynamo_to_relion(dynamo) == pytest.approx(np.array(relion), abs=1e-9)
    assert relion_to_dynamo(relion) == pytest.approx(np.array(dynamo), abs=1e-9)


def test_slicer_angles_by_hand():
    # x = 90 turns the volume until its y axis looks along z: the slice's normal is y.
    def normal(x, y, z):
        return slicer_to_rotation([[x, y, z]]).apply([0, 0, 1])[0]

    assert normal(0, 0, 33) == pytest.approx([0, 0, 1], abs=1e-12)
    assert normal(90, 0, 0) == pytest.approx([0, 1, 0], abs=1e-12)
    assert normal(0, 90, 0) == pytest.approx([-1, 0, 0], abs=1e-12)
    # z is turned first: what x = 90 brings up was at x, turned to y.
    assert normal(90, 0, 90) == pytest.approx([1, 0, 0], abs=1e-12)


@given(ANGLES)
def test_conversions_agree_with_the_matrices_of_each_program(angles):
    one, two, three = angles
    tom = Rotation.from_euler("zxz", [one, three, two], degrees=True)
    assert apart_deg(relion_rotation(tom_to_relion(angles)), tom) < 1e-5
    dynamo = Rotation.from_euler("zxz", angles, degrees=True).inv()
    assert apart_deg(relion_rotation(dynamo_to_relion(angles)), dynamo) < 1e-5


@given(ANGLES)
def test_conversions_come_back(angles):
    rotation = relion_rotation(angles)
    assert apart_deg(relion_rotation(tom_to_relion(relion_to_tom(angles))), rotation) < 1e-5
    assert apart_deg(relion_rotation(dynamo_to_relion(relion_to_dynamo(angles))), rotation) < 1e-5
    slicer = rotation_to_slicer(rotation)
    assert apart_deg(slicer_to_rotation(slicer), rotation) < 1e-5
    assert abs(slicer[0, 0]) <= 90


@pytest.mark.parametrize("xyz", [(10, 90, 20), (10, -90, 20), (170, 80, 3)])
def test_slicer_angles_come_back_where_axes_fall_together(xyz):
    rotation = slicer_to_rotation([xyz])
    assert apart_deg(slicer_to_rotation(rotation_to_slicer(rotation)), rotation) < 1e-9


def test_angles_are_wrapped():
    assert wrap_deg([180.0, -180.0, 181.0, -181.0, 720.5]).tolist() == [180, -180, -179, 179, 0.5]


def test_a_particle_that_looks_along_x_has_the_angles_of_the_manual():
    # docs/formats.md gives these, for users to compare with their own files.
    along_x = np.array([[0.0, 0.0, 1.0]])
    for rotation in (
        relion_rotation([[0, 90, 180]]),
        relion_rotation(tom_to_relion([[0, 90, 90]])),
        relion_rotation(dynamo_to_relion([[90, 90, 0]])),
        slicer_to_rotation([[0, -90, 0]]),
    ):
        assert rotation.apply([0, 0, 1])[:, ::-1] == pytest.approx(along_x, abs=1e-12)
