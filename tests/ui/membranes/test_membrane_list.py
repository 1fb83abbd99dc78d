"""The list of membranes: counts, roles, search, and one key to the next."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from tests.ui.membranes.conftest import CENTRE_ZYX, RADIUS

from tomoscribe.project.model import Patch, Role
from tomoscribe.ui.membranes.membrane_list import MembraneList
from tomoscribe.ui.membranes.membrane_model import COMPLETE, NAME, PICKS, ROLE

SHIFT = Qt.KeyboardModifier.ShiftModifier
SHOWN = Qt.ItemDataRole.DisplayRole


def cell(
    panel: MembraneList, row: int, column: int, role: Any = Qt.ItemDataRole.DisplayRole
) -> Any:
    return panel.proxy.index(row, column).data(role)


def click(panel: MembraneList, row: int, column: int) -> None:
    place = panel.table.visualRect(panel.proxy.index(row, column)).center()
    QTest.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=place)


def test_rows_tell_name_picks_by_class_and_status(hands: Any) -> None:
    panel = hands.dock.membranes
    assert [cell(panel, row, NAME) for row in range(2)] == ["ball", "bead"]
    assert [cell(panel, row, PICKS) for row in range(2)] == ["–", "–"]
    assert cell(panel, 0, COMPLETE) == "to do"
    hands.click((20.0, CENTRE_ZYX[1] + RADIUS, CENTRE_ZYX[2]))
    assert cell(panel, 0, PICKS) == "1 · 0"
    assert "ribosome: 1" in cell(panel, 0, PICKS, Qt.ItemDataRole.ToolTipRole)
    assert cell(panel, 0, COMPLETE) == "begun"
    hands.session.undo()
    assert cell(panel, 0, PICKS) == "–"


def test_a_click_on_the_role_changes_it_in_the_project(hands: Any, membrane_project: Any) -> None:
    panel = hands.dock.membranes
    for role, letter in ((Role.VALIDATE, "V"), (Role.UNUSED, "–"), (Role.TRAIN, "T")):
        click(panel, 1, ROLE)
        assert membrane_project.membranes["bead"].role == role
        assert cell(panel, 1, ROLE) == letter
        assert str(role) in cell(panel, 1, ROLE, Qt.ItemDataRole.ToolTipRole)
    assert hands.session.membrane_name == "ball"


def test_a_click_on_a_row_and_m_and_shift_m_go_from_membrane_to_membrane(hands: Any) -> None:
    click(hands.dock.membranes, 1, NAME)
    assert hands.session.membrane_name == "bead"
    hands.key(Qt.Key.Key_M)
    assert hands.session.membrane_name == "ball"
    hands.key(Qt.Key.Key_M, SHIFT)
    assert hands.session.membrane_name == "bead"
    selected = hands.dock.membranes.table.selectionModel().selectedRows()
    assert [index.row() for index in selected] == [1]


def test_m_follows_the_search(hands: Any) -> None:
    panel = hands.dock.membranes
    panel.search.setText("BEA")
    assert panel.shown_names == ["bead"]
    hands.key(Qt.Key.Key_M)
    hands.key(Qt.Key.Key_M)
    assert hands.session.membrane_name == "bead"
    panel.search.clear()


def test_in_3d_the_next_membrane_is_framed(hands: Any) -> None:
    hands.key(Qt.Key.Key_W)
    before = np.array(hands.viewer.scene.camera.center)
    hands.key(Qt.Key.Key_M)
    assert hands.session.membranes.shown
    assert np.linalg.norm(np.array(hands.viewer.scene.camera.center) - before) > 100


def test_complete_patches_show_as_a_share(hands: Any, membrane_project: Any) -> None:
    top = (CENTRE_ZYX[0], CENTRE_ZYX[1], CENTRE_ZYX[2] + RADIUS)
    # Half of the sphere: a quarter of the way around, on the surface.
    membrane_project.set_patches("tomo", [Patch("ball", top, np.pi / 2 * RADIUS)])
    share = hands.dock.membranes.model.share("ball")
    assert share == pytest.approx(0.5, abs=0.06)
    assert cell(hands.dock.membranes, 0, COMPLETE) == f"{share:.0%}"
    membrane_project.set_patches("tomo", [Patch("ball", top, 4 * RADIUS)])
    assert cell(hands.dock.membranes, 0, COMPLETE) == "all"


def test_without_membranes_the_dock_says_what_they_are_and_how_to_get_some(
    hands: Any, membrane_project: Any
) -> None:
    panel = hands.dock.membranes
    for name in list(membrane_project.membranes):
        membrane_project.remove_membrane(name)
    assert hands.session.membrane is None
    assert panel.help.isVisibleTo(panel)
    assert "segmentation" in panel.help.text()
    assert not panel.table.isVisibleTo(panel)
    called: list[bool] = []
    hands.session.actions["make_membranes"] = lambda: called.append(True)
    panel.make.click()
    del hands.session.actions["make_membranes"]
    assert called == [True]


def test_a_click_renews_the_row_of_its_membrane_and_no_other(hands: Any) -> None:
    model, renewed = hands.dock.membranes.model, []
    model.dataChanged.connect(lambda first, last: renewed.append((first.row(), last.row())))
    hands.click((20.0, CENTRE_ZYX[1] + RADIUS, CENTRE_ZYX[2]))
    row = model.names.index("ball")
    assert renewed == [(row, row)]
    assert sum(model.picks("ball").values()) == 1
    assert not model.picks("bead")
