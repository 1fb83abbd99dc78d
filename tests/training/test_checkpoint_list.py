"""The rows of the table of checkpoints, from runs as workers write them."""

from __future__ import annotations

import math
import shutil
import time
from pathlib import Path

import pytest

from tomoscribe.project.source import DataSource
from tomoscribe.training import events as ev
from tomoscribe.training.checkpoint_list import CheckpointList, mean_metrics
from tomoscribe.training.config import RunConfig
from tomoscribe.training.run import RunFolder


def make_run(runs: Path, name: str, scores: list[float], **config: object) -> RunFolder:
    """Write a run with a checkpoint every ten steps; the first one's weights are gone."""
    source = DataSource(kind="project", path=runs.parent)
    run = RunFolder.create(runs, RunConfig(data=source, **config), name)
    run.append_event(ev.Labels(time=1.0, used=4, total=5, held_out=1, revision=1))
    for i, score in enumerate(scores, 1):
        step = 10 * i
        run.append_event(
            ev.Step(
                time=1.0, step=step, loss=0.5, learning_rate=0.1, elapsed_s=6.0 * i, budget_s=60
            )
        )
        run.append_event(ev.Epoch(time=1.0, step=step, epoch=i, loss=0.5))
        metrics = {"f1": score, "recall": 0.5, "precision": 1.0, "threshold": 0.4}
        run.append_event(ev.Validation(time=1.0, step=step, score=score, metrics=metrics))
        path = run.checkpoint_path(f"step_{step:06d}")
        path.parent.mkdir(exist_ok=True)
        if i > 1:
            path.write_bytes(b"weights")
        run.append_event(
            ev.Checkpoint(
                time=float(step), step=step, name=path.stem, path=run.relative(path), score=score
            )
        )
    return run


def test_rows_tell_figures_time_parent_and_whether_weights_are_there(tmp_path: Path) -> None:
    make_run(tmp_path, "one", [0.5, 0.9, 0.7])
    make_run(tmp_path, "two", [0.6], parent="one")
    rows = CheckpointList(tmp_path).poll()
    assert [(r.run, r.step) for r in rows] == [("one", 10), ("one", 20), ("one", 30), ("two", 10)]
    assert [r.kept for r in rows] == [False, True, True, False]
    assert [r.best for r in rows] == [False, True, False, True]
    second = rows[1]
    assert (second.f1, second.recall, second.precision, second.score) == (0.9, 0.5, 1.0, 0.9)
    assert (second.epoch, second.elapsed_s, second.written) == (2, 12.0, 20.0)
    assert second.ref.source == "one/step_000020"
    assert [r.parent for r in rows] == ["", "", "", "one"]


def test_news_are_added_and_deleted_runs_and_weights_are_followed(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", [0.5, 0.9])
    make_run(tmp_path, "two", [0.6])
    checkpoints = CheckpointList(tmp_path)
    assert len(checkpoints.poll()) == 3
    run.checkpoint_path("step_000020").unlink()
    shutil.rmtree(tmp_path / "two")
    run.append_event(
        ev.Preview(
            time=1.0, step=25, checkpoint="step_000025", sample="s", path="previews/x",
            shape_zyx=[1, 1, 1], bin=1, class_names=["a"],
        )
    )  # fmt: skip
    rows = checkpoints.poll()
    assert [(r.step, r.kept) for r in rows] == [(10, False), (20, False), (25, False)]
    assert rows[-1].score is None


def test_a_run_made_anew_under_the_same_name_is_read_anew(tmp_path: Path) -> None:
    make_run(tmp_path, "one", [0.5, 0.9])
    checkpoints = CheckpointList(tmp_path)
    checkpoints.poll()
    (tmp_path / "one").rename(tmp_path / "aside")
    make_run(tmp_path, "one", [0.8])
    shutil.rmtree(tmp_path / "aside")
    assert [r.score for r in checkpoints.poll()] == [0.8]


def test_scores_on_other_held_out_clicks_are_not_compared(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", [0.9])
    run.append_event(ev.Labels(time=2.0, used=9, total=11, held_out=2, revision=2))
    run.append_event(ev.Validation(time=2.0, step=20, score=0.6, metrics={"score": 0.6}))
    run.append_event(ev.Checkpoint(time=2.0, step=20, name="step_000020", path="x", score=0.6))
    rows = CheckpointList(tmp_path).poll()
    assert [r.best for r in rows] == [False, True]
    assert rows[-1].f1 is None


def test_no_runs_and_a_damaged_config_are_no_error(tmp_path: Path) -> None:
    assert CheckpointList(tmp_path / "none").poll() == ()
    run = make_run(tmp_path, "one", [0.9])
    run.config_path.write_text("][", encoding="utf-8")
    (row,) = CheckpointList(tmp_path).poll()
    assert row.parent == ""


def test_metrics_of_several_classes_are_averaged_where_all_have_them() -> None:
    metrics = {"a/f1": 0.5, "b/f1": 0.7, "a/recall": 1.0, "b/score": 0.5}
    assert mean_metrics(metrics) == {"f1": pytest.approx(0.6)}
    assert mean_metrics({}) == {}


def test_time_is_unknown_before_the_first_step(tmp_path: Path) -> None:
    run = RunFolder.create(
        tmp_path, RunConfig(data=DataSource(kind="project", path=tmp_path)), "new"
    )
    run.append_event(ev.Checkpoint(time=time.time(), name="step_000000", path="x"))
    (row,) = CheckpointList(tmp_path).poll()
    assert math.isnan(row.elapsed_s)
