"""Boxes drawn on a slice are regions of some depth, shown on each slice that cuts them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt

from tomoscribe.project.model import Region
from tomoscribe.project.store import Project
from tomoscribe.ui.annotate.region_layer import box_of, is_cut, section

SHAPE = (16, 64, 48)
BOX = Region((3.5, 10.0, 8.0), (11.5, 30.0, 28.0))


@pytest.mark.parametrize("displayed", [(1, 2), (0, 2), (0, 1), (2, 1)])
def test_a_drawn_rectangle_gives_back_the_box_it_is_a_section_of(
    displayed: tuple[int, ...],
) -> None:
    rectangle = section(BOX, displayed, (8.0, 20.0, 20.0))
    assert box_of(rectangle, displayed, 0, SHAPE, BOX) == BOX


def test_a_new_box_is_centred_on_its_slice_and_cut_at_the_faces() -> None:
    rectangle = np.array([[2, -5, 4], [2, -5, 60], [2, 20, 60], [2, 20, 4]])
    box = box_of(rectangle, (1, 2), 8.0, SHAPE)
    assert box == Region((-0.5, -0.5, 4.0), (6.5, 20.0, 47.5))


def test_a_box_is_cut_by_its_first_and_last_slice_but_not_beyond() -> None:
    hidden = (0,)
    assert [is_cut(BOX, hidden, (z, 0, 0)) for z in (3, 4, 11, 12)] == [False, True, True, False]


def draw(hands: Any) -> None:
    hands.dock.regions.draw.click()
    hands.settle()
    hands.drag((8.0, 10.0, 8.0), (8.0, 30.0, 28.0))


def test_drawing_declares_a_region_saves_it_and_gives_the_hand_back_to_picking(
    hands: Any, reopened: Callable[[], Project]
) -> None:
    draw(hands)
    (region,) = hands.session.entry.regions
    np.testing.assert_allclose(region.lo_zyx[1:], (10, 8), atol=0.4)
    np.testing.assert_allclose(region.hi_zyx[1:], (30, 28), atol=0.4)
    assert region.lo_zyx[0] < 8 < region.hi_zyx[0]
    assert reopened().tomograms["one"].regions == [region]
    hands.click((8.0, 50.0, 40.0))
    assert len(hands.picks) == 1


def test_a_region_is_shown_on_its_slices_only(hands: Any) -> None:
    hands.session.set_regions([BOX])
    layer = hands.session.regions.layer
    counts = {}
    for z in (2, 4, 11, 13):
        hands.viewer.dims.set_point(0, 10.0 * z)
        hands.settle()
        counts[z] = len(layer.data)
    assert counts == {2: 0, 4: 1, 11: 1, 13: 0}


def test_depth_fields_set_the_slices_of_a_region(hands: Any) -> None:
    draw(hands)
    (line,) = hands.dock.regions.lines
    line.first.setValue(2)
    line.last.setValue(5)
    (region,) = hands.session.entry.regions
    assert (region.lo_zyx[0], region.hi_zyx[0]) == (1.5, 5.5)
    # Positions are counted from voxel centres, so slice 2 begins before 2.
    assert region.contains([(z, 20, 20) for z in (1.4, 1.6, 5.4, 5.6)]).tolist() == [
        False,
        True,
        True,
        False,
    ]
    assert (line.first.value(), line.last.value()) == (2, 5)
    line.full.click()
    (region,) = hands.session.entry.regions
    assert (region.lo_zyx[0], region.hi_zyx[0]) == (-0.5, 15.5)


def test_a_region_counts_its_picks_and_can_be_removed(hands: Any) -> None:
    hands.session.set_regions([BOX])
    hands.session.edit(hands.session.entry.picks.make_add([[8, 20, 20], [8, 50, 20]], "ribosome"))
    (line,) = hands.dock.regions.lines
    assert line.count.text() == "1"
    line.gone.click()
    assert hands.session.entry.regions == []
    assert hands.dock.regions.lines == []


def test_delete_key_removes_the_selected_rectangle(hands: Any) -> None:
    hands.session.set_regions([BOX])
    layer = hands.session.regions.layer
    hands.viewer.layers.selection.active = layer
    layer.mode = "select"
    layer.selected_data = {0}
    hands.key(Qt.Key.Key_Backspace)
    assert hands.session.entry.regions == []
