"""The brush declares parts of the mesh complete; picks and strokes share one undo."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from tests.ui.membranes.test_mesh_picking import front

from tomoscribe.project.store import Project

SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


def share(hands: Any) -> float:
    return float(hands.session.surfaces.complete_mask().mean())


def test_b_takes_the_brush_and_a_drag_over_the_mesh_declares_it_complete(
    hands: Any, membrane_project: Project, reopened_at: Callable[[Any], Project]
) -> None:
    hands.key(Qt.Key.Key_B)
    assert hands.session.membranes.shown
    assert hands.dock.membranes.brush.paint.isChecked()
    hands.dock.membranes.brush.radius.setValue(5)
    before = np.array(hands.viewer.scene.camera.angles)
    hands.drag(front(hands, -30), front(hands, 30))
    assert hands.picks == []
    np.testing.assert_allclose(hands.viewer.scene.camera.angles, before)
    patches = hands.session.entry.patches
    assert len(patches) > 2
    assert {(p.membrane, p.radius, p.erase) for p in patches} == {("ball", 5.0, False)}
    assert 0.05 < share(hands) < 0.4
    tint = hands.viewer.layers["complete patches"]
    assert tint.visible
    assert len(tint.faces) > 100
    assert reopened_at(membrane_project.path).tomograms["tomo"].patches == patches
    hands.key(Qt.Key.Key_B)
    hands.click(front(hands))
    assert len(hands.picks) == 1


def test_the_eraser_takes_back_what_it_covers(hands: Any) -> None:
    hands.key(Qt.Key.Key_B)
    hands.dock.membranes.brush.radius.setValue(10)
    hands.click(front(hands))
    painted = share(hands)
    hands.key(Qt.Key.Key_B, SHIFT)
    assert hands.dock.membranes.brush.erase.isChecked()
    hands.dock.membranes.brush.radius.setValue(5)
    hands.click(front(hands))
    assert 0 < share(hands) < painted
    hands.key(Qt.Key.Key_B, SHIFT)


def test_ctrl_z_takes_back_picks_and_strokes_in_the_order_they_were_made(hands: Any) -> None:
    hands.key(Qt.Key.Key_W)
    hands.click(front(hands, 40))
    hands.key(Qt.Key.Key_B)
    hands.click(front(hands))
    hands.key(Qt.Key.Key_B)
    hands.click(front(hands, -40))
    stroke = hands.session.entry.patches
    states = []
    for _ in range(3):
        hands.key(Qt.Key.Key_Z, CONTROL)
        states.append((len(hands.picks), len(hands.session.entry.patches)))
    assert states == [(1, 1), (1, 0), (0, 0)]
    assert not hands.session.timeline.can_undo
    for _ in range(3):
        hands.key(Qt.Key.Key_Z, CONTROL | SHIFT)
    assert (len(hands.picks), hands.session.entry.patches) == (2, stroke)


def test_a_drag_beside_the_mesh_turns_the_view_also_with_the_brush(hands: Any) -> None:
    hands.key(Qt.Key.Key_B)
    before = np.array(hands.viewer.scene.camera.angles)
    far = np.array(front(hands)) + 3 * np.array(hands.viewer.scene.camera.up_direction) * 7
    hands.drag(tuple(far), tuple(far + 2.0))
    assert hands.session.entry.patches == []
    assert not np.allclose(hands.viewer.scene.camera.angles, before)
    hands.key(Qt.Key.Key_B)
