"""In slices, membranes are outlines, clicks near them land on them, and ticks show normals."""

from __future__ import annotations

from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from tests.ui.membranes.conftest import CENTRE_ZYX, RADIUS, SECOND_ZYX


def segments(hands: Any) -> np.ndarray:
    layer = hands.session.outline.lines.layer
    return np.asarray(layer.data) if layer is not None and layer.visible else np.empty((0, 2, 3))


def test_the_outline_is_where_the_slice_cuts_the_membranes(hands: Any) -> None:
    for z in (20, 26):
        hands.viewer.dims.set_point(0, 10.0 * z)
        lines = segments(hands)
        assert set(lines[:, 0, 0]) == {float(z)}
        radius = np.sqrt(RADIUS**2 - (z - CENTRE_ZYX[0]) ** 2)
        starts = lines[lines[:, 0, 2] < 44][:, 0]
        far = np.linalg.norm(starts[:, 1:] - CENTRE_ZYX[1:], axis=1)
        np.testing.assert_allclose(far, radius, atol=0.15)
        assert (np.abs(lines[:, 0, 2] - SECOND_ZYX[2]) < 9).any()
    hands.viewer.dims.set_point(0, 10.0 * 38)
    assert len(segments(hands)) == 0


def test_the_current_membrane_has_another_colour_and_the_outline_goes_in_3d(hands: Any) -> None:
    layer = hands.session.outline.lines.layer
    colors = np.asarray(layer.edge_color)
    first = colors[segments(hands)[:, 0, 2] < 44]
    second = colors[segments(hands)[:, 0, 2] > 44]
    assert len(np.unique(first, axis=0)) == len(np.unique(second, axis=0)) == 1
    hands.session.set_membrane("bead")
    swapped = np.asarray(layer.edge_color)
    np.testing.assert_allclose(swapped[segments(hands)[:, 0, 2] > 44][0], first[0])
    hands.key(Qt.Key.Key_W)
    assert not layer.visible


def test_a_click_near_the_outline_lands_on_the_membrane_and_gets_its_normal(hands: Any) -> None:
    y = CENTRE_ZYX[1] + RADIUS + 2.0
    hands.click((20.0, y, CENTRE_ZYX[2]))
    (pick,) = hands.picks
    np.testing.assert_allclose(pick.zyx, (20.0, y - 2.0, CENTRE_ZYX[2]), atol=0.35)
    np.testing.assert_allclose(pick.normal_zyx, (0, 1, 0), atol=0.05)
    assert pick.membrane == "ball"


def test_alt_click_near_the_outline_makes_a_pick_of_its_own(hands: Any) -> None:
    place = (20.0, CENTRE_ZYX[1] + RADIUS + 2.0, CENTRE_ZYX[2])
    hands.click(place, Qt.KeyboardModifier.AltModifier)
    (pick,) = hands.picks
    np.testing.assert_allclose(pick.zyx, place, atol=0.3)
    assert (pick.membrane, pick.normal_zyx) == ("", None)


def test_a_click_far_from_any_membrane_is_a_pick_of_its_own(hands: Any) -> None:
    hands.click((20.0, 58.0, 45.0))
    (pick,) = hands.picks
    assert (pick.membrane, pick.normal_zyx) == ("", None)
    np.testing.assert_allclose(pick.zyx, (20.0, 58.0, 45.0), atol=0.3)


def test_dragging_along_the_outline_turns_the_pick_and_far_away_frees_it(hands: Any) -> None:
    top = (20.0, CENTRE_ZYX[1] - RADIUS, CENTRE_ZYX[2])
    side = (20.0, CENTRE_ZYX[1], CENTRE_ZYX[2] - RADIUS)
    hands.click(top)
    hands.drag(top, side)
    (pick,) = hands.picks
    np.testing.assert_allclose(pick.normal_zyx, (0, 0, -1), atol=0.06)
    hands.drag(side, (20.0, 4.0, 44.0))
    (pick,) = hands.picks
    assert (pick.membrane, pick.normal_zyx) == ("", None)


def test_ticks_point_outward_from_picks_on_membranes_and_can_be_switched_off(hands: Any) -> None:
    hands.click((20.0, CENTRE_ZYX[1] + RADIUS, CENTRE_ZYX[2]))
    hands.click((20.0, 58.0, 45.0))
    layer = hands.session.ticks.lines.layer
    assert len(layer.data) == 1
    np.testing.assert_allclose(layer.data[0, 0], hands.picks[0].zyx)
    assert layer.data[0, 1] @ hands.picks[0].normal_zyx > 3
    hands.session.ticks.set_on(False)
    assert not layer.visible
    hands.session.ticks.set_on(True)
    assert layer.visible


def test_the_tick_follows_a_pick_while_it_is_dragged(hands: Any) -> None:
    top = (20.0, CENTRE_ZYX[1] - RADIUS, CENTRE_ZYX[2])
    side = (20.0, CENTRE_ZYX[1], CENTRE_ZYX[2] - RADIUS)
    hands.click(top)
    seen = []
    lines = hands.session.ticks.lines.layer
    lines.events.set_data.connect(lambda: seen.append(lines.data[0, 0].copy()))
    hands.drag(top, side)
    on_the_way = np.array(seen[1:-1])
    assert len(on_the_way) > 2
    assert np.all(np.abs(np.linalg.norm(on_the_way - CENTRE_ZYX, axis=1) - RADIUS) < 0.3)
    assert len(np.unique(on_the_way[:, 1])) > 2
