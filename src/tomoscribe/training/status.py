"""`status.json`: what the worker says of itself, replaced atomically every two seconds."""

from __future__ import annotations

from enum import StrEnum

import msgspec

HEARTBEAT_S = 2.0
"""The worker replaces its status at least this often."""

OLD_HEARTBEAT_S = 15.0
"""A heartbeat older than this means that something is wrong on this machine."""

OLD_HEARTBEAT_ELSEWHERE_S = 60.0
"""The same for a worker on another machine: network file systems show changes late."""


class State(StrEnum):
    """States of a run.

    Two are never written, readers conclude them: `LOST` from an old heartbeat, `GONE` where the
    folder that was followed is not there any more.
    """

    STARTING = "starting"
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    STOPPING = "stopping"
    FINISHED = "finished"
    STOPPED = "stopped"
    FAILED = "failed"
    LOST = "lost"
    GONE = "gone"

    @property
    def alive(self) -> bool:
        """Whether a worker should be there."""
        return self in ALIVE


ALIVE = frozenset({State.STARTING, State.QUEUED, State.RUNNING, State.PAUSED, State.STOPPING})


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's state.

    Parameters
    ----------
    state : State
        See `launch.effective_state` for what to show.
    pid, process_started, host : int, float, str
        The process: its id (0: not started yet), its start in seconds since the epoch, its machine.
    device, memory_bytes : str, int
        Device of the training and that device's memory.
    heartbeat : float
        When this was written, seconds since the epoch on the worker's machine.
    step, elapsed_s, budget_s : int, float, float
        Optimizer steps done, seconds of training without pauses, seconds granted.
    control_revision : int
        The newest control that the worker has obeyed.
    labels_used, labels_total, labels_revision : int
        Clicks in use, clicks there are, revision of the project that they were read at.
    labels_wait : bool
        There are newer labels, which the control says not to take.
    message : str
        One sentence for the user, empty if there is nothing to say.
    """

    state: State = State.STARTING
    pid: int = 0
    process_started: float = 0.0
    host: str = ""
    device: str = ""
    memory_bytes: int = 0
    heartbeat: float = 0.0
    step: int = 0
    elapsed_s: float = 0.0
    budget_s: float = 0.0
    control_revision: int = 0
    labels_used: int = 0
    labels_total: int = 0
    labels_revision: int = 0
    labels_wait: bool = False
    message: str = ""
