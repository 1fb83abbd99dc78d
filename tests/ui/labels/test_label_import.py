"""Label files that are dropped, and layers of the user's own, become paint."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from napari.layers import Labels
from qtpy.QtWidgets import QFileDialog
from tests.ui.labels.conftest import MIDDLE, Painter

from tomoscribe.project.store import Project
from tomoscribe.segmentation.painted_values import BACKGROUND, FIRST_OBJECT
from tomoscribe.ui.labels.import_button import ImportButton
from tomoscribe.ui.labels.label_import import LabelImport
from tomoscribe.ui.labels.label_question import OBJECTS, LabelQuestion
from tomoscribe.ui.labels.mode import LabelMode


@pytest.fixture
def question(painter: Painter) -> LabelQuestion:
    """The question in the dock."""
    found = painter.hands.dock.findChild(LabelQuestion)
    assert found is not None
    yield found
    LabelImport.of(painter.session).forget()


def a_label_file(painter: Painter, folder: Path, **how: str) -> Path:
    """Write two objects, 7 and 9, in a file of the shape of the tomogram in view."""
    labels = np.zeros(painter.labels.copy.values.shape, np.uint8)
    labels[MIDDLE, 5:10, 5:10], labels[MIDDLE, 20:25, 5:10] = 7, 9
    tifffile.imwrite(folder / "truth.tif", labels, **how)
    return folder / "truth.tif"


@pytest.mark.parametrize("how", [{}, {"compression": "zlib"}])
def test_a_dropped_label_file_asks_what_it_means_and_becomes_locked_objects(
    painter: Painter, question: LabelQuestion, tmp_path: Path, how: dict[str, str]
) -> None:
    before = list(painter.session.project.tomograms)
    painter.session.open_paths([a_label_file(painter, tmp_path, **how)])
    painter.hands.until(question.isVisible, "the question")
    assert "2 values, 7 to 9" in question.label.text()
    assert not question.background.isChecked()  # only one section has labels
    question.background.click()
    assert "also 15 of 16 sections without any label" in question.about.text()
    question.kind.buttons[OBJECTS].click()
    question.names.setText("mito, er")
    assert not question.use.isEnabled()
    question.names.setText("mito")
    question.use.click()
    painter.hands.until(lambda: LabelMode.of(painter.session).objects, "the end")
    painter.hands.until(lambda: painter.labels.copy is not None, "the labels")
    assert painter.values[7, 7] == FIRST_OBJECT
    assert painter.values[22, 7] == FIRST_OBJECT + 1
    assert painter.values[40, 40] == BACKGROUND
    assert not question.isVisible()
    assert list(painter.session.project.tomograms) == before
    assert "2 objects of mito" in painter.hands.messages[-1]


def test_a_file_that_is_meant_as_an_image_opens_as_one(
    painter: Painter, question: LabelQuestion, tmp_path: Path
) -> None:
    painter.session.open_paths([a_label_file(painter, tmp_path)])
    painter.hands.until(question.isVisible, "the question")
    question.open.click()
    assert not question.isVisible()
    assert painter.session.pending is not None  # its voxel size is asked for


@pytest.mark.parametrize(
    ("of", "told"),
    [
        (lambda labels: labels[6:11], "truth.tif has 5 × 64 × 48 voxels"),
        (lambda labels: (labels * 0.37).astype(np.float32), "fractions or values below 0"),
    ],
)
def test_labels_that_do_not_fit_are_told_in_the_dock_and_the_image_stays(
    painter: Painter,
    question: LabelQuestion,
    tmp_path: Path,
    of: Callable[[np.ndarray], np.ndarray],
    told: str,
) -> None:
    session = painter.session
    place = a_label_file(painter, tmp_path)
    tifffile.imwrite(place, of(tifffile.imread(place)))
    before = session.current
    session.open_paths([place])
    assert question.isVisible()
    assert told in question.label.text()
    assert not question.use.isVisible()
    assert not question.names.isVisible()
    assert session.current == before
    assert session.pending is None
    question.open.click()
    assert not question.isVisible()
    assert session.pending is not None


def test_a_chosen_file_of_another_shape_is_told_before_its_meaning_is_asked(
    painter: Painter, question: LabelQuestion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = a_label_file(painter, tmp_path)
    tifffile.imwrite(place, tifffile.imread(place)[6:11])
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(place), ""))
    painter.hands.dock.findChild(ImportButton).ask_file()
    assert "labels must lie on the voxels of their image" in question.label.text()
    assert not question.use.isVisible()


def test_a_grey_image_of_another_shape_opens_while_labels_are_painted(
    painter: Painter, question: LabelQuestion, tmp_path: Path
) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (5, 40, 40), np.uint8)
    tifffile.imwrite(tmp_path / "other.tif", grey)
    painter.session.open_paths([tmp_path / "other.tif"])
    assert not question.isVisible()
    assert painter.session.pending is not None


def test_strokes_on_a_layer_of_ones_own_become_labels_and_the_rest_stays(
    painter: Painter, question: LabelQuestion, project: Project
) -> None:
    painter.stroke((30, 12), (30, 24))
    painter.saved()
    viewer, image = painter.session.viewer, painter.session.layer
    data = np.zeros(image.data.shape, np.int32)
    data[MIDDLE, 40:44, 10:20] = 5
    own = viewer.add_layer(Labels(data, name="mine", scale=image.scale))
    try:
        assert "mine" in painter.hands.messages[-1]
        chosen = painter.hands.dock.findChild(ImportButton)
        chosen.menu.aboutToShow.emit()
        entries = {action.text(): action for action in chosen.menu.actions()}
        assert list(entries) == ["From a file…", "From layer “mine”"]
        entries["From layer “mine”"].trigger()
        painter.hands.until(question.isVisible, "the question")
        question.names.setText("er")
        question.use.click()
        painter.hands.until(lambda: not own.visible, "the end")
        painter.hands.until(lambda: painter.labels.copy is not None, "the labels")
    finally:
        viewer.layers.remove(own)
    assert [c.name for c in project.label_classes] == ["mito", "er"]
    assert painter.values[42, 15] == project.label_classes[1].value
    assert painter.values[30, 20] == project.label_classes[0].value
    assert painter.values[60, 40] == 0
