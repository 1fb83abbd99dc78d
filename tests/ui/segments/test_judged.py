"""Segmentations judged by what is painted: figures, marks, the list, keys, the report."""

from __future__ import annotations

import re

import numpy as np
import pytest
from qtpy.QtCore import Qt
from tests.ui.conftest import SHAPE_ZYX
from tests.ui.segments.conftest import MITO_BOXES, VESICLE

from tomoscribe.evaluation.judgement import Standing
from tomoscribe.evaluation.segments.marks import Mark
from tomoscribe.project.painted import PaintedLabels
from tomoscribe.segmentation.painted_values import BACKGROUND
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.labels.painter import LabelPainter
from tomoscribe.ui.segments.segment_judge import SegmentJudge

UNFOUND = (50, 4, 60, 14)
"""Painted as a mitochondrion where nothing is predicted strongly."""


def paint_all(project) -> None:
    """Paint the first two mitochondria, one that no side finds, and background elsewhere."""
    values = np.full(SHAPE_ZYX, BACKGROUND, np.uint16)
    painted = PaintedLabels(project.path, "one", SHAPE_ZYX)
    numbers = painted.add_objects(project.label_classes[0].value, 3)
    for number, (y0, x0, y1, x1) in zip(numbers, (*MITO_BOXES[:2], UNFOUND), strict=True):
        values[:, y0:y1, x0:x1] = number
    painted.write((0, 0, 0), values)


def found_of(judge: SegmentJudge) -> set[str]:
    """Return the letters of the sides that are judged."""
    return set() if judge.found is None else set(judge.found.sides)


@pytest.fixture
def judged(segmented, qtbot, process_until):
    """The panel *How good?* unfolded, with everything painted."""
    paint_all(segmented.session.project)
    segmented.judge = SegmentJudge.of(segmented.session)
    segmented.judgement = segmented.dock.judgement_panel
    qtbot.mouseClick(segmented.judgement.fold, Qt.MouseButton.LeftButton)
    process_until(lambda: found_of(segmented.judge) == {"A", "B"}, "both sides judged")
    return segmented


def row_of(panel, name: str) -> list[str]:
    """Return the texts of a line of the table, A and B."""
    plain = re.sub(r"<[^>]+>", "|", panel.figures.table.text().partition(f"<td>{name}</td>")[2])
    return [cell for cell in plain.split("|") if cell][:2]


def test_both_sides_are_judged_by_what_is_painted(judged) -> None:
    """B finds the two that are painted and one beside; A, too faint for its seeds, finds none."""
    panel = judged.judgement
    figures = {name: row_of(panel, f"objects {name}") for name in ("found", "missed", "extra")}
    assert figures == {"found": ["0", "2"], "missed": ["3", "1"], "extra": ["0", "1"]}
    assert row_of(panel, "AP at IoU 0.5") == ["0.000", "0.500"]
    about = panel.figures.about.text()
    assert "not known which labels the trainings saw" in about
    assert "seg/step_000010" in panel.figures.sides.text()


def test_the_list_and_the_marks_are_of_the_side_in_view(judged, qtbot, process_until) -> None:
    errors, sides = judged.judgement.errors, Sides.of(judged.session)
    process_until(lambda: len(errors.model.steps) == 5, "what B did")
    standings = [step.standing for step in errors.model.steps]
    assert standings[:3].count(Standing.WRONG) == 2  # a mitochondrion, and the vesicle
    assert standings[:3].count(Standing.MISSED) == 1
    assert standings[3:] == [Standing.MATCHED, Standing.MATCHED]
    assert errors.counts.text() == "1 missed, 2 extra"
    qtbot.mouseClick(
        errors.coloured, Qt.MouseButton.LeftButton, pos=errors.coloured.rect().center()
    )
    errors.coloured.setChecked(True)
    layer = errors.layer.layer
    at = {name: layer.data[8, (y0 + y1) // 2, (x0 + x1) // 2]
          for name, (y0, x0, y1, x1) in (("found", MITO_BOXES[0]), ("extra", MITO_BOXES[2]),
                                         ("missed", UNFOUND), ("vesicle", VESICLE))}  # fmt: skip
    assert at == {"found": Mark.MATCHED, "extra": Mark.EXTRA, "missed": Mark.MISSED,
                  "vesicle": Mark.EXTRA}  # fmt: skip
    paint = LabelPainter.of(judged.session).layer
    assert not judged.segments.layer.layer.visible
    assert paint is None or not paint.visible
    sides.set_mode("a")
    process_until(lambda: errors.counts.text() == "3 missed, 1 extra", "what A did")
    y0, x0, y1, x1 = MITO_BOXES[0]
    assert layer.data[8, (y0 + y1) // 2, (x0 + x1) // 2] == Mark.MISSED
    errors.coloured.setChecked(False)
    assert not layer.visible
    assert judged.segments.layer.layer.visible


def test_keys_and_clicks_fly_to_errors(judged, qtbot, process_until) -> None:
    errors, session = judged.judgement.errors, judged.session
    process_until(lambda: len(errors.model.steps) == 5, "what B did")
    session.actions["next_mismatch"]()
    first = errors.model.steps[0]
    assert session.focus().center_zyx[0] == pytest.approx(first.zyx[0], abs=0.6)
    session.actions["next_mismatch"]()
    assert errors.view.currentIndex().row() == 1
    session.actions["previous_mismatch"]()
    session.actions["previous_mismatch"]()
    assert errors.view.currentIndex().row() == 4
    place = errors.view.visualRect(errors.model.index(0)).center()
    errors.view.scrollToTop()
    qtbot.mouseClick(errors.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert errors.view.currentIndex().row() == 0


def test_sliders_and_strokes_are_judged_again(judged, process_until) -> None:
    """A lower seed finds A's faint ones; what is painted over is missed no more."""
    panel = judged.judgement
    judged.panel.sliders["seed_threshold"].number.setValue(0.3)
    process_until(lambda: row_of(panel, "objects found")[0] == "2", "A by lower seeds")
    painted = PaintedLabels(judged.session.project.path, "one")
    y0, x0, y1, x1 = UNFOUND
    painted.write((0, y0, x0), np.full((SHAPE_ZYX[0], y1 - y0, x1 - x0), BACKGROUND, np.uint16))
    LabelPainter.of(judged.session).changed.emit()
    process_until(lambda: row_of(panel, "objects missed") == ["0", "0"], "the stroke")


def test_a_report_of_segmentations_is_written(judged, process_until) -> None:
    report = judged.dock.actions_row.report
    assert report.write.isEnabled()
    report.write.click()
    process_until(lambda: report.path is not None, "the report")
    page = report.path.read_text(encoding="utf-8")
    assert "seg/step_000010 and seg/step_000020" in page
    assert "objects missed" in page
    assert "data:image/png" in page


def test_who_stops_looking_sees_no_marks(judged, process_until) -> None:
    errors = judged.judgement.errors
    errors.coloured.setChecked(True)
    assert errors.layer.layer.visible
    judged.judgement.set_seen(False)
    assert not errors.layer.layer.visible
    assert judged.segments.layer.layer.visible
