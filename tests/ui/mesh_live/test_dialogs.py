"""Membranes from a segmentation, and statistics of picks: two dialogs that work in threads."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import Qt
from tests.ui.membranes.conftest import CENTRE_ZYX, SHAPE_ZYX
from tests.ui.mesh_live.conftest import DIRECTIONS, PLACES_ZYX

from tomoscribe.io.volumes import write_mrc
from tomoscribe.membranes.membrane import load_membrane
from tomoscribe.ui.membranes.meshing_form import MeshingForm, edge_of
from tomoscribe.ui.membranes.statistics_window import StatisticsWindow


def balls() -> np.ndarray:
    """Return labels 2 and 5 in two balls, and 7 in a few voxels."""
    grid = np.stack(np.meshgrid(*map(np.arange, SHAPE_ZYX), indexing="ij"), axis=-1)
    labels = np.zeros(SHAPE_ZYX, np.uint8)
    labels[np.linalg.norm(grid - CENTRE_ZYX, axis=-1) < 10] = 2
    labels[np.linalg.norm(grid - (20, 32, 58), axis=-1) < 6] = 5
    labels[2, 2, 2:6] = 7
    return labels


@pytest.fixture
def form(session, qtbot) -> MeshingForm:
    made = MeshingForm(session)
    qtbot.addWidget(made)
    made.show()
    return made


def lines(form: MeshingForm) -> list[str]:
    return [form.parts.item(i).text() for i in range(form.parts.count())]


def test_a_file_of_labels_becomes_membranes_of_the_project(
    form, session, tmp_path, process_until, qtbot
) -> None:
    write_mrc(tmp_path / "cells.mrc", balls().astype(np.int8), 10.0)
    assert not form.make.isEnabled()
    form.choose_file(tmp_path / "cells.mrc")
    process_until(lambda: form.make.isEnabled(), "what is in the file")
    assert lines(form)[:2] == [
        f"Label 2   {(balls() == 2).sum():,} voxels",
        f"Label 5   {(balls() == 5).sum():,} voxels",
    ]
    assert "Label 7" in lines(form)[2]
    assert "skipped" in lines(form)[2]
    assert "21 Å" in form.edge.text()
    form.parts.item(1).setCheckState(Qt.CheckState.Unchecked)
    qtbot.mouseClick(form.make, Qt.MouseButton.LeftButton)
    process_until(lambda: len(session.project.membranes) == 3, "the membrane")
    made = session.project.membranes["cells"]
    assert made.path.parent == session.project.membranes_dir
    radius = np.linalg.norm(load_membrane(made.path).mesh.vertices_zyx - CENTRE_ZYX, axis=1)
    np.testing.assert_allclose(radius, 10.0, atol=1.0)
    assert "1 membrane added" in form.message.text()


def test_a_layer_of_labels_is_offered_and_names_stay_free(
    session, qtbot, process_until, tmp_path
) -> None:
    layer = session.viewer.add_labels(np.where(balls() == 2, 1, 0), name="mask")
    for expected in ("mask", "mask-2"):
        form = MeshingForm(session)
        qtbot.addWidget(form)
        form.source.setCurrentIndex(form.source.findText("layer mask"))
        form._choose()
        process_until(lambda form=form: form.make.isEnabled(), "what is in the layer")
        assert lines(form)[0].startswith("Component 1 ")
        form.make.click()
        process_until(lambda name=expected: name in session.project.membranes, expected)
    session.viewer.layers.remove(layer)


def test_what_does_not_fit_is_told_before_any_work(form, session, tmp_path, process_until) -> None:
    write_mrc(tmp_path / "half.mrc", balls()[::2].astype(np.int8), 10.0)
    form.choose_file(tmp_path / "half.mrc")
    process_until(lambda: "20 × 64 × 72" in form.message.text(), "the other shape")
    assert not form.make.isEnabled()
    write_mrc(tmp_path / "size.mrc", balls().astype(np.int8), 7.0)
    form.choose_file(tmp_path / "size.mrc")
    process_until(lambda: "7 Å a voxel" in form.message.text(), "the other voxel size")
    assert form.make.isEnabled()
    write_mrc(tmp_path / "empty.mrc", np.zeros(SHAPE_ZYX, np.int8), 10.0)
    form.choose_file(tmp_path / "empty.mrc")
    process_until(lambda: "empty" in form.message.text(), "the empty mask")
    assert not form.make.isEnabled()


def test_the_edge_is_that_of_even_triangles() -> None:
    # An equilateral triangle of edge e has the area e² √3 / 4, and there are two a vertex.
    assert edge_of(2 * 20**2 * np.sqrt(3) / 4) == pytest.approx(20.0)


def test_statistics_count_the_picks_of_the_membrane_in_view(
    session, qtbot, process_until, tmp_path
) -> None:
    window = StatisticsWindow(session)
    qtbot.addWidget(window)
    assert not window.save.isEnabled()
    session.edit(
        session.entry.picks.make_add(
            PLACES_ZYX, "ribosome", normals_zyx=DIRECTIONS, membrane="ball"
        )
    )
    session.edit(session.entry.picks.make_add(PLACES_ZYX[:1], "proteasome", membrane="bead"))
    process_until(lambda: window.tables is not None, "the numbers")
    assert window.table.rowCount() == 1
    assert window.table.item(0, 1).text() == "4"
    area = 4 * np.pi * 0.014**2  # µm², a sphere of 14 voxels of 10 Å
    assert float(window.table.item(0, 2).text()) == pytest.approx(area, rel=0.02)
    quarter = np.pi / 2 * 140  # Å along the surface from one place to the next
    assert float(window.table.item(0, 4).text()) == pytest.approx(quarter, rel=0.05)
    files = window.write(tmp_path / "out.csv")
    assert [len(pd.read_csv(path)) > 0 for path in files] == [True] * 3
    assert pd.read_csv(files[0])["count"].tolist() == [4]
