from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.label_import import import_labels
from tomoscribe.project.painted import PaintedLabels
from tomoscribe.project.source import LabelFiles
from tomoscribe.project.store import Project
from tomoscribe.segmentation.labels import LabelClass

SHAPE = (12, 20, 30)


def test_labels_of_a_file_are_painted_over_what_they_say_and_objects_stay_apart(
    project: Project, tmp_path: Path
) -> None:
    project.set_label_classes([LabelClass("er")])
    labels = np.full(SHAPE, 9, np.uint16)
    labels[2:4] = 0
    labels[3, 2:5, 2:5], labels[3, 6:9, 2:5] = 40, 500
    path = tmp_path / "labels.tif"
    tifffile.imwrite(path, labels)
    PaintedLabels(project.path, "TS_1", SHAPE).write((7, 0, 0), np.full((1, 4, 4), 2))
    files = LabelFiles(classes=("mito",), unlabelled=9)
    notes = import_labels(project, "TS_1", str(path), files, objects=True)
    assert notes == ()
    assert [(c.name, c.value) for c in project.label_classes] == [("er", 2), ("mito", 3)]
    painted = PaintedLabels(project.path, "TS_1")
    assert painted.objects == {64: 3, 65: 3}
    expected = np.zeros(SHAPE, np.uint16)
    expected[2:4] = 1
    expected[3, 2:5, 2:5], expected[3, 6:9, 2:5] = 64, 65
    expected[7, :4, :4] = 2
    assert np.array_equal(painted.read((0, 0, 0), SHAPE), expected)
    import_labels(project, "TS_1", str(path), LabelFiles(classes=("er", "mito"), unlabelled=9))
    assert PaintedLabels(project.path, "TS_1").read((3, 7, 3), (4, 8, 4)) == 3


def test_labels_that_do_not_fit_change_nothing(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "labels.tif"
    tifffile.imwrite(path, np.ones((30, 20, 12), np.uint8))
    with pytest.raises(TomoscribeError, match="another order"):
        import_labels(project, "TS_1", str(path), LabelFiles())
    assert project.label_classes == []
    assert not (project.path / "labels").exists()


def test_more_objects_than_a_painting_can_hold_change_nothing(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tomoscribe.project.label_import.MOST_OBJECTS", 2)
    path = tmp_path / "labels.tif"
    tifffile.imwrite(path, np.arange(12, dtype=np.uint8)[:, None, None] * np.ones(SHAPE, np.uint8))
    with pytest.raises(TomoscribeError, match="numbers 11 objects, and a painting holds 2"):
        import_labels(project, "TS_1", str(path), LabelFiles(), objects=True)
    assert project.label_classes == []
    assert not (project.path / "labels").exists()
