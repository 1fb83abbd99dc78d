"""`tomoscribe compare`: stored previews, predictions made at once, and what cannot be compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.tasks.balls import DIAMETER, VOXEL_A, ball_centres, ball_volume
from tests.training.tiny_checkpoints import membrane_checkpoint, tomogram_checkpoint

from tomoscribe.io.volumes import write_mrc
from tomoscribe.project.model import ParticleClass, Region, Role
from tomoscribe.project.source import DataSource
from tomoscribe.project.store import Project
from tomoscribe.training import events as ev
from tomoscribe.training.config import RunConfig
from tomoscribe.training.previews import BlockLog
from tomoscribe.training.run import RunFolder

Run = Callable[..., int | str | None]
GRID = (16, 36, 36)
BIN = 2


def store_preview(run: RunFolder, step: int, found: np.ndarray) -> str:
    """Write a checkpoint's preview on `two`, with a peak at each of the positions."""
    name = f"step_{step:06d}"
    grid = np.stack(np.indices(GRID), axis=-1)
    scores = np.zeros(GRID, np.float32)
    for place in found:
        away = ((grid - (place - 0.5) / BIN) ** 2).sum(-1)
        scores = np.maximum(scores, 0.9 * np.exp(-away / 4)).astype(np.float32)
    log = BlockLog(run.preview_path(name, "two"))
    log.create()
    offset = log.append((0, 0, 0), scores[None])
    path = run.relative(log.path)
    run.append_event(
        ev.Preview(time=1.0, step=step, checkpoint=name, sample="two", path=path,
                   shape_zyx=list(GRID), bin=BIN, class_names=["ribosome"])
    )  # fmt: skip
    run.append_event(
        ev.Block(time=1.0, step=step, checkpoint=name, sample="two", offset=offset,
                 lo_zyx=[0, 0, 0], shape_zyx=list(GRID))
    )  # fmt: skip
    return name


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Tomogram `one` trains, `two` validates with 14 balls; a run with two previews of `two`."""
    made = Project.create(tmp_path / "project")
    made.add_class(ParticleClass("ribosome", DIAMETER * VOXEL_A))
    for name, seed, role in (("one", 1, Role.TRAIN), ("two", 2, Role.VALIDATE)):
        centres = ball_centres(seed)
        write_mrc(tmp_path / f"{name}.mrc", ball_volume(centres, seed), VOXEL_A)
        made.add_tomogram(tmp_path / f"{name}.mrc", name=name, role=role)
        made.edit(name, made.tomograms[name].picks.make_add(centres, "ribosome"))
    made.set_regions("two", [Region((0.0, 0.0, 0.0), (32.0, 72.0, 72.0))])
    run = RunFolder.create(
        made.runs_dir, RunConfig(data=DataSource(kind="project", path=made.path)), "run"
    )
    run.append_event(
        ev.Started(time=1.0, device="cpu", memory_bytes=1, precision="float32", plan={},
                   train=["one"], validate=["two"])
    )  # fmt: skip
    run.append_event(ev.Labels(time=1.0, used=14, total=14, held_out=0, revision=1))
    metrics = {"f1": 0.5, "threshold": 0.4}
    run.append_event(ev.Validation(time=1.0, step=10, score=0.5, metrics=metrics))
    centres = ball_centres(2)
    store_preview(run, 10, centres[:7])
    store_preview(run, 20, centres)
    made.close()
    return made.path


def test_stored_previews_are_compared_without_weights(
    exit_code: Run, project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "report.html"
    args = ["compare", "run/step_000010", project / "runs/run/step_000020"]
    assert exit_code(*args, "--project", project, "--report", report) == 0
    told = capsys.readouterr().out
    rows = {
        cells[0]: cells[1:]
        for line in told.splitlines()
        if len(cells := [c.strip() for c in line.strip("│┃ ").split("│")]) == 3
    }
    assert rows["found"] == ["7 of 14", "14 of 14"]
    assert rows["F1"] == ["0.667", "1.000"]
    assert rows["threshold"] == ["0.4", "0.4"]
    assert "ribosome on two" in told
    assert "counted in what you declared complete" in told
    assert "The training never saw these picks." in told
    page = report.read_text(encoding="utf-8")
    assert "F1 0.67 at 0.4 · 7 proposed · 7 of 14 found" in page
    assert page.count("data:image/png") >= 4


def test_what_is_not_stored_is_predicted_at_once(
    exit_code: Run, project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = tomogram_checkpoint(tmp_path / "one.pt", seed=0)
    other = tomogram_checkpoint(tmp_path / "other.pt", seed=1)
    args = ["compare", one, other, "--project", project, "--sample", "two", "--device", "cpu"]
    assert exit_code(*args) == 0
    told = capsys.readouterr()
    assert "A: one" in told.out
    assert "B: other" in told.out
    assert "of 14" in told.out
    assert "not known which of the picks" in told.out
    assert "one on two" in told.err


def test_checkpoints_of_different_tasks_cannot_be_compared(
    exit_code: Run, project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = tomogram_checkpoint(tmp_path / "one.pt")
    other = membrane_checkpoint(tmp_path / "other.pt")
    assert exit_code("compare", one, other, "--project", project) == 1
    assert "one on tomograms and other on membranes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (["run/step_000099", "run"], "There is no checkpoint or run 'run/step_000099'"),
        (["run/step_000010", "run/step_000020", "--sample", "three"], "has no tomogram 'three'"),
        (["run/step_000010", "run/step_000020", "--sample", "one"], "weights of run/step_000010"),
        (["run/step_000010", "run/step_000020", "--report", "no/r.html"], "no folder 'no'"),
        (["run/step_000010", "run/step_000020", "--report", "."], "'.' is a folder"),
    ],
)
def test_what_is_not_there_is_named(
    exit_code: Run, project: Path, args: list[str], sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    assert exit_code("compare", *args, "--project", project) == 1
    assert sentence in " ".join(capsys.readouterr().err.split())


def test_without_picks_there_is_nothing_to_judge_by(
    exit_code: Run, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = Project.open(project)
    for name in ("one", "two"):
        table = opened.tomograms[name].picks
        opened.edit(name, table.make_remove([p.id for p in table]))
    opened.close()
    assert exit_code("compare", "run/step_000010", "run/step_000020", "--project", project) == 1
    assert "nothing to judge by" in capsys.readouterr().err


def test_classes_that_no_checkpoint_knows_are_named(
    exit_code: Run, project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = Project.open(project)
    opened.set_classes([ParticleClass("other", 100.0)])
    opened.close()
    assert exit_code("compare", "run/step_000010", "run/step_000020", "--project", project) == 1
    assert "know none of the project's classes" in capsys.readouterr().err
