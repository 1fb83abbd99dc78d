"""Junk: one key over what is no particle of any class."""

from __future__ import annotations

import numpy as np
from qtpy.QtCore import Qt
from tests.ui.annotate.conftest import Hands

from tomoscribe.picks.table import JUNK, PickState
from tomoscribe.ui.annotate.annotate_dock import counters
from tomoscribe.ui.annotate.pick_style import JUNK_COLOR, rgba

PLACE = (8, 20, 20)


def test_x_makes_a_grey_cross_under_the_cursor_that_undo_takes_back(hands: Hands, reopened) -> None:
    hands.move(PLACE)
    hands.key(Qt.Key.Key_X)
    (pick,) = hands.picks
    assert (pick.class_name, pick.state) == (JUNK, PickState.REJECTED)
    np.testing.assert_allclose(pick.zyx, PLACE, atol=1)
    layer = hands.viewer.layers["picks"]
    assert str(layer.symbol[0]) == "x"
    np.testing.assert_allclose(layer.border_color[0], rgba(JUNK_COLOR), atol=1e-3)
    assert layer.features["class"][0] == "junk"
    assert counters(hands.session) == "1 junk"
    assert [p.class_name for p in reopened().tomograms["one"].picks] == [JUNK]
    hands.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert not hands.picks


def test_x_on_a_pick_makes_junk_of_it_and_undo_brings_the_particle_back(hands: Hands) -> None:
    hands.click(PLACE)
    hands.move(PLACE)
    hands.key(Qt.Key.Key_X)
    (pick,) = hands.picks
    assert (pick.class_name, pick.state) == (JUNK, PickState.REJECTED)
    assert "Ctrl+Z" in hands.messages[-1]
    hands.key(Qt.Key.Key_X)  # once more changes nothing
    assert hands.picks == [pick]
    hands.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert hands.picks[0].state == PickState.ACCEPTED


def test_x_beside_the_tomogram_says_why_nothing_happens(hands: Hands) -> None:
    hands.viewer.cursor.position = (80.0, -4000.0, -4000.0)
    hands.session.actions["junk"]()
    assert not hands.picks
    assert "no tomogram under the cursor" in hands.messages[-1]
