"""Objects in the viewer: their table, clicks on them, locking them into labels, their files."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from napari.utils.interactions import mouse_press_callbacks, mouse_release_callbacks
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFileDialog
from tests.ui.segments.conftest import MITO_BOXES, VESICLE
from tests.ui.segments.test_decoder_panel import centre, number_at

from tomoscribe.io.volumes import open_volume
from tomoscribe.ui.labels.mode import LabelMode
from tomoscribe.ui.labels.painter import LabelPainter
from tomoscribe.ui.segments.decoding import objects_of
from tomoscribe.ui.segments.object_window import ObjectWindow
from tomoscribe.ui.segments.object_work import Measured


@pytest.fixture
def window(segmented, qtbot, process_until) -> ObjectWindow:
    qtbot.mouseClick(segmented.panel.table, Qt.MouseButton.LeftButton)
    shown = segmented.dock.findChild(ObjectWindow)
    process_until(lambda: len(shown.model.rows) == 4 and not shown.busy, "the table")
    return shown


def test_rows_and_objects_in_the_viewer_find_each_other(segmented, window, qtbot) -> None:
    segments, viewer = segmented.segments, segmented.session.viewer
    big = number_at(segments, MITO_BOXES[2])
    row = window.model.place_of(big)
    assert window.model.rows[row].voxels == 14 * 16 * 16
    rect = window.view.visualRect(window.model.index(row, 1))
    viewer.dims.set_point(0, 0)
    qtbot.mouseClick(window.view.viewport(), Qt.MouseButton.LeftButton, pos=rect.center())
    assert segments.selected == big
    np.testing.assert_allclose(segmented.session.focus().center_zyx, (8, 36.5, 15.5), atol=0.6)
    segments.select(number_at(segments, VESICLE))
    place = window.view.currentIndex().row()
    assert window.model.rows[place].class_name == "vesicle"


def test_a_click_on_an_object_selects_it_unless_it_paints(segmented) -> None:
    session, segments = segmented.session, segmented.segments
    viewer = session.viewer

    def click(box) -> None:
        event = SimpleNamespace(
            pos=(9, 9), type="mouse_press", button=1, handled=False, modifiers=[],
            view_direction=None, position=tuple(session.layer.data_to_world((8, *centre(box)))),
        )  # fmt: skip
        mouse_press_callbacks(viewer, event)
        event.type = "mouse_release"
        mouse_release_callbacks(viewer, event)

    viewer.layers.selection.active = session.layer
    click(VESICLE)
    assert segments.selected == number_at(segments, VESICLE)
    assert "vesicle: 1,024 nm³" in segmented.panel.state.text()
    session.picks.layer.mode = "add"
    viewer.layers.selection.active = session.picks.layer
    click(MITO_BOXES[0])
    assert segments.selected == number_at(segments, VESICLE)


def test_an_object_is_locked_into_the_labels_and_written_to_files(
    segmented, window, qtbot, process_until, tmp_path, monkeypatch
) -> None:
    session, segments = segmented.session, segmented.segments
    LabelMode.of(session).set(on=True, objects=True)
    painter = LabelPainter.of(session)
    process_until(lambda: painter.copy is not None, "the painting")
    y, x = centre(MITO_BOXES[0])
    session.viewer.cursor.position = tuple(session.layer.data_to_world((8, y, x)))
    session.actions["take_object"]()
    locked = painter.copy.values == painter.copy.values[8, y, x]
    assert painter.copy.values[8, y, x] >= 64
    assert locked.sum() == (segments.objects.labels == number_at(segments, MITO_BOXES[0])).sum()

    for suffix in (".tif", ".h5"):
        path = tmp_path / f"objects{suffix}"
        monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_, p=path: (str(p), ""))
        window.export.ask_labels()
        process_until(lambda: not window.export.busy, "the labels")
        read_back = np.asarray(open_volume(str(path)).data)
        np.testing.assert_array_equal(read_back, segments.objects.labels)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "t.csv"), ""))
    window.export.ask_table()
    process_until(lambda: not window.export.busy, "the table")
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 5
    folder = tmp_path / "meshes"
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(folder))
    window.export.ask_meshes("stl")
    process_until(lambda: not window.export.busy, "the meshes")
    assert len(list(Path(folder).glob("mito_*.stl"))) == 3
    assert "4 meshes" in window.export.line.text()
    assert str(folder) in window.export.line.text()
    assert window.export.line.isVisible()


def test_an_export_from_compare_tells_there_how_far_it_is_and_where_the_files_are(
    segmented, process_until, tmp_path
) -> None:
    export, go_on = segmented.dock.actions_row.objects, threading.Event()
    segmented.dock.resize(340, 400)
    assert not export.line.isVisible()
    folder = tmp_path / "meshes"

    def write(measured, advance) -> str:
        told = []
        sentence = measured.write_meshes(folder, "ply", told.append)
        assert told == sorted(told)
        assert len(told) == 4
        assert told[-1] == 1
        advance(told[1])
        go_on.wait(60)
        return sentence

    export.run(write)
    process_until(lambda: export.line.text() == "Writing … 50%", "how far it is")
    assert export.line.isVisible()
    said: list[str] = []
    segmented.session.status_message.connect(said.append)
    export.run(write)
    assert "wait" in said[-1]
    go_on.set()
    process_until(lambda: not export.busy, "the meshes")
    assert export.line.text() == f"4 meshes (.ply, in nm) written to {folder}."
    assert len(list(folder.iterdir())) == 4
    line = export.line
    process_until(lambda: line.visibleRegion().boundingRect() == line.rect(), "all of the line")


def test_the_layer_of_objects_goes_with_its_image(segmented, tmp_path: Path) -> None:
    session = segmented.session
    assert segmented.segments.layer.layer is not None
    grey = np.random.default_rng(0).integers(0, 255, (5, 40, 40), np.uint8)
    tifffile.imwrite(tmp_path / "other.tif", grey)
    session.open_paths([tmp_path / "other.tif"])
    assert segmented.segments.layer.layer is None
    segmented.dock._prepare_objects()
    assert segmented.segments.layer.layer is None
    units = {str(layer.units[-3:]) for layer in session.viewer.layers}
    assert len(units) == 1, units


@pytest.mark.parametrize("dimension", ["2d", "3d"])
def test_the_first_and_last_section_cut_no_object_that_is_of_one_section(
    segmented, dimension: str
) -> None:
    maps = segmented.segments.maps
    settings = {
        name: each.model_copy(update={"dimension": dimension})
        for name, each in segmented.segments.settings.items()
    }
    inner = replace(maps, values=maps.values[:, 6:9])
    found = objects_of(inner, settings)
    cut = [row.touches_border for row in Measured(found, (4.0, 4.0, 4.0)).rows(surfaces=False)]
    assert len(cut) > 0
    assert set(cut) == {dimension == "3d"}
