"""Runs from scripts: the curve as arrays, previews, waiting, and the checkpoint that is meant."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
from tests.scripting.conftest import PlayedRun

from tomoscribe.errors import TomoscribeError
from tomoscribe.scripting.checkpoints import checkpoint_of, project_of
from tomoscribe.scripting.predict import predict
from tomoscribe.scripting.progress import Progress
from tomoscribe.scripting.project import Project
from tomoscribe.scripting.run import Run, open_run
from tomoscribe.scripting.train import train
from tomoscribe.training import events as ev
from tomoscribe.training.previews import BlockLog
from tomoscribe.training.status import State


def test_the_curve_comes_as_arrays(played: PlayedRun) -> None:
    played.train(10, 0.5, 5.0)
    played.tell(ev.Validation, score=0.25, metrics={"recall": 0.5})
    played.train(20, 0.25, 10.0)
    played.tell(ev.Validation, score=0.5, metrics={"recall": 0.75, "f1": 0.5})
    curve = played.run.curve()
    np.testing.assert_array_equal(curve.steps, [10, 20])
    np.testing.assert_array_equal(curve.losses, [0.5, 0.25])
    np.testing.assert_array_equal(curve.validation_steps, [10, 20])
    np.testing.assert_array_equal(curve.metrics["recall"], [0.5, 0.75])
    assert math.isnan(curve.metrics["f1"][0])


def test_progress_tells_how_far_it_is(played: PlayedRun) -> None:
    played.train(30, 0.125, 15.0)
    played.beat(State.RUNNING, elapsed_s=15.0, budget_s=60.0, labels_used=7, labels_total=9)
    told = played.run.progress()
    assert (told.state, told.step, told.loss, told.share) == ("running", 30, 0.125, 0.25)
    assert (told.labels_used, told.labels_total) == (7, 9)


def test_checkpoints_are_a_frame_with_the_best_marked(played: PlayedRun) -> None:
    played.step = 10
    best = played.keep("step_000010", 0.75)
    played.step = 20
    last = played.keep("step_000020", 0.5)
    run = played.run
    assert [*run.checkpoints["best"]] == [True, False]
    assert (run.best_checkpoint, run.last_checkpoint) == (best, last)


def test_a_preview_is_an_array_with_nan_where_nothing_is_computed(played: PlayedRun) -> None:
    path = played.folder.preview_path("step_000010", "two")
    path.parent.mkdir(parents=True)
    with pytest.raises(TomoscribeError, match="no preview of 'two'"):
        played.run.preview("two")
    played.tell(
        ev.Preview, checkpoint="step_000010", sample="two", path=played.folder.relative(path),
        shape_zyx=[4, 6, 8], bin=2, class_names=["ribosome"],
    )  # fmt: skip
    assert np.isnan(played.run.preview("two")[0]).all()
    BlockLog(path).append((1, 0, 0), np.ones((1, 2, 6, 8), np.float32))
    scores, bin_ = played.run.preview("two")
    assert (scores.shape, bin_) == ((1, 4, 6, 8), 2)
    assert (scores[0, 1:3] == 1).all()
    assert np.isnan(scores[0, [0, 3]]).all()


def test_waiting_ends_with_the_run_and_tells_what_was_new(played: PlayedRun) -> None:
    told: list[Progress] = []

    def follow(now: Progress) -> None:
        told.append(now)
        if now.step == 0:
            played.train(10, 0.5, 5.0)
            played.beat(State.RUNNING)
        elif now.state == "running":
            played.beat(State.FINISHED)

    assert played.run.wait(follow) == played.run
    assert [p.state for p in told] == ["running", "running", "finished"]
    assert [p.step for p in told] == [0, 10, 10]


def test_waiting_for_a_run_that_fails_says_why(played: PlayedRun) -> None:
    played.tell(ev.Failed, kind="oom", message="Out of memory.", hint="Halve the batch.")
    played.beat(State.FAILED)
    with pytest.raises(TomoscribeError, match=r"Out of memory\. Halve the batch\."):
        played.run.wait()


def test_waiting_for_a_run_whose_folder_was_deleted_says_so(played: PlayedRun) -> None:
    def delete(now: Progress) -> None:
        shutil.rmtree(played.folder.path, ignore_errors=True)

    with pytest.raises(TomoscribeError, match="is gone"):
        played.run.wait(delete)


def test_waiting_may_end_before_the_run(played: PlayedRun) -> None:
    assert played.run.wait(timeout=0).alive


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TomoscribeError, match="not a run folder"):
        open_run(tmp_path)


def test_a_checkpoint_is_meant_by_its_file_its_run_or_its_project(
    project: Project, played: PlayedRun
) -> None:
    with pytest.raises(TomoscribeError, match="no trained model yet"):
        checkpoint_of(project)
    best = played.keep("step_000010", 0.75)
    refs = [checkpoint_of(m) for m in (best, played.run, played.folder.path, project)]
    assert {ref.source for ref in refs} == {f"{played.folder.name}/step_000010"}
    assert project_of(played.run) == project.path
    other = best.with_name("step_000020.pt")
    other.write_bytes(b"")
    project.use_model(other)
    assert checkpoint_of(project).where == other
    with pytest.raises(TomoscribeError, match="no checkpoint or run"):
        checkpoint_of(project.path / "none.pt")
    project.close()
    project.path.rename(project.path.with_name("elsewhere"))
    moved = Run(project.path.with_name("elsewhere") / "runs" / played.folder.name)
    assert project_of(moved) is None  # its files can be predicted on all the same


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"max_minutes": -1}, "max_minutes=-1 cannot be"),
        ({"max_minuts": 1}, "max_minuts"),
        ({"task": "semantics"}, "no task 'semantics'"),
        ({}, "pick"),
    ],
)
def test_a_training_that_cannot_be_leaves_no_run_behind(
    project: Project, settings: dict[str, object], said: str
) -> None:
    with pytest.raises(TomoscribeError, match=said):
        train(project, **settings)  # type: ignore[arg-type]
    assert project.runs == []


def test_a_folder_without_a_project_cannot_be_trained_on(tmp_path: Path) -> None:
    with pytest.raises(TomoscribeError, match="holds no tomograms"):
        train(tmp_path)
    with pytest.raises(
        TomoscribeError, match=r"no project, training folder or datasplit '.*nowhere'"
    ):
        train(tmp_path / "nowhere")


def test_a_sample_that_is_not_there_is_told_before_anything_is_loaded(
    played: PlayedRun,
) -> None:
    played.keep("step_000010", 0.75)  # it holds nothing: loading it would fail otherwise
    with pytest.raises(TomoscribeError, match="no file 'three', and the project"):
        predict(played.run, ["two", "three"])
