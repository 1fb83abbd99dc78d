"""Strokes of the mouse become labels on the section, in the store, and in the dock's figures."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest
from qtpy.QtCore import Qt
from tests.ui.labels.conftest import MIDDLE, Painter

from tomoscribe.project.painted import PaintedLabels
from tomoscribe.project.store import Project
from tomoscribe.segmentation.labels import LabelClass
from tomoscribe.segmentation.painted_values import BACKGROUND, FIRST_OBJECT
from tomoscribe.ui.class_rows import NAME
from tomoscribe.ui.labels.complete_section import section_region
from tomoscribe.ui.labels.mode import LabelMode

SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier
Stored = Callable[[], PaintedLabels]


def test_a_stroke_is_on_disk_when_the_viewer_crashes_after_it(
    painter: Painter, stored: Stored
) -> None:
    painter.stroke((30, 12), (30, 24))
    painter.saved()
    shape = painter.labels.copy.values.shape
    on_disk = stored().read((0, 0, 0), shape)
    assert (on_disk[MIDDLE, 30, 13:24] == 2).all()
    np.testing.assert_array_equal(on_disk, painter.labels.copy.values)
    assert painter.session.entry.picks.tally.total() == 0


def test_strokes_are_there_again_after_another_tomogram_was_in_view(painter: Painter) -> None:
    painter.stroke((30, 12), (30, 24))
    before = painter.values.copy()
    painter.session.set_current("two")
    painter.hands.until(lambda: painter.labels.copy is not None, "the other labels")
    assert not painter.labels.copy.values.any()
    painter.session.set_current("one")
    painter.hands.until(lambda: painter.labels.copy is not None, "the labels again")
    np.testing.assert_array_equal(painter.values, before)


def test_keys_choose_class_and_background(painter: Painter, project: Project) -> None:
    project.set_label_classes([*project.label_classes, LabelClass("er", "#56b4e9")])
    painter.hands.key(Qt.Key.Key_2, SHIFT)
    painter.stroke((20, 12), (20, 20))
    painter.hands.key(Qt.Key.Key_0, SHIFT)
    painter.stroke((40, 12), (40, 20))
    assert painter.values[20, 16] == project.label_classes[1].value
    assert painter.values[40, 16] == BACKGROUND
    painter.hands.key(Qt.Key.Key_7, SHIFT)
    assert "There is no class 7" in painter.hands.messages[-1]


def test_undo_and_redo_reach_section_and_disk(painter: Painter, stored: Stored) -> None:
    painter.stroke((20, 12), (20, 20))
    painter.stroke((40, 12), (40, 20))
    painter.hands.key(Qt.Key.Key_Z, CONTROL)
    painter.saved()
    assert painter.values[20, 16] == 2
    assert painter.values[40, 16] == 0
    assert stored().read((MIDDLE, 40, 16), (MIDDLE + 1, 41, 17)).item() == 0
    painter.hands.key(Qt.Key.Key_Z, CONTROL | SHIFT)
    painter.saved()
    assert stored().read((MIDDLE, 40, 16), (MIDDLE + 1, 41, 17)).item() == 2


def test_objects_get_numbers_and_are_not_painted_over(painter: Painter, stored: Stored) -> None:
    painter.hands.dock.labels.kind.buttons["Objects"].click()
    painter.stroke((30, 10), (30, 30))
    painter.hands.key(Qt.Key.Key_M)
    painter.stroke((24, 20), (36, 20))
    painter.saved()
    first, second = FIRST_OBJECT, FIRST_OBJECT + 1
    assert painter.values[30, 20] == first
    assert painter.values[25, 20] == second
    assert stored().objects == {first: 2, second: 2}
    painter.hands.dock.labels.tools.locked.click()
    painter.hands.key(Qt.Key.Key_M)
    painter.stroke((30, 10), (30, 30))
    assert painter.values[30, 20] == second + 1
    painter.hands.dock.labels.tools.locked.click()


def test_the_lock_is_offered_where_there_are_objects_only(painter: Painter) -> None:
    locked = painter.hands.dock.labels.tools.locked
    panel = painter.hands.dock.labels
    assert not locked.isVisibleTo(panel)
    LabelMode.of(painter.session).set(on=True, objects=True)
    assert locked.isVisibleTo(panel)
    painter.stroke((30, 12), (30, 24))
    painter.saved()
    LabelMode.of(painter.session).set(on=True, objects=False)
    assert locked.isVisibleTo(panel)  # they are there, though the brush paints none


def test_a_predicted_object_becomes_a_locked_label_in_one_step_of_undo(
    painter: Painter, stored: Stored
) -> None:
    painter.labels.choose(0)
    painter.stroke((30, 20), (30, 24))
    mask = np.ones((3, 8, 8), bool)
    assert painter.labels.take(mask, (MIDDLE - 1, 28, 18), "mito")
    painter.saved()
    taken = stored().read((MIDDLE - 1, 28, 18), (MIDDLE + 2, 36, 26))
    assert taken[1, 2, 4] == BACKGROUND
    assert np.isin(taken, (FIRST_OBJECT, BACKGROUND)).all()
    assert stored().whole == {FIRST_OBJECT}
    painter.labels.choose(1)
    painter.stroke((34, 10), (34, 40))
    assert painter.values[34, 20] == FIRST_OBJECT
    assert painter.values[34, 30] == 2
    painter.labels.undo()
    painter.labels.undo()
    assert not np.isin(painter.values, FIRST_OBJECT).any()
    assert not painter.labels.take(mask, (MIDDLE, 28, 18), "unheard of")
    assert "no such class" in painter.hands.messages[-1]


def test_own_strokes_in_a_predicted_object_join_it_in_the_same_step_of_undo(
    painter: Painter, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, save = threading.Event(), painter.labels.copy.save
    monkeypatch.setattr(painter.labels.copy, "save", lambda box: written.wait(60) and save(box))
    LabelMode.of(painter.session).set(on=True, objects=True)
    mask = np.zeros((3, 24, 32), bool)
    mask[:, 4:20, 4:28] = True
    corner = (MIDDLE - 1, 20, 8)  # the mask is of y 24..39 and x 12..35
    painter.stroke((30, 16), (30, 24))  # inside
    inner = painter.values >= FIRST_OBJECT
    painter.hands.key(Qt.Key.Key_M)
    painter.stroke((24, 18), (24, 30))  # most of it is inside, the rest in the box
    edge = painter.values == FIRST_OBJECT + 1
    painter.hands.key(Qt.Key.Key_M)
    painter.stroke((36, 30), (36, 44))  # goes on beyond the box
    painter.hands.key(Qt.Key.Key_M)
    painter.stroke((21, 12), (21, 16))  # beside the mask
    before = painter.labels.copy.values.copy()
    assert edge[23].any()
    assert painter.labels.take(mask, corner, "mito")
    new = FIRST_OBJECT + 4
    assert (painter.values[inner | edge] == new).all()
    for other in (FIRST_OBJECT + 2, FIRST_OBJECT + 3):
        np.testing.assert_array_equal(painter.values == other, before[MIDDLE] == other)
    written.set()
    painter.saved()
    np.testing.assert_array_equal(
        stored().read((0, 0, 0), painter.labels.copy.values.shape), painter.labels.copy.values
    )
    painter.labels.undo()
    np.testing.assert_array_equal(painter.labels.copy.values, before)


def test_what_is_locked_or_of_another_class_stays_in_a_predicted_object(
    painter: Painter, project: Project
) -> None:
    project.set_label_classes([*project.label_classes, LabelClass("er", "#56b4e9")])
    LabelMode.of(painter.session).set(on=True, objects=True)
    assert painter.labels.take(np.ones((1, 4, 4), bool), (MIDDLE, 28, 18), "mito")
    painter.labels.choose(2)
    painter.stroke((36, 16), (36, 20))
    before = painter.values.copy()
    assert painter.labels.take(np.ones((3, 20, 20), bool), (MIDDLE - 1, 24, 12), "mito")
    kept = before > 0
    assert set(np.unique(before[kept])) == {FIRST_OBJECT, FIRST_OBJECT + 1}
    np.testing.assert_array_equal(painter.values[kept], before[kept])
    assert painter.values[25, 13] == FIRST_OBJECT + 2


def test_the_dock_counts_and_says_what_is_missing(painter: Painter) -> None:
    panel = painter.hands.dock.labels
    assert panel.title.text() == "Paint some mito"
    painter.stroke((30, 12), (30, 24))
    painter.saved()
    assert "no background strokes" in panel.help.text()
    voxels = int((painter.values == 2).sum())
    assert panel.classes.table.item(0, NAME + 2).text() == f"{voxels} / 1"
    panel.section.click()
    assert panel.title.text() == "Enough to train"
    (region,) = painter.session.entry.regions
    assert region.lo_zyx[0] == MIDDLE - 0.5
    panel.section.click()
    assert painter.session.entry.regions == []


def test_a_class_is_added_and_renamed_and_keeps_its_voxels(painter: Painter) -> None:
    painter.stroke((30, 12), (30, 24))
    painter.saved()
    classes = painter.hands.dock.labels.classes
    assert "voxels here have this class" in classes.remove_button.toolTip()
    classes.table.item(0, 1).setText("mitochondrion")
    classes.add()
    names = [(c.name, c.value) for c in painter.session.project.label_classes]
    assert names == [("mitochondrion", 2), ("class 1", 3)]
    assert painter.labels.active_name == "class 1"
    assert painter.labels.labelled()[2].voxels == (painter.values == 2).sum()


def test_a_stroke_that_cannot_be_written_is_told_and_written_later(
    painter: Painter, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(
            "tomoscribe.project.painted._change_chunk",
            lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")),
        )
        painter.stroke((20, 12), (20, 20))
        painter.saved()
        assert "No space left" in painter.hands.messages[-1]
        assert painter.labels.copy.unsaved == 1
    painter.session.close_project()
    assert stored().read((MIDDLE, 20, 16), (MIDDLE + 1, 21, 17)).item() == 2


def test_closing_the_project_waits_for_strokes_that_a_slow_disk_still_writes(
    painter: Painter, stored: Stored, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = threading.Event()
    write = PaintedLabels.write
    monkeypatch.setattr(PaintedLabels, "write", lambda *args: (go_on.wait(20), write(*args))[1])
    painter.stroke((20, 12), (20, 20))
    threading.Timer(0.2, go_on.set).start()
    painter.session.close_project()
    assert stored().read((MIDDLE, 20, 16), (MIDDLE + 1, 21, 17)).item() == 2


def test_a_project_for_reading_only_shows_labels_and_takes_no_stroke(
    painter: Painter, project: Project
) -> None:
    painter.stroke((30, 12), (30, 24))
    painter.saved()
    before = painter.values.copy()
    painter.session.set_project(Project.open(project.path, read_only=True))
    painter.hands.until(lambda: painter.labels.copy is not None, "the labels")
    assert not painter.hands.dock.labels.tools.buttons["paint"].isEnabled()
    painter.stroke((40, 12), (40, 24))
    np.testing.assert_array_equal(painter.values, before)


def test_particles_are_clicked_again_after_the_switch_back(painter: Painter) -> None:
    painter.hands.dock.kind.buttons["Particles"].click()
    painter.hands.click((MIDDLE, 30.0, 20.0))
    assert len(painter.hands.picks) == 1
    assert not painter.labels.copy.values.any()
    painter.hands.key(Qt.Key.Key_Z, CONTROL)
    assert painter.hands.picks == []


def test_a_stroke_can_be_undone_before_a_slow_disk_has_it(
    painter: Painter, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, save = threading.Event(), painter.labels.copy.save
    monkeypatch.setattr(painter.labels.copy, "save", lambda box: written.wait(60) and save(box))
    undo = painter.hands.dock.labels.undo
    assert not undo.isEnabled()
    painter.stroke((30, 12), (30, 24))
    assert undo.isEnabled()
    undo.click()
    assert not painter.values.any()
    written.set()
    painter.saved()


def test_objects_through_many_sections_want_background_in_more_than_one(
    painter: Painter,
) -> None:
    panel = painter.hands.dock.labels
    painter.labels.choose(0)
    painter.stroke((50, 12), (50, 24))
    assert painter.labels.take(np.ones((8, 6, 6), bool), (MIDDLE - 4, 20, 20), "mito")
    painter.saved()
    assert panel.title.text() == "Paint background beside the objects"
    assert "Only 1 section of 8 has any" in panel.help.text()
    painter.session.set_regions([section_region(z, (16, 64, 48)) for z in (3, 4)])
    assert panel.title.text() == "Enough to train"


def test_strokes_of_objects_alone_are_told_to_part_no_objects_that_touch(
    painter: Painter,
) -> None:
    panel, told = painter.hands.dock.labels, "Objects that touch are parted only where both"
    painter.labels.choose(0)
    painter.stroke((50, 12), (50, 24))
    painter.labels.choose(1)
    painter.stroke((40, 12), (40, 24))
    painter.saved()
    assert panel.title.text() == "Enough to train"
    assert told not in panel.help.text()
    LabelMode.of(painter.session).set(on=True, objects=True)
    painter.stroke((30, 12), (30, 24))
    painter.saved()
    assert panel.title.text() == "Enough to train"
    assert told in panel.help.text()
    panel.section.click()
    assert told not in panel.help.text()
    panel.section.click()
    assert painter.labels.take(np.ones((1, 6, 6), bool), (MIDDLE, 10, 20), "mito")
    painter.saved()
    assert told not in panel.help.text()
