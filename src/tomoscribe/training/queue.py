"""One training at a time on a device of this machine; the others wait their turn."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec
from filelock import FileLock, Timeout

from tomoscribe.io.atomic import write_text_atomic
from tomoscribe.training import process
from tomoscribe.training.devices import state_dir
from tomoscribe.training.status import Status

if TYPE_CHECKING:
    from pathlib import Path


class _Ticket(msgspec.Struct, frozen=True, kw_only=True):
    """A run that waits for the device or holds it."""

    run: str
    pid: int
    process_started: float
    host: str


class DeviceQueue:
    """A place in the queue of one device.

    The device is held by a lock of the operating system, which a killed worker
    gives back by itself; tickets only tell who comes next, and whom one waits for.

    Parameters
    ----------
    device : str
        As in `devices.Device.name`.
    run_path : Path
        The run that wants it.
    since_ns : int, optional
        Since when it waits, nanoseconds since the epoch; default: since now. Who waits longer
        goes first.
    """

    def __init__(self, device: str, run_path: Path, since_ns: int | None = None) -> None:
        self._folder = state_dir() / "queue" / f"{socket.gethostname()}_{device.replace(':', '_')}"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._lock = FileLock(self._folder / "device.lock")
        pid, started, host = process.this_process()
        self._ticket = self._folder / f"{since_ns or time.time_ns():020d}_{pid}.json"
        ticket = _Ticket(run=str(run_path), pid=pid, process_started=started, host=host)
        write_text_atomic(self._ticket, msgspec.json.encode(ticket).decode())

    def __enter__(self) -> DeviceQueue:
        return self

    def __exit__(self, *error: object) -> None:
        self.release()

    def try_acquire(self) -> bool:
        """Take the device if it is free and nobody came earlier; return whether it is held now."""
        if self._lock.is_locked:
            return True
        if self._waiting_for() is not None:
            return False
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        return True

    def holder(self) -> str:
        """Return the folder of the run that is waited for; empty where it cannot be told."""
        ticket = self._waiting_for()
        return "" if ticket is None else ticket.run

    @property
    def awaited(self) -> bool:
        """Whether somebody else waits for the device, which is held."""
        return any(self._live(path) for path in self._tickets() if path != self._ticket)

    def release(self) -> None:
        """Leave the queue, or give the device back."""
        self._ticket.unlink(missing_ok=True)
        self._lock.release()

    def _waiting_for(self) -> _Ticket | None:
        """Return the newest live ticket before ours: its run ends or begins before us."""
        earlier = [path for path in self._tickets() if path.name < self._ticket.name]
        return next((t for path in reversed(earlier) if (t := self._live(path))), None)

    def _tickets(self) -> list[Path]:
        return sorted(self._folder.glob("*.json"))

    def _live(self, path: Path) -> _Ticket | None:
        """Return a ticket whose process lives; that of a dead one is removed."""
        ticket = _read_ticket(path)
        if ticket is None:
            return None
        status = Status(pid=ticket.pid, process_started=ticket.process_started, host=ticket.host)
        if not process.is_gone(status):
            return ticket
        with suppress(FileNotFoundError):
            os.unlink(path)
        return None


def _read_ticket(path: Path) -> _Ticket | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Ticket)
    except (FileNotFoundError, msgspec.DecodeError):
        return None
