"""Following a run from outside, without Qt or torch: events, state, what to tell the user."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tomoscribe.training import process
from tomoscribe.training.event_log import EventReader
from tomoscribe.training.status import OLD_HEARTBEAT_ELSEWHERE_S, OLD_HEARTBEAT_S, State, Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tomoscribe.training.control import Control
    from tomoscribe.training.events import Event
    from tomoscribe.training.run import RunFolder

UNANSWERED_S = 10.0
"""A command that the worker has not acknowledged after this long is reported."""


@dataclass(frozen=True)
class Update:
    """What is new of a run.

    Parameters
    ----------
    events : list of Event
        Since the last poll; the first poll replays the whole run.
    status : Status or None
        None before the worker's first word.
    state : State
        As it is to be shown: `LOST` where the heartbeat is old and the process gone, `GONE` where
        the folder is not there any more.
    heartbeat_age_s : float
        Seconds since the last sign of life.
    unanswered_s : float or None
        Seconds since a command that the worker has not acknowledged; None if all is
        answered or there is still time.
    message : str
        One sentence for the user, empty if all is well.
    """

    events: list[Event]
    status: Status | None
    state: State
    heartbeat_age_s: float
    unanswered_s: float | None
    message: str

    @property
    def lost(self) -> bool:
        """Whether the worker died without a word."""
        return self.state is State.LOST

    @property
    def alive(self) -> bool:
        """Whether the training goes on, waits or is about to begin."""
        return self.state.alive


class RunFollower:
    """Follows a run folder, written by a worker on this or another machine.

    Parameters
    ----------
    run : RunFolder
        The run; any number of followers may follow one.
    clock : callable
        Seconds since the epoch.
    skip : sequence of bytes
        As of `EventReader`: lines of events that are not wanted.
    """

    def __init__(
        self,
        run: RunFolder,
        clock: Callable[[], float] = time.time,
        skip: Sequence[bytes] = (),
    ) -> None:
        self.run = run
        self._clock = clock
        self._events = EventReader(run.events_path, skip)
        self._status: Status | None = None
        self._control: Control | None = None
        self._stamps: dict[str, tuple[int, int, int] | None] = {}
        self._beat_seen: float | None = None

    def poll(self) -> Update:
        """Return what is new; cheap enough for ten calls a second."""
        if self._changed("status", self.run.status_path):
            self._take_status(self.run.status())
        if self._changed("control", self.run.control_path):
            self._control = self.run.control()
        # The status is read before the events: an ended run has all its events on disk.
        events = self._events.read_new()
        age = self._heartbeat_age()
        gone = not self.run.exists  # a worker may have made the folder again, without a run
        state = State.GONE if gone else effective_state(self._status, age)
        unanswered = self._unanswered() if state.alive else None
        message = _message(self._status, state, age, unanswered, self.run)
        if self._events.cut and not gone:
            message = message or (
                f"{self.run.events_path} was cut short by something else: what was read before is "
                "shown, what was cut is lost."
            )
        return Update(events, self._status, state, age, unanswered, message)

    def _take_status(self, status: Status | None) -> None:
        if status is None:
            return
        if self._status is not None and status.heartbeat != self._status.heartbeat:
            self._beat_seen = self._clock()
        self._status = status

    def _heartbeat_age(self) -> float:
        # Clocks of two machines differ, so that an observed beat counts by our own clock.
        if self._status is None:
            return 0.0
        since = self._status.heartbeat if self._beat_seen is None else self._beat_seen
        return max(0.0, self._clock() - since)

    def _unanswered(self) -> float | None:
        control, status = self._control, self._status
        if control is None or status is None or control.revision <= status.control_revision:
            return None
        if status.state is State.STARTING and self._heartbeat_age() < UNANSWERED_S:
            return None  # importing PyTorch and reading data take long; its message says so
        waited = self._clock() - control.written
        return waited if waited > UNANSWERED_S else None

    def _changed(self, name: str, path: Path) -> bool:
        try:
            stat = path.stat()
            stamp = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        except FileNotFoundError:
            stamp = None
        changed = stamp != self._stamps.get(name)
        self._stamps[name] = stamp
        return changed


def effective_state(status: Status | None, heartbeat_age_s: float | None = None) -> State:
    """Return the state to show: `LOST` where a worker should be there but is not.

    Parameters
    ----------
    status : Status or None
        None if the worker has not said a word yet.
    heartbeat_age_s : float, optional
        Age of the heartbeat; default: by this machine's clock.
    """
    if status is None:
        return State.STARTING
    if not status.state.alive:
        return status.state
    age = time.time() - status.heartbeat if heartbeat_age_s is None else heartbeat_age_s
    if process.is_here(status):
        return State.LOST if age > OLD_HEARTBEAT_S and process.is_gone(status) else status.state
    return State.LOST if age > OLD_HEARTBEAT_ELSEWHERE_S else status.state


def _message(
    status: Status | None, state: State, age: float, unanswered: float | None, run: RunFolder
) -> str:
    if state is State.GONE:
        return (
            f"The folder of {run.name} is gone: deleted, renamed, or its disk is not there. What "
            "was read of it is still shown; attach another run in the dock Runs."
        )
    if status is None:
        return f"{run.name}: no worker has been started yet."
    if state is State.LOST:
        return (
            f"The worker of {run.name} is gone without a word (last sign {age:.0f} s ago); "
            f"resume from the last checkpoint, or read {run.log_path}."
        )
    if unanswered is not None:
        return (
            f"The worker has not answered the last command for {unanswered:.0f} s "
            f"(last sign {age:.0f} s ago)."
        )
    if state.alive and age > OLD_HEARTBEAT_S:
        return f"The worker runs, but has said nothing for {age:.0f} s."
    return status.message
