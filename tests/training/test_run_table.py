"""The table of runs: what it tells, what it costs, and in which settings runs differ."""

from __future__ import annotations

import time
from pathlib import Path

import msgspec
import pytest

from tomoscribe.project.source import DataSource
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.training import events as ev
from tomoscribe.training.config import RunConfig
from tomoscribe.training.process import this_process
from tomoscribe.training.run import RunFolder
from tomoscribe.training.run_summary import RunRow, size_on_disk
from tomoscribe.training.run_table import RunTable, differences
from tomoscribe.training.status import State, Status


def make(
    runs: Path,
    name: str,
    state: State = State.RUNNING,
    sweep: str | None = None,
    **settings: object,
) -> RunFolder:
    config = RunConfig(
        data=DataSource(path=runs.parent),
        settings=TrainingSettings.model_validate(settings),
        sweep=sweep,
    )
    run = RunFolder.create(runs, config, name)
    say(run, state)
    return run


def say(run: RunFolder, state: State, **fields: object) -> None:
    pid, started, host = this_process()
    status = Status(state=state, pid=pid, process_started=started, host=host, heartbeat=time.time())
    run.write_status(msgspec.structs.replace(status, **fields))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "project" / "runs"


def test_a_row_tells_what_the_run_s_files_say(runs: Path) -> None:
    run = make(runs, "first", bin=2)
    begun = ev.Started(
        time=1, device="cpu", memory_bytes=1, precision="float32", plan={},
        train=["one", "two"], validate=["three"],
    )  # fmt: skip
    run.append_event(begun)
    run.append_event(ev.Labels(time=1, used=31, total=34, held_out=3, revision=1))
    for step, score in ((10, 0.6), (20, 0.8), (30, 0.7)):
        run.append_event(ev.Validation(time=1, step=step, score=score, metrics={"f1": score}))
    run.checkpoint_path("step_000020").parent.mkdir()
    run.checkpoint_path("step_000020").write_bytes(b"w")
    run.append_event(
        ev.Checkpoint(
            time=1, step=20, name="step_000020", path="checkpoints/step_000020.pt", score=0.8
        )
    )
    say(run, State.RUNNING, step=30, elapsed_s=12.0)
    (row,) = RunTable(runs).poll()
    assert (row.name, row.state, row.task) == ("first", State.RUNNING, "tomogram")
    assert (row.train, row.validate) == (("one", "two"), ("three",))
    assert (row.clicks_used, row.clicks_total) == (31, 34)
    assert (row.best_name, row.best_score, row.steps, row.elapsed_s) == ("F1", 0.8, 30, 12.0)
    assert [c.name for c in row.checkpoints] == ["step_000020"]
    assert row.values["bin"] == 2


def test_scores_on_other_held_out_clicks_are_no_longer_the_best(runs: Path) -> None:
    run = make(runs, "first")
    table = RunTable(runs)
    run.append_event(ev.Labels(time=1, used=4, total=5, held_out=1, revision=1))
    run.append_event(ev.Validation(time=1, step=10, score=0.9, metrics={}))
    assert table.poll()[0].best_score == 0.9
    run.append_event(ev.Labels(time=1, used=8, total=9, held_out=2, revision=2))
    run.append_event(ev.Validation(time=1, step=20, score=0.5, metrics={}))
    assert (table.poll()[0].best_name, table.poll()[0].best_score) == ("F1 ≈", 0.5)


def test_runs_that_others_make_and_delete_come_and_go(runs: Path) -> None:
    table = RunTable(runs)
    assert table.poll() == []
    first, second = make(runs, "first"), make(runs, "second", State.FINISHED)
    assert [row.name for row in table.poll()] == ["first", "second"]
    say(first, State.STOPPED, message="Stopped; the checkpoint is written.")
    assert table.poll()[0].state is State.STOPPED
    for file in second.path.iterdir():
        file.unlink()
    second.path.rmdir()
    assert [row.name for row in table.poll()] == ["first"]


def test_runs_from_elsewhere_are_listed_too(runs: Path, tmp_path: Path) -> None:
    far = make(tmp_path / "far", "theirs", State.FINISHED)
    make(runs, "ours")
    assert {row.name for row in RunTable(runs, [far.path]).poll()} == {"ours", "theirs"}


def test_a_run_that_cannot_be_understood_has_a_row_that_says_so(runs: Path) -> None:
    run = make(runs, "first", State.FINISHED)
    run.config_path.write_text("task: [")
    (row,) = RunTable(runs).poll()
    assert row.task == ""
    assert "cannot be understood" in row.message


def test_an_ended_run_that_was_read_is_not_opened_again(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(runs, "old", State.FINISHED)
    living = make(runs, "new")
    table = RunTable(runs)
    table.poll()
    asked: list[str] = []
    status = RunFolder.status
    monkeypatch.setattr(RunFolder, "status", lambda self: asked.append(self.name) or status(self))
    say(living, State.RUNNING, step=7)
    assert [row.steps for row in table.poll()] == [0, 7]
    assert asked == ["new"]


def test_a_worker_that_died_without_a_word_is_lost(runs: Path) -> None:
    run = make(runs, "first")
    say(run, State.RUNNING, pid=2**22 + 1, heartbeat=1.0)
    assert RunTable(runs).poll()[0].state is State.LOST


def rows_of(*settings: dict[str, object], sweep: str = "") -> list[RunRow]:
    from tomoscribe.training.setting_keys import flat_values

    return [
        RunRow(
            RunFolder(f"/runs/{i}"),
            State.FINISHED,
            values=flat_values(TrainingSettings.model_validate(s)) | {"diameter_scale": 1.0},
            sweep=sweep,
        )
        for i, s in enumerate(settings)
    ]


def test_only_settings_that_tell_runs_apart_are_told() -> None:
    rows = rows_of({"bin": 2, "max_minutes": 9}, {"bin": 3, "max_minutes": 9}, {"max_minutes": 9})
    assert differences(rows) == [{"bin": 2}, {"bin": 3}, {}]


def test_one_run_alone_tells_what_is_not_the_default() -> None:
    assert differences(rows_of({"loss": "nnpu", "membrane": {"depths": 8}})) == [
        {"loss": "nnpu", "membrane.depths": 8}
    ]


def test_in_a_sweep_the_default_is_told_beside_the_others() -> None:
    rows = rows_of({}, {"max_minutes": 10}, sweep="max_minutes 1")
    assert differences(rows) == [{"max_minutes": 5.0}, {"max_minutes": 10.0}]


def test_the_size_on_disk_counts_every_file(runs: Path) -> None:
    run = make(runs, "first")
    before = size_on_disk(run)
    (run.path / "previews" / "a").mkdir(parents=True)
    (run.path / "previews" / "a" / "b.blocks").write_bytes(bytes(1000))
    assert size_on_disk(run) - before == 1000
    assert size_on_disk(RunFolder(runs / "gone")) == 0
