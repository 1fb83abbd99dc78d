"""Two segmentations from a script: figures known by hand, agreement, errors, a page."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.prediction.small_nets import write_checkpoint, write_image

import tomoscribe
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.label_write import write_labels
from tomoscribe.segmentation.labels import LabelClass

SHAPE = (4, 64, 64)


def test_labels_in_files_judge_and_tell_where_errors_are(tmp_path: Path) -> None:
    """Both call every voxel a ball; a quarter of the sections is."""
    image = write_image(tmp_path / "balls.mrc", SHAPE)
    truth = np.zeros(SHAPE, np.uint8)
    truth[:, :32, :32] = 1
    write_labels(tmp_path / "truth.tif", truth, (4.0, 4.0, 4.0))
    a, b = (write_checkpoint(tmp_path / f"{name}.pt") for name in ("one", "other"))
    found = tomoscribe.compare(
        a, b, image=image, labels=tmp_path / "truth.tif", classes="ball", device="cpu"
    )
    assert isinstance(found, tomoscribe.SegmentComparison)
    assert found.figures.loc[("ball", "A"), "IoU"] == pytest.approx(0.25)
    assert found.figures.loc[("ball", "B"), "Dice"] == pytest.approx(0.4)
    assert "not known which labels the trainings saw" in found.how_judged
    errors = found.errors("B")
    assert [*errors["standing"]] == ["extra"]
    assert errors["voxels"][0] == 4 * (64 * 64 - 32 * 32)
    assert [*found.places["what"]] == [f"A: extra ball: {errors['voxels'][0]} voxels. "
                                       f"B: extra ball: {errors['voxels'][0]} voxels"]  # fmt: skip
    assert found.curve("A").recall[0] == 1.0
    assert found.agreement == ""
    page = found.report(tmp_path / "page.html")
    assert "ball" in page.read_text(encoding="utf-8")
    assert repr(found) == "<SegmentComparison of one and other on balls>"
    with pytest.raises(TomoscribeError, match="no side 'C'"):
        found.errors("C")
    with pytest.raises(TomoscribeError, match="not judged by 'nucleus', only: ball"):
        found.curve("A", "nucleus")
    with pytest.raises(TomoscribeError, match="Nobody knows what one was trained on"):
        tomoscribe.compare(a, b)
    with pytest.raises(TomoscribeError, match=r"\(classes, objects, …\) needs data, or image"):
        tomoscribe.compare(a, b, classes="ball")


def test_of_a_project_without_labels_the_agreement_is_told(tmp_path: Path) -> None:
    image = write_image(tmp_path / "balls.mrc", SHAPE)
    a, b = (write_checkpoint(tmp_path / f"{name}.pt") for name in ("one", "other"))
    with tomoscribe.create_project(tmp_path / "project") as project:
        project.store.set_label_classes([LabelClass("ball")])
        project.add_tomogram(image, name="balls")
        found = tomoscribe.compare(a, b, project, device="cpu")
    assert found.figures.empty
    assert found.agreements.loc[("balls", "ball"), "IoU"] == 1.0
    assert "differ in 0.0%" in found.agreement
    assert "Nothing is labelled here" in found.how_judged
    assert found.errors("A").empty
    assert found.places.empty
