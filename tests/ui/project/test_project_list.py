"""The list of tomograms and membranes, by real clicks and keys."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from tomoscribe.io.volumes import write_mrc
from tomoscribe.picks.table import PickState
from tomoscribe.project.model import ParticleClass, Role
from tomoscribe.ui.project.rows import Order, natural


def test_each_tomogram_has_a_row_with_its_picture_size_and_picks(panel: Any) -> None:
    assert panel.names == ["one", "two"]
    table = panel.session.project.tomograms["two"].picks
    panel.session.project.add_class(ParticleClass("beta", 80.0, "#56b4e9"))
    panel.session.project.edit("two", table.make_add([[1, 2, 3], [4, 5, 6]], "ribosome"))
    panel.session.project.edit("two", table.make_add([[4, 5, 7]], "beta"))
    panel.session.project.edit("two", table.make_add([[4, 5, 8]], "beta", state=PickState.PROPOSED))
    model, row = panel.dock.model, panel.dock.model.rows[1]
    assert [count for _, count in model.dots(row)] == [2, 1], "proposals are no labels"
    panel.until(lambda: model.look(row) is not None, "the picture")
    assert model.look(row).shape_zyx == (16, 64, 48)
    assert model.look(row).pixmap is not None


def test_a_click_on_a_row_shows_it_and_enter_too(panel: Any) -> None:
    assert panel.session.current == "one"
    panel.click("two")
    panel.until(lambda: panel.session.current == "two", "the second tomogram")
    panel.key(Qt.Key.Key_Up)
    assert panel.session.current == "two", "arrows move only"
    panel.key(Qt.Key.Key_Return)
    panel.until(lambda: panel.session.current == "one", "the first tomogram")


def test_the_row_says_that_a_tomogram_is_being_opened(panel: Any) -> None:
    panel.click("two")
    assert panel.session.opening == "two"
    assert panel.dock.model.is_opening(panel.dock.model.rows[1])
    assert "opening two" in panel.dock.activity.text()
    panel.until(lambda: panel.session.opening is None, "the second tomogram")
    assert "opening" not in panel.dock.activity.text()


def test_a_click_on_the_letter_takes_the_next_role_and_shows_nothing_else(panel: Any) -> None:
    entry = panel.session.project.tomograms["two"]
    assert entry.role is Role.VALIDATE
    panel.click_role("two")
    assert entry.role is Role.UNUSED
    panel.click_role("two")
    assert entry.role is Role.TRAIN
    assert (panel.session.current, panel.session.opening) == ("one", None)
    panel.key(Qt.Key.Key_Space)
    assert entry.role is Role.VALIDATE


def test_it_says_what_measures_where_nothing_validates(panel: Any) -> None:
    project = panel.session.project
    assert panel.dock.split.text() == "No picks yet: nothing would train."
    project.edit("one", project.tomograms["one"].picks.make_add([[1, 2, 3]], "ribosome"))
    panel.session.picks_changed.emit()
    assert panel.dock.split.text() == (
        "1 picked tomogram trains; none validates, so 20% of the picks are held out to measure."
    )
    project.edit("two", project.tomograms["two"].picks.make_add([[1, 2, 3]], "ribosome"))
    panel.session.picks_changed.emit()
    assert panel.dock.split.text() == "1 picked tomogram trains, 1 validates."


def test_searching_keeps_what_has_the_letters_and_says_when_nothing_has(panel: Any) -> None:
    QTest.keyClicks(panel.dock.search, "TW")
    assert panel.names == ["two"]
    QTest.keyClicks(panel.dock.search, "x")
    assert panel.names == []
    assert panel.dock.help.isVisible()
    assert "Nothing" in panel.dock.help.text()
    panel.dock.search.clear()
    assert panel.names == ["one", "two"]


def test_sorting_by_name_counts_as_people_do_by_picks_and_by_role(
    panel: Any, tmp_path: Path
) -> None:
    project = panel.session.project
    for name in ("TS_10", "TS_9"):
        project.add_opened([(str(tmp_path / f"{name}.mrc"), 10.0)])
    project.edit("TS_9", project.tomograms["TS_9"].picks.make_add([[1, 2, 3]], "ribosome"))
    panel.dock.model.sort_by(Order.NAME)
    assert panel.names == ["one", "TS_9", "TS_10", "two"]
    panel.dock.model.sort_by(Order.PICKS)
    assert panel.names[0] == "TS_9"
    panel.dock.model.sort_by(Order.ROLE)
    assert panel.names[-1] == "two"
    assert natural("b2") > natural("a10")


@pytest.fixture
def membrane(panel: Any, tmp_path: Path) -> str:
    """A membrane in the second tomogram."""
    grid = np.stack(np.meshgrid([10.0, 30.0, 50.0], [10.0, 20.0], indexing="ij"), -1)
    xy = grid.reshape(-1, 2)
    vertices = np.c_[xy[:, 1], xy[:, 0], np.full(len(xy), 8.0)]
    faces = np.array([[0, 1, 2], [1, 3, 2], [2, 3, 4], [3, 5, 4]])
    path = tmp_path / "sheet.h5"
    write_membrane_file(path, vertices, faces)
    return str(panel.session.project.add_membrane(path, "two").name)


def write_membrane_file(path: Path, vertices_xyz: np.ndarray, faces: np.ndarray) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        file["points"] = vertices_xyz.astype(np.float32)
        file["faces"] = faces
        file["normals"] = np.tile(np.float32([0, 0, -1]), (len(vertices_xyz), 1))
        file["normal_values"] = np.zeros((len(vertices_xyz), 8), np.float32)
        file["pixel_size"] = 10.0


def test_membranes_stand_below_their_tomogram_and_fold_away(panel: Any, membrane: str) -> None:
    assert panel.names == ["one", "two", membrane]
    panel.click_fold("two")
    assert panel.names == ["one", "two"]
    panel.dock.search.setText("shee")
    assert panel.names == ["two", membrane], "a search looks into folds"
    panel.dock.search.clear()
    panel.click_fold("two")
    assert panel.names == ["one", "two", membrane]
    panel.click_role(membrane)
    assert panel.session.project.membranes[membrane].role is Role.VALIDATE


def test_a_click_on_a_membrane_brings_its_tomogram_too(panel: Any, membrane: str) -> None:
    panel.click(membrane)
    panel.until(lambda: panel.session.current == "two", "the tomogram of the membrane")
    assert panel.session.membrane_name == membrane


def test_the_menu_of_a_row_removes_it(panel: Any, membrane: str) -> None:
    texts = [action.text() for action in panel.dock.list.menu(panel.dock.model.rows[1]).actions()]
    assert "Voxel size…" in texts
    assert "Open folder" in texts
    menu = panel.dock.list.menu(panel.dock.model.rows[2])
    next(a for a in menu.actions() if "Remove" in a.text()).trigger()
    assert panel.names == ["one", "two"]


def test_a_file_that_is_gone_says_so_in_its_row_and_the_click_says_why(
    panel: Any, tmp_path: Path
) -> None:
    panel.session.project.add_opened([(str(tmp_path / "gone.mrc"), 10.0)])
    row = panel.dock.model.rows[2]
    panel.until(lambda: panel.dock.model.look(row) is not None, "a look at the file")
    assert "gone.mrc" in panel.dock.model.look(row).problem
    panel.click("gone")
    panel.until(lambda: any("gone.mrc" in s for s in panel.said), "a sentence")
    assert panel.session.current == "one"


def test_pictures_are_made_only_of_what_comes_into_view(panel: Any, tmp_path: Path) -> None:
    first = tmp_path / "0.mrc"
    write_mrc(first, np.zeros((4, 8, 8), np.float32), 10.0)
    for number in range(1, 40):
        (tmp_path / f"{number}.mrc").symlink_to(first)
    panel.session.project.add_opened((str(tmp_path / f"{n}.mrc"), 10.0) for n in range(40))
    model = panel.dock.model
    seen = panel.dock.list.rows_in_view
    assert 0 < len(seen()) < 20
    panel.until(lambda: all(model.look(row) for row in seen()), "pictures of what is in view")
    panel.until(lambda: not model.pictures.waiting, "the queue")
    assert model.look(model.rows[-1]) is None
    panel.dock.list.scrollToBottom()
    panel.until(lambda: model.look(model.rows[-1]), "the last picture")
