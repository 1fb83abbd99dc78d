"""Real worker processes on a tiny tomogram: start, adopt, pause, stop, kill, resume, queue."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar

import msgspec
import pytest
import torch

from tomoscribe.project.source import DataSource
from tomoscribe.simulate.project import make_sample_project
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.training import events as ev
from tomoscribe.training import launch, process
from tomoscribe.training.config import RunConfig
from tomoscribe.training.control import Control, FocusBox
from tomoscribe.training.follow import RunFollower, Update
from tomoscribe.training.queue import DeviceQueue
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import State, Status
from tomoscribe.training.worker import run_worker

E = TypeVar("E", bound=ev.Event)
WaitUntil = Callable[..., None]

START_S = 120.0
"""Importing torch on a machine that does much else."""

STEPS = 60
TINY = {
    "patch": 16,
    "width": 4,
    "batch": 1,
    "bin": 2,
    "threads": 1,
    "precision": "float32",
    "seed": 3,
}


def of(run: RunFolder, kind: type[E]) -> list[E]:
    return [event for event in run.events() if isinstance(event, kind)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("processes")


@pytest.fixture(scope="module")
def make_config(folder: Path) -> Callable[..., RunConfig]:
    project = make_sample_project(folder / "project", shape_zyx=(32, 64, 64), clicks=8)
    project.close()

    def make(**settings: object) -> RunConfig:
        return RunConfig(
            data=DataSource(path=project.path),
            settings=TrainingSettings.model_validate(TINY | settings),
        )

    return make


@pytest.fixture(scope="module")
def story(
    folder: Path, make_config: Callable[..., RunConfig], wait_until: WaitUntil
) -> Iterator[SimpleNamespace]:
    """Tell one long story once, as processes take seconds to start; the tests read it.

    A run is paused after its first step, and another process takes the device. A
    second run queues behind that and is stopped there; the first has to queue too,
    goes on and is stopped, its child is killed, and the grandchild goes to the end.
    The same training is also done in one go.
    """
    config = make_config(max_steps=STEPS, validate_every_s=0.01)
    begun: list[RunFolder] = []
    told = SimpleNamespace(updates=[], config=config)

    def start(run: RunFolder) -> RunFolder:
        begun.append(run)
        return run

    def reaches(run: RunFolder, state: State) -> None:
        follower = RunFollower(run)
        wait_until(lambda: follower.poll().state is state, START_S, f"{run.name} to be {state}")

    told.other = None
    try:
        began = time.monotonic()
        paused = Control(desired="pause")
        first = told.first = start(launch.launch(config, folder / "runs", control=paused))
        told.launch_s = time.monotonic() - began
        follower = RunFollower(first)

        def first_is(state: State) -> bool:
            told.updates.append(follower.poll())
            return told.updates[-1].state is state

        wait_until(lambda: first_is(State.PAUSED), START_S, "the pause")
        told.adopted = RunFollower(RunFolder(first.path)).poll()
        told.pause_step = first.status().step

        # The paused run has left the device, so that somebody else must hold it.
        other = told.other = DeviceQueue("cpu", folder / "other")
        wait_until(other.try_acquire, START_S, "the device to be free")
        queued = told.queued = start(launch.launch(config, folder / "runs"))
        reaches(queued, State.QUEUED)
        told.queue_message = queued.status().message
        told.queued_end = launch.stop(queued)

        focus = FocusBox(
            sample="sample_train", center_zyx=(9, 30, 30), lo_zyx=(9, 0, 0), hi_zyx=(9, 64, 64)
        )
        first.write_control(desired="run", focus=focus)
        reaches(first, State.QUEUED)
        other.release()
        wait_until(lambda: len(of(first, ev.Block)) > 0, START_S, "a block")
        began = time.monotonic()
        told.first_end = launch.stop(first)
        told.stop_s = time.monotonic() - began

        child = told.child = start(launch.resume_as_child(first))
        wait_until(lambda: len(of(child, ev.Checkpoint)) > 0, START_S, "a checkpoint")
        os.kill(child.status().pid, signal.SIGKILL)
        wait_until(lambda: process.is_gone(child.status()), what="the child's death")
        told.killed = RunFollower(child, lambda: time.time() + 20).poll()
        child.write_status(_aged(child))

        told.grandchild = start(launch.resume_as_child(child))
        reaches(told.grandchild, State.FINISHED)
        yield told
    finally:
        if told.other is not None:
            told.other.release()
        for run in begun:
            launch.kill(run)


def _aged(run: RunFolder) -> Status:
    """Return the status as it would be found a minute later."""
    status = run.status()
    return msgspec.structs.replace(status, heartbeat=status.heartbeat - 60)


def test_the_worker_is_seen_from_the_first_moment(story: SimpleNamespace) -> None:
    first: Update = story.updates[0]
    assert first.state is State.STARTING
    assert first.message
    assert not first.lost


def test_it_says_what_it_does_before_torch_is_there(story: SimpleNamespace) -> None:
    messages = {update.message for update in story.updates}
    assert "Loading PyTorch." in messages


def test_its_heart_beats_whatever_it_does(story: SimpleNamespace) -> None:
    beats = {u.status.heartbeat for u in story.updates if u.status is not None}
    assert len(beats) > 2
    assert all(update.heartbeat_age_s < 15 for update in story.updates)


def test_a_new_viewer_adopts_the_run_with_its_whole_history(story: SimpleNamespace) -> None:
    seen = [event for update in story.updates for event in update.events]
    assert story.adopted.events == seen
    assert story.adopted.state is State.PAUSED
    assert isinstance(seen[0], ev.Started)


def test_a_paused_run_waits_where_it_is(story: SimpleNamespace) -> None:
    assert story.pause_step == 1
    assert story.adopted.status.control_revision == 1


def test_a_training_on_a_busy_device_says_for_whom_it_waits(
    story: SimpleNamespace, folder: Path
) -> None:
    assert story.queue_message == f"Waiting for cpu: {folder / 'other'} has it."


def test_a_queued_training_can_be_stopped(story: SimpleNamespace) -> None:
    assert story.queued_end is State.STOPPED
    assert of(story.queued, ev.Started) == []


def test_the_slice_in_view_is_the_first_block(story: SimpleNamespace) -> None:
    preview, block = of(story.first, ev.Preview)[0], of(story.first, ev.Block)[0]
    assert preview.sample == "sample_train"
    assert block.shape_zyx[0] <= 4
    assert block.lo_zyx[0] <= 9 / preview.bin <= block.lo_zyx[0] + block.shape_zyx[0]


def test_stop_ends_within_its_time_with_a_checkpoint(story: SimpleNamespace) -> None:
    assert story.first_end is State.STOPPED
    assert story.stop_s < launch.STOP_S
    last = story.first.checkpoints()[-1]
    assert last.step == story.first.status().step


def test_a_killed_worker_is_lost_and_says_what_to_do(story: SimpleNamespace) -> None:
    assert story.killed.lost
    assert "resume from the last checkpoint" in story.killed.message


def test_a_child_begins_where_its_parent_ended(story: SimpleNamespace) -> None:
    for child, parent in ((story.child, story.first), (story.grandchild, story.child)):
        assert child.parent() == parent
        assert of(child, ev.Started)[0].step == parent.checkpoints()[-1].step


def test_stopped_killed_and_resumed_is_the_same_as_in_one_go(
    story: SimpleNamespace, folder: Path
) -> None:
    threads = torch.get_num_threads()
    whole = RunFolder.create(folder / "whole", story.config)
    try:
        assert run_worker(whole) == 0
    finally:
        torch.set_num_threads(threads)
    weights = [
        torch.load(run.checkpoint_path(f"step_{STEPS:06d}"), weights_only=True)
        for run in (whole, story.grandchild)
    ]
    for whole_net, resumed_net in (
        [w["training"]["net"] for w in weights],
        [w["ema"] for w in weights],
    ):
        for name in whole_net:
            torch.testing.assert_close(whole_net[name], resumed_net[name], rtol=1e-4, atol=1e-6)


def test_the_list_of_runs_tells_state_steps_and_score(story: SimpleNamespace) -> None:
    infos = {info.run.name: info for info in launch.list_runs(story.first.path.parent)}
    assert infos[story.queued.name].state is State.STOPPED
    assert infos[story.child.name].state is State.LOST
    last = infos[story.grandchild.name]
    assert (last.state, last.step, last.task) == (State.FINISHED, STEPS, "tomogram")
    assert last.best_score is not None


def test_a_worker_out_of_memory_offers_half_the_batch_and_half_is_tried(
    folder: Path, make_config: Callable[..., RunConfig], wait_until: WaitUntil
) -> None:
    config = make_config(batch=1024, patch=32, max_steps=1)
    run = RunFolder.create(folder / "greedy", config)
    # The system's own limit: what a cluster's scheduler or a small machine would do.
    code = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30)); "
        "from tomoscribe.training.worker import main; sys.exit(main())"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(run.path)],
        capture_output=True,
        timeout=START_S,
        check=False,
    )
    assert answer.returncode == 1, answer.stderr.decode()
    failed = of(run, ev.Failed)[0]
    assert (failed.kind, failed.hint) == ("oom", "retry with half the batch")
    again = launch.retry_with_half_batch(run)
    try:
        assert again.config().settings.batch == 512
    finally:
        launch.kill(again)


def test_a_run_folder_that_cannot_be_written_is_one_sentence(
    make_config: Callable[..., RunConfig], small_disk: Path
) -> None:
    run = RunFolder.create(small_disk / "runs", make_config())
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    answer = subprocess.run(
        [sys.executable, "-m", "tomoscribe.training.worker", str(run.path)],
        capture_output=True,
        text=True,
        timeout=START_S,
        check=False,
    )
    assert answer.returncode == 1
    assert "the disk is read-only" in answer.stderr
    assert "Traceback" not in answer.stderr
