"""The current model at the top of the dock, and the line of what goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tomoscribe.ui.project.activity import Activity


def test_the_current_model_is_named_with_how_good_it_was(panel: Any, fake_worker: Any) -> None:
    line = panel.dock.model_line
    assert "No current model" in line.label.text()
    fake_worker.begin()
    fake_worker.train(120)
    fake_worker.validate(0.83)
    path = fake_worker.keep(0.83)
    panel.session.project.set_model(path)
    name = f"{fake_worker.run.name}/step_000120"
    panel.until(lambda: line.label.text() == f"Model {name} · F1 0.83", "its name and quality")
    line.clear.click()
    assert panel.session.project.model is None
    assert "No current model" in line.label.text()


def test_a_model_whose_file_is_gone_says_so(panel: Any, tmp_path: Path) -> None:
    panel.session.project.set_model(tmp_path / "best.pt")
    line = panel.dock.model_line
    panel.until(lambda: line.label.text() == "Model best is gone", "the sentence")


def test_what_goes_on_is_told_in_one_line_until_it_ends(panel: Any) -> None:
    told = Activity.of(panel.session)
    told.tell("meshing", "meshing 40%")
    told.tell("prediction", "predicting two")
    assert "meshing 40% · predicting two" in panel.dock.activity.text()
    told.tell("meshing", "")
    told.tell("prediction", "")
    panel.until(lambda: not panel.dock.model.pictures.waiting, "the pictures")
    assert panel.dock.activity.text() == "nothing in the background"
