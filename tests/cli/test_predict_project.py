"""`tomoscribe predict PROJECT`: the current model, else the best of the newest run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.test_predict import calls, tomogram  # noqa: F401
from tests.training.test_checkpoint_list import make_run

from tomoscribe.project.store import Project

Run = Callable[..., int | str | None]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with two runs; the best checkpoint of the newer one is its second."""
    made = Project.create(tmp_path / "project")
    make_run(made.runs_dir, "one", [0.2, 0.9])
    make_run(made.runs_dir, "two", [0.3, 0.5, 0.4])
    made.close()
    return made.path


def test_a_project_stands_for_the_best_of_its_newest_run_and_says_so(
    exit_code: Run, calls, tomogram: str, project: Path, capsys  # noqa: F811
) -> None:  # fmt: skip
    assert exit_code("predict", project, tomogram, "--out", project / "out") == 0
    assert calls[0]["checkpoint"] == project / "runs/two/checkpoints/step_000020.pt"
    assert "Predicting with two/step_000020, the best of the newest run" in capsys.readouterr().err


def test_a_project_stands_for_its_current_model(
    exit_code: Run, calls, tomogram: str, project: Path, capsys  # noqa: F811
) -> None:  # fmt: skip
    opened = Project.open(project)
    opened.set_model(project / "runs/one/checkpoints/step_000020.pt")
    opened.close()
    assert exit_code("predict", project, tomogram, "--out", project / "out") == 0
    assert calls[0]["checkpoint"] == project / "runs/one/checkpoints/step_000020.pt"
    assert "one/step_000020, the project's current model" in capsys.readouterr().err


def test_a_current_model_that_is_gone_is_named(
    exit_code: Run, calls, tomogram: str, project: Path, capsys  # noqa: F811
) -> None:  # fmt: skip
    opened = Project.open(project)
    opened.set_model(project / "lost.pt")
    opened.close()
    assert exit_code("predict", project, tomogram, "--out", project / "out") == 1
    assert "is gone" in capsys.readouterr().err
    assert not calls


def test_a_project_without_a_model_says_to_train(
    exit_code: Run, calls, tomogram: str, tmp_path: Path, capsys  # noqa: F811
) -> None:  # fmt: skip
    Project.create(tmp_path / "new").close()
    assert exit_code("predict", tmp_path / "new", tomogram, "--out", tmp_path) == 1
    assert "has no trained model yet" in capsys.readouterr().err
