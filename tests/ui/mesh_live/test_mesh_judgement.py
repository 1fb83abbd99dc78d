"""Judging checkpoints on a membrane: its own picks, its patches, marks on the mesh, the report."""

from __future__ import annotations

import numpy as np
import pytest
from tests.ui.mesh_live.conftest import DIRECTIONS, PLACES_ZYX

from tomoscribe.project.model import Patch
from tomoscribe.ui.compare.compare_dock import CompareDock
from tomoscribe.ui.compare.judge import Judge


@pytest.fixture
def dock(session, mesh_worker, bumps, process_until, qtbot) -> CompareDock:
    """Two of four particles are clicked; the second checkpoint finds these and one more."""
    session.edit(
        session.entry.picks.make_add(
            PLACES_ZYX[:2], "ribosome", normals_zyx=DIRECTIONS[:2], membrane="ball"
        )
    )
    mesh_worker.begin()
    for heights in ([0.7, 0.05, 0.05, 0.05], [0.95, 0.9, 0.8, 0.1]):
        mesh_worker.train(10)
        mesh_worker.validate(float(np.mean(heights)), threshold=0.4)
        mesh_worker.keep(float(np.mean(heights)))
        mesh_worker.preview_mesh(bumps(heights))
    made = CompareDock(session)
    qtbot.addWidget(made)
    made.show()
    session.run = mesh_worker.run
    made.judgement_panel.fold.click()
    judge = Judge.of(session)
    process_until(lambda: judge.side("a") and judge.side("b"), "both sides to be judged")
    process_until(lambda: made.review.comparison is not None, "proposals")
    return made


def test_patches_make_figures_exact_and_marks_stand_on_the_mesh(
    dock, session, process_until
) -> None:
    words = dock.judgement_panel.words["b"]
    z, y, x = (float(v) for v in PLACES_ZYX[0])
    stroke = Patch("ball", (z, y, x), 500.0)  # all of the ball
    assert "3 proposed · 2 of 2 found · 1 not judged yet" in words.text()
    session.project.set_patches(session.current, [stroke])
    process_until(lambda: "F1 0.80 at 0.4 · 3 proposed" in words.text(), "exact figures")
    dock.judgement_panel.matches.coloured.setChecked(True)
    layer = session.viewer.layers["matches"]
    assert layer.shown.sum() == 3
    lifted = np.linalg.norm(layer.data[layer.shown][:, None] - PLACES_ZYX[None], axis=2).min(axis=1)
    assert (lifted > 1).all()
    session.actions["next_mismatch"]()
    assert dock.review.current is not None
    session.actions["accept"]()
    assert session.entry.picks.select(class_name="ribosome")[-1].membrane == "ball"
    process_until(lambda: "3 of 3 found" in words.text(), "the answer")
    dock.judgement_panel.matches.coloured.setChecked(False)


def test_the_report_of_a_membrane_has_its_pictures_from_both_sides(
    dock, session, process_until
) -> None:
    report = dock.actions_row.report
    report.write_report()
    process_until(lambda: report.path is not None, "the report")
    text = report.path.read_text(encoding="utf-8")
    assert "ball, from one side" in text
    assert "ball, from the other side" in text
    assert text.count("data:image/png") == 6
