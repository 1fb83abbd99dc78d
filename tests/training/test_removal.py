"""Deleting runs: what is refused, what stays, and a folder that vanishes under a reader."""

from __future__ import annotations

import errno
import os
import shutil
import time
from pathlib import Path

import msgspec
import pytest

from tomoscribe.errors import TomoscribeError
from tomoscribe.training import events as ev
from tomoscribe.training.config import RunConfig
from tomoscribe.training.follow import RunFollower
from tomoscribe.training.launch import list_runs
from tomoscribe.training.process import this_process
from tomoscribe.training.removal import DELETED, delete, holds
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import State, Status


def say(run: RunFolder, state: State, **fields: object) -> None:
    pid, started, host = this_process()
    status = Status(state=state, pid=pid, process_started=started, host=host, heartbeat=time.time())
    run.write_status(msgspec.structs.replace(status, **fields))


def test_an_ended_run_is_deleted_whole_and_others_stay(run: RunFolder, config: RunConfig) -> None:
    say(run, State.FINISHED)
    other = RunFolder.create(run.path.parent, config)
    delete(run)
    assert list(run.path.parent.iterdir()) == [other.path]


def test_a_living_run_is_not_deleted(run: RunFolder) -> None:
    say(run, State.PAUSED)
    with pytest.raises(TomoscribeError, match="stop it first"):
        delete(run)
    assert run.exists


def test_a_lost_run_can_be_deleted(run: RunFolder) -> None:
    say(run, State.RUNNING, pid=2**22 + 1, heartbeat=1.0)
    delete(run)
    assert not run.path.exists()


@pytest.mark.parametrize("by", ["parent", "start_from"])
def test_a_run_that_a_waiting_one_goes_on_from_is_kept(
    run: RunFolder, config: RunConfig, by: str
) -> None:
    say(run, State.STOPPED)
    first = run.name if by == "parent" else str(run.checkpoint_path("step_000010"))
    child = RunFolder.create(run.path.parent, config.model_copy(update={by: first}))
    say(child, State.QUEUED)
    with pytest.raises(TomoscribeError, match="about to go on from"):
        delete(run)
    say(child, State.RUNNING)
    delete(run)
    assert child.exists


def test_only_run_folders_are_deleted(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    with pytest.raises(TomoscribeError, match="not a run folder"):
        delete(RunFolder(tmp_path / "thesis"))
    assert (tmp_path / "thesis").is_dir()


def test_what_an_interrupted_deletion_left_is_no_run_and_goes_with_the_next(
    run: RunFolder, config: RunConfig
) -> None:
    runs = run.path.parent
    say(run, State.FINISHED)
    run.path.rename(runs / f"{DELETED}1234-old")
    other = RunFolder.create(runs, config)
    say(other, State.FINISHED)
    assert [info.run for info in list_runs(runs)] == [other]
    delete(other)
    assert list(runs.iterdir()) == []


def test_what_the_system_refuses_is_one_sentence_and_nothing_is_lost(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(run, State.FINISHED)

    def refuse(self: Path, target: object) -> Path:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", refuse)
        with pytest.raises(TomoscribeError, match="not allowed"):
            delete(run)
    assert run.exists


def test_a_model_inside_a_run_is_found_by_its_path(run: RunFolder) -> None:
    assert holds(run, run.checkpoint_path("step_000010"))
    assert not holds(run, run.path.parent / "best.pt")
    assert not holds(run, None)


@pytest.mark.parametrize("state", [State.RUNNING, State.FINISHED])
def test_a_folder_that_vanishes_is_told_as_gone_and_found_when_it_returns(
    run: RunFolder, state: State
) -> None:
    say(run, state)
    run.append_event(ev.Epoch(time=1, epoch=1, loss=0.5))
    follower = RunFollower(run)
    assert follower.poll().state is state
    hidden = run.path.with_name("hidden")
    run.path.rename(hidden)
    update = follower.poll()
    assert update.state is State.GONE
    assert not update.alive
    assert "is gone" in update.message
    hidden.rename(run.path)
    update = follower.poll()
    assert (update.state, update.events) == (state, [])


def test_a_command_does_not_bring_a_deleted_folder_back(run: RunFolder) -> None:
    shutil.rmtree(run.path)
    with pytest.raises(TomoscribeError, match="is gone"):
        run.write_control(desired="pause")
    assert not run.path.exists()


def test_events_that_were_cut_are_told_and_new_ones_are_read(run: RunFolder) -> None:
    say(run, State.RUNNING)
    for epoch in (1, 2, 3):
        run.append_event(ev.Epoch(time=1, epoch=epoch, loss=0.5))
    follower = RunFollower(run)
    assert len(follower.poll().events) == 3
    line = len(run.events_path.read_bytes()) // 3
    os.truncate(run.events_path, line)
    assert "was cut short" in follower.poll().message
    run.append_event(ev.Epoch(time=1, epoch=4, loss=0.5))
    assert [e.epoch for e in follower.poll().events] == [4]
