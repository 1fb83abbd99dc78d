"""Clicks, drags and keys on the mesh make oriented picks exactly where the mouse points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from tests.ui.membranes.conftest import CENTRE_ZYX, RADIUS

from tomoscribe.coords import normals_to_relion, relion_rotation
from tomoscribe.project.store import Project
from tomoscribe.ui.membranes.angle_handle import angle_towards, x_axis_zyx

TOLERANCE = 0.35
CONTROL = Qt.KeyboardModifier.ControlModifier


def front(hands: Any, aside: float = 0.0) -> tuple[float, float, float]:
    """Return a point of `ball` that faces the viewer, turned aside by some degrees."""
    toward = np.array(hands.facing())
    side = np.cross(toward, hands.viewer.scene.camera.up_direction)
    angle = np.radians(aside)
    return hands.outward(np.cos(angle) * toward + np.sin(angle) * side / np.linalg.norm(side))


@pytest.mark.parametrize("perspective", [0.0, 45.0])
@pytest.mark.parametrize("angles", [(0.0, 0.0, 90.0), (25.0, -40.0, 130.0), (170.0, 60.0, -15.0)])
def test_a_click_hits_the_surface_under_it_at_any_camera_angle(
    hands: Any, angles: tuple[float, float, float], perspective: float
) -> None:
    hands.key(Qt.Key.Key_W)
    camera = hands.viewer.scene.camera
    camera.perspective = perspective
    camera.angles = angles
    try:
        for aside in (0.0, 35.0, -35.0):
            place = front(hands, aside)
            hands.click(place)
            pick = hands.picks[-1]
            np.testing.assert_allclose(pick.zyx, place, atol=TOLERANCE)
            outward = (np.array(pick.zyx) - CENTRE_ZYX) / RADIUS
            assert float(outward @ pick.normal_zyx) > 0.99
            assert pick.membrane == "ball"
    finally:
        camera.perspective = 0.0
    assert len(hands.picks) == 3


def test_a_pick_on_the_mesh_is_on_disk_with_its_normal_and_membrane(
    hands: Any, membrane_project: Project, reopened_at: Callable[[Any], Project]
) -> None:
    hands.key(Qt.Key.Key_W)
    hands.click(front(hands))
    (pick,) = hands.picks
    (saved,) = reopened_at(membrane_project.path).tomograms["tomo"].picks
    assert (saved.membrane, saved.zyx) == ("ball", pick.zyx)
    np.testing.assert_allclose(saved.normal_zyx, pick.normal_zyx, atol=1e-6)


def test_q_adds_on_the_mesh_under_the_cursor(hands: Any) -> None:
    hands.key(Qt.Key.Key_W)
    place = front(hands, 20)
    hands.move(place)
    hands.key(Qt.Key.Key_Q)
    np.testing.assert_allclose(hands.picks[0].zyx, place, atol=TOLERANCE)
    assert hands.picks[0].normal_zyx is not None


def test_a_click_beside_the_mesh_says_so_and_adds_nothing(hands: Any) -> None:
    hands.key(Qt.Key.Key_W)
    QTest.mouseClick(hands.native, Qt.MouseButton.LeftButton, pos=QPoint(3, 3))
    hands.settle()
    assert hands.picks == []
    assert "no membrane under the cursor" in hands.messages[-1]


def test_a_click_on_a_pick_selects_it_and_ctrl_z_takes_it_back(hands: Any) -> None:
    hands.key(Qt.Key.Key_W)
    place = front(hands)
    hands.click(place)
    hands.click(place)
    assert len(hands.picks) == 1
    assert hands.session.picks.selected_ids() == [hands.picks[0].id]
    hands.key(Qt.Key.Key_Z, CONTROL)
    assert hands.picks == []


def test_a_pick_of_the_far_face_is_no_hindrance_to_one_on_the_near_face(hands: Any) -> None:
    hands.key(Qt.Key.Key_W)
    hands.session.project.set_classes(
        [type(c)(c.name, 2.4 * 10 * RADIUS, c.color) for c in hands.session.classes]
    )
    far = tuple(2 * np.array(CENTRE_ZYX) - front(hands))
    hands.session.picks.add(np.array([far]))
    hands.click(front(hands))
    assert len(hands.picks) == 2


def test_dragging_on_the_mesh_keeps_to_the_surface_and_turns_the_pick_in_one_step(
    hands: Any,
) -> None:
    hands.key(Qt.Key.Key_W)
    start, end = front(hands), front(hands, 40)
    hands.click(start)
    before = hands.picks[0]
    hands.drag(start, end)
    (moved,) = hands.picks
    np.testing.assert_allclose(moved.zyx, end, atol=TOLERANCE)
    assert np.dot(moved.normal_zyx, before.normal_zyx) == pytest.approx(
        np.cos(np.radians(40)), abs=0.05
    )
    hands.key(Qt.Key.Key_Z, CONTROL)
    assert hands.picks == [before]


def test_picks_are_drawn_above_the_mesh_but_kept_on_it(hands: Any) -> None:
    hands.click(hands.outward((0.0, 1.0, 0.0)))
    (pick,) = hands.picks
    hands.key(Qt.Key.Key_W)
    drawn = hands.session.picks.layer.data[0]
    assert (
        np.linalg.norm(drawn - CENTRE_ZYX) > np.linalg.norm(pick.zyx - np.array(CENTRE_ZYX)) + 0.5
    )
    hands.key(Qt.Key.Key_W)
    np.testing.assert_allclose(hands.session.picks.layer.data[0], pick.zyx)
    assert hands.picks == [pick]


def test_brackets_turn_the_selected_pick_by_5_degrees_about_its_normal(hands: Any) -> None:
    hands.key(Qt.Key.Key_W)
    hands.click(front(hands))
    hands.key(Qt.Key.Key_BracketRight)
    assert "Select a pick" in hands.messages[-1]
    hands.click(front(hands))
    hands.key(Qt.Key.Key_BracketRight)
    hands.key(Qt.Key.Key_BracketRight)
    assert hands.picks[0].angle_deg == 10
    for _ in range(3):
        hands.key(Qt.Key.Key_BracketLeft)
    assert hands.picks[0].angle_deg == 355
    hands.key(Qt.Key.Key_Z, CONTROL)
    assert hands.picks[0].angle_deg == 0


def test_dragging_the_arrow_turns_the_pick_to_the_mouse_in_one_step(hands: Any) -> None:
    hands.key(Qt.Key.Key_W)
    hands.click(front(hands))
    hands.click(front(hands))
    handle = hands.session.picks.tool.handle
    start, way = handle.arrow()
    target = start + np.linalg.norm(way) * x_axis_zyx(hands.picks[0].normal_zyx, 70.0)
    hands.drag(tuple(start + way), tuple(target))
    assert hands.picks[0].angle_deg == pytest.approx(70.0, abs=2)
    hands.key(Qt.Key.Key_Z, CONTROL)
    assert np.isnan(hands.picks[0].angle_deg)


def test_the_arrow_is_the_x_axis_that_relion_reads() -> None:
    normal = np.array([0.2, -0.5, 0.84]) / np.linalg.norm([0.2, -0.5, 0.84])
    for angle in (0.0, 33.0, 250.0):
        axis = x_axis_zyx(normal, angle)
        matrix = relion_rotation(normals_to_relion([normal], [angle])).as_matrix()[0]
        np.testing.assert_allclose(axis[::-1], matrix[:, 0], atol=1e-12)
        assert abs(axis @ normal) < 1e-12
        assert angle_towards(normal, axis + 0.3 * normal) == pytest.approx(angle)


def test_a_click_on_a_dim_membrane_makes_it_the_current_one(hands: Any) -> None:
    hands.key(Qt.Key.Key_W)
    hands.viewer.scene.camera.angles = (0.0, 0.0, 90.0)
    hands.viewer.reset_view()
    hands.click((20.0, 32.0, 58.0))
    assert hands.session.membrane_name == "bead"
    assert hands.picks == []
