"""Clicks, drags and keys become picks, in slices and on a plane, and the layer shows the table."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from tomoscribe.picks.table import PickState
from tomoscribe.project.store import Project

CENTRE = (8.0, 30.0, 20.0)
TOLERANCE = 0.3
"""Voxels; a canvas pixel is about 0.1 voxels in this window."""

SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier


def shown(hands: Any) -> np.ndarray:
    layer = hands.session.picks.layer
    assert layer is not None
    return np.asarray(layer.data)


def test_a_click_on_a_slice_adds_a_pick_there_and_on_disk(
    hands: Any, reopened: Callable[[], Project]
) -> None:
    hands.click(CENTRE)
    (pick,) = hands.picks
    np.testing.assert_allclose(pick.zyx, CENTRE, atol=TOLERANCE)
    assert (pick.class_name, pick.state) == ("ribosome", PickState.ACCEPTED)
    np.testing.assert_allclose(shown(hands), [pick.zyx])
    assert [p.zyx for p in reopened().tomograms["one"].picks] == [pick.zyx]


def test_q_adds_under_the_cursor_without_a_button(hands: Any) -> None:
    hands.move(CENTRE)
    hands.key(Qt.Key.Key_Q)
    (pick,) = hands.picks
    np.testing.assert_allclose(pick.zyx, CENTRE, atol=TOLERANCE)


def test_a_click_beside_the_tomogram_adds_nothing_and_says_why(hands: Any) -> None:
    hands.click((8.0, 30.0, -3.0))
    assert hands.picks == []
    assert "no tomogram under the cursor" in hands.messages[-1]


def test_dragging_a_pick_moves_it_as_one_step_of_undo(hands: Any) -> None:
    hands.click(CENTRE)
    before = hands.picks[0].zyx
    hands.drag(CENTRE, (8.0, 45.0, 30.0))
    (moved,) = hands.picks
    np.testing.assert_allclose(moved.zyx, (8.0, 45.0, 30.0), atol=TOLERANCE)
    np.testing.assert_allclose(shown(hands), [moved.zyx])
    hands.key(Qt.Key.Key_Z, CONTROL)
    assert [p.zyx for p in hands.picks] == [before]
    np.testing.assert_allclose(shown(hands), [before])


def test_a_pick_seen_on_a_neighbouring_slice_keeps_its_depth_when_dragged(hands: Any) -> None:
    hands.click(CENTRE)
    hands.viewer.dims.set_point(0, 110.0)
    hands.drag((11.0, 30.0, 20.0), (11.0, 40.0, 20.0))
    np.testing.assert_allclose(hands.picks[0].zyx, (8.0, 40.0, 20.0), atol=TOLERANCE)


def test_dragging_beside_picks_moves_the_view_and_adds_nothing(hands: Any) -> None:
    before = np.array(hands.viewer.scene.camera.center)
    hands.drag(CENTRE, (8.0, 40.0, 30.0))
    assert hands.picks == []
    assert np.linalg.norm(np.array(hands.viewer.scene.camera.center) - before) > 10


def test_two_quick_clicks_on_one_spot_neither_zoom_nor_add_twice(hands: Any) -> None:
    zoom = hands.viewer.scene.camera.zoom
    hands.click(CENTRE)
    hands.click(CENTRE)
    assert len(hands.picks) == 1
    assert hands.viewer.scene.camera.zoom == zoom


@pytest.mark.parametrize("key", [Qt.Key.Key_Backspace, Qt.Key.Key_Delete, Qt.Key.Key_1])
def test_a_selected_pick_is_deleted_by_key(hands: Any, key: Qt.Key) -> None:
    hands.click(CENTRE)
    hands.click((8.0, 50.0, 20.0))
    hands.click(CENTRE)
    hands.key(key)
    (left,) = hands.picks
    np.testing.assert_allclose(left.zyx, (8.0, 50.0, 20.0), atol=TOLERANCE)
    hands.key(Qt.Key.Key_Z, CONTROL)
    assert len(hands.picks) == len(shown(hands)) == 2


def test_undo_and_redo_by_keys_reach_table_layer_and_disk(
    hands: Any, reopened: Callable[[], Project]
) -> None:
    hands.click(CENTRE)
    hands.key(Qt.Key.Key_Z, CONTROL)
    assert hands.picks == []
    assert len(shown(hands)) == len(reopened().tomograms["one"].picks) == 0
    hands.key(Qt.Key.Key_Z, CONTROL | SHIFT)
    assert len(hands.picks) == len(shown(hands)) == len(reopened().tomograms["one"].picks) == 1


def test_shift_digit_sets_the_class_of_selected_and_of_next_picks(hands: Any) -> None:
    hands.click(CENTRE)
    hands.click(CENTRE)
    hands.key(Qt.Key.Key_2, SHIFT)
    hands.click((8.0, 50.0, 20.0))
    assert [p.class_name for p in hands.picks] == ["proteasome", "proteasome"]
    assert hands.session.active_class == "proteasome"


def test_shift_digit_without_such_a_class_says_so(hands: Any) -> None:
    hands.key(Qt.Key.Key_7, SHIFT)
    assert "There is no class 7" in hands.messages[-1]


def test_comma_and_full_stop_fly_from_pick_to_pick(hands: Any) -> None:
    for z in (4, 8, 12):
        hands.viewer.dims.set_point(0, 10.0 * z)
        hands.click((float(z), 10.0 + 2 * z, 20.0))
    hands.key(Qt.Key.Key_Period)
    assert hands.session.focus().center_zyx[0] == 4
    hands.key(Qt.Key.Key_Period)
    focus = hands.session.focus()
    np.testing.assert_allclose(focus.center_zyx, (8, 26, 20), atol=TOLERANCE)
    hands.key(Qt.Key.Key_Comma)
    assert hands.session.focus().center_zyx[0] == 4


def test_a_pick_shows_on_the_slices_that_its_sphere_cuts_and_shrinks_away(hands: Any) -> None:
    hands.click(CENTRE)
    layer = hands.session.picks.layer
    sizes = {}
    for z in (8, 10, 12, 14):
        hands.viewer.dims.set_point(0, 10.0 * z)
        hands.settle()
        sizes[z] = float(layer._view_size[0]) if len(layer._view_size) else 0.0
    assert sizes[8] == pytest.approx(10.0)
    assert sizes[8] > sizes[10] > sizes[12] > 0
    assert sizes[14] == 0


def test_symbols_tell_states_and_colours_tell_classes(hands: Any) -> None:
    table = hands.session.entry.picks
    for state, name in zip(PickState, ("ribosome", "ribosome", "proteasome"), strict=True):
        place = [[8.0, 10.0 + 10 * len(table), 20.0]]
        hands.session.edit(table.make_add(place, name, state=state))
    layer = hands.session.picks.layer
    assert [str(s) for s in layer.symbol] == ["disc", "disc", "x"]
    ring, disc, _ = layer.face_color[:, 3]
    assert ring == 0 < disc < 0.5
    assert len({tuple(c) for c in np.round(layer.border_color, 3)}) == 2
    np.testing.assert_allclose(layer.size, [10.0, 10.0, 0.45 * 6.0])


def test_a_click_on_the_plane_in_3d_adds_a_pick_on_the_plane(hands: Any) -> None:
    hands.key(Qt.Key.Key_W)
    assert hands.viewer.dims.ndisplay == 3
    assert str(hands.session.layer.depiction) == "plane"
    hands.viewer.scene.camera.angles = (20.0, -35.0, 70.0)
    hands.click(CENTRE)
    (pick,) = hands.picks
    np.testing.assert_allclose(pick.zyx, CENTRE, atol=2 * TOLERANCE)
    hands.drag(CENTRE, (8.0, 36.0, 26.0))
    np.testing.assert_allclose(hands.picks[0].zyx, (8.0, 36.0, 26.0), atol=2 * TOLERANCE)
    hands.key(Qt.Key.Key_W)
    assert hands.viewer.dims.ndisplay == 2
    assert hands.session.focus().center_zyx[0] == 8


def test_in_3d_without_a_plane_a_click_has_no_depth_and_says_so(hands: Any) -> None:
    hands.key(Qt.Key.Key_W)
    hands.session.layer.depiction = "volume"
    hands.click(CENTRE)
    assert hands.picks == []
    assert "press W" in hands.messages[-1]


def test_native_drag_and_paste_of_napari_end_up_in_the_table(hands: Any) -> None:
    hands.click(CENTRE)
    layer = hands.session.picks.layer
    layer.add(np.array([[8.0, 50.0, 30.0]]))
    assert [p.zyx for p in hands.picks][1] == (8.0, 50.0, 30.0)
    layer.mode = "select"
    hands.drag((8.0, 50.0, 30.0), (8.0, 40.0, 30.0))
    np.testing.assert_allclose(hands.picks[1].zyx, (8.0, 40.0, 30.0), atol=TOLERANCE)


def test_a_deleted_layer_comes_back_with_the_next_edit(hands: Any) -> None:
    hands.click(CENTRE)
    hands.viewer.layers.remove("picks")
    assert len(hands.picks) == 1
    hands.session.undo()
    hands.session.redo()
    np.testing.assert_allclose(shown(hands), [hands.picks[0].zyx])
