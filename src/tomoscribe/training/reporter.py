"""What a worker says: its status, with a heartbeat from a thread of its own, and its events."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import TYPE_CHECKING

import msgspec

from tomoscribe.errors import TomoscribeError
from tomoscribe.training import process
from tomoscribe.training.events import Event, Warning_
from tomoscribe.training.status import HEARTBEAT_S, State, Status

if TYPE_CHECKING:
    from types import TracebackType

    from tomoscribe.training.run import RunFolder

RESERVE_BYTES = 1 << 16
"""Kept on disk for the last words, so that a full disk can be told."""


class Reporter:
    """Writes the status and the events of a run; a context in which the heart beats.

    Parameters
    ----------
    run : RunFolder
        The worker's own run.

    Raises
    ------
    OSError
        On entering, if the run folder cannot be written to.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run = run
        pid, started, host = process.this_process()
        self._status = Status(pid=pid, process_started=started, host=host)
        self._lock = threading.Lock()
        self._events = threading.Lock()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)
        self._reserve = run.reserve_path

    def __enter__(self) -> Reporter:
        self.update(state=State.STARTING, message="Starting.")
        self._reserve.write_bytes(
            os.urandom(RESERVE_BYTES)
        )  # compressed file systems store no zeros
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._reserve.unlink(missing_ok=True)

    @property
    def status(self) -> Status:
        """What was last said."""
        return self._status

    def note(self, **fields: object) -> None:
        """Change fields of the status; they are written with the next heartbeat."""
        with self._lock:
            self._status = msgspec.structs.replace(self._status, **fields)

    def update(self, **fields: object) -> None:
        """Change fields of the status and write it at once."""
        self.note(**fields)
        self._write()

    def emit(self, event: Event) -> None:
        """Append an event; any thread may."""
        with self._events:
            self.run.append_event(event)

    def warn(self, message: str) -> None:
        """Tell the user something; the training goes on."""
        self.emit(Warning_(time=time.time(), step=self._status.step, message=message))

    def say_last(self, event: Event, **fields: object) -> None:
        """Say how it ended, with the space that was kept for it where the disk is full.

        The event first: who reads that a run has ended has all its events.
        """
        self._ended.set()
        self._reserve.unlink(missing_ok=True)
        try:
            self.emit(event)
        finally:
            self.update(**fields)

    def _beat(self) -> None:
        while not self._ended.wait(HEARTBEAT_S):
            try:
                self._write()
            except (
                OSError,
                TomoscribeError,
            ) as error:
                # Not the end: the training meets the same disk and tells.
                sys.stderr.write(f"The status cannot be written: {error}\n")

    def _write(self) -> None:
        with self._lock:
            self._status = msgspec.structs.replace(self._status, heartbeat=time.time())
            self.run.write_status(self._status)
