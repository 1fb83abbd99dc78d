from __future__ import annotations

import os

import psutil
import pytest

from tomoscribe.training import process
from tomoscribe.training.events import Step, Warning_
from tomoscribe.training.follow import RunFollower
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import State, Status


class Clock:
    """Seconds since the epoch, as the test wants them."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def here(clock: Clock, *, alive: bool = True, **fields: object) -> Status:
    """Return the status of a worker on this machine, this very process if it is to be alive."""
    pid, started, host = process.this_process()
    if not alive:
        started -= 1000.0
    values = {"state": State.RUNNING, "heartbeat": clock.now, **fields}
    return Status(pid=pid, process_started=started, host=host, **values)


def test_a_run_without_a_worker_is_starting_and_says_so(run: RunFolder) -> None:
    update = RunFollower(run).poll()
    assert update.state is State.STARTING
    assert "no worker" in update.message


def test_the_first_poll_replays_the_whole_run(run: RunFolder, clock: Clock) -> None:
    events = [Warning_(time=i, message=str(i)) for i in range(5)]
    for event in events:
        run.append_event(event)
    run.write_status(here(clock))
    follower = RunFollower(run, clock)
    assert follower.poll().events == events
    assert follower.poll().events == []


def test_a_worker_with_a_fresh_heart_is_running(run: RunFolder, clock: Clock) -> None:
    run.write_status(here(clock, message="all is well"))
    clock.now += 3
    update = RunFollower(run, clock).poll()
    assert (update.state, update.heartbeat_age_s, update.message) == (
        State.RUNNING,
        3.0,
        "all is well",
    )


def test_an_old_heart_without_its_process_is_lost(run: RunFolder, clock: Clock) -> None:
    run.write_status(here(clock, alive=False))
    follower = RunFollower(run, clock)
    assert follower.poll().state is State.RUNNING
    clock.now += 16
    update = follower.poll()
    assert update.lost
    assert not update.alive
    assert "resume from the last checkpoint" in update.message


def test_a_silent_worker_that_is_there_is_told_but_not_lost(run: RunFolder, clock: Clock) -> None:
    run.write_status(here(clock))
    clock.now += 40
    update = RunFollower(run, clock).poll()
    assert update.state is State.RUNNING
    assert "said nothing for 40 s" in update.message


def test_a_worker_elsewhere_is_lost_by_its_heart_alone(run: RunFolder, clock: Clock) -> None:
    run.write_status(Status(state=State.RUNNING, pid=1, host="far", heartbeat=clock.now))
    follower = RunFollower(run, clock)
    clock.now += 30
    assert follower.poll().state is State.RUNNING
    clock.now += 31
    assert follower.poll().lost


def test_a_worker_whose_clock_is_wrong_lives_as_long_as_its_heart_beats(
    run: RunFolder, clock: Clock
) -> None:
    follower = RunFollower(run, clock)
    for beat in range(5):
        run.write_status(Status(state=State.RUNNING, pid=1, host="far", heartbeat=10.0 + beat))
        clock.now += 2
        update = follower.poll()
    assert update.state is State.RUNNING
    assert update.heartbeat_age_s < 3


@pytest.mark.parametrize("state", [State.FINISHED, State.STOPPED, State.FAILED])
def test_an_ended_run_is_never_lost(run: RunFolder, clock: Clock, state: State) -> None:
    run.write_status(here(clock, alive=False, state=state))
    clock.now += 1e6
    assert RunFollower(run, clock).poll().state is state


def test_a_worker_that_loads_pytorch_is_not_called_silent(run: RunFolder, clock: Clock) -> None:
    run.write_status(here(clock, state=State.STARTING, message="Loading PyTorch."))
    clock.now = run.write_control(previews=False).written
    follower = RunFollower(run, clock)
    for _ in range(4):
        clock.now += 5
        run.write_status(here(clock, state=State.STARTING, message="Loading PyTorch."))
        update = follower.poll()
        assert (update.unanswered_s, update.message) == (None, "Loading PyTorch.")


def test_a_command_is_reported_when_it_is_not_answered_in_time(
    run: RunFolder, clock: Clock
) -> None:
    run.write_status(here(clock))
    clock.now = run.write_control(desired="pause").written
    follower = RunFollower(run, clock)
    clock.now += 9
    assert follower.poll().unanswered_s is None
    clock.now += 2
    update = follower.poll()
    assert update.unanswered_s == pytest.approx(11)
    assert "has not answered the last command for 11 s" in update.message
    run.write_status(here(clock, control_revision=1))
    assert follower.poll().unanswered_s is None


def test_why_a_queued_run_waits_is_said(run: RunFolder, clock: Clock) -> None:
    run.write_status(here(clock, state=State.QUEUED, message="Waiting for cpu: /runs/a has it."))
    assert RunFollower(run, clock).poll().message == "Waiting for cpu: /runs/a has it."


def test_followers_do_not_disturb_each_other(run: RunFolder) -> None:
    first, second = RunFollower(run), RunFollower(run)
    step = Step(time=0, loss=1, learning_rate=1, elapsed_s=0, budget_s=1)
    first.poll()
    run.append_event(step)
    assert first.poll().events == second.poll().events == [step]


def test_a_worker_that_never_speaks_is_found_lost(run: RunFolder, clock: Clock) -> None:
    host = process.this_process()[2]
    run.write_status(Status(host=host, heartbeat=clock.now, message="Starting the worker."))
    clock.now += 16
    assert RunFollower(run, clock).poll().lost


def test_a_reused_process_id_is_not_the_worker() -> None:
    started = psutil.Process().create_time()
    host = process.this_process()[2]
    mine = Status(pid=os.getpid(), process_started=started, host=host)
    other = Status(pid=os.getpid(), process_started=started - 100, host=host)
    assert not process.is_gone(mine)
    assert process.is_gone(other)
