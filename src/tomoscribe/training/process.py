"""Worker processes: starting one that outlives its starter, and knowing whether it is there."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import signal
    from pathlib import Path

    from tomoscribe.training.status import Status

START_TOLERANCE_S = 2.0
"""Start times of one process may be told this far apart; a reused pid differs by more."""

_children: list[subprocess.Popen[bytes]] = []
"""Processes begun here: the system keeps their ids until they are waited for."""


def start_worker(
    run_path: Path,
    log_path: Path,
    environment: dict[str, str],
    module: str = "tomoscribe.training.worker",
) -> int:
    """Start `python -m MODULE RUN`, detached; return its pid.

    It has its own session, no terminal, and writes its output to `log_path`.
    """
    command = [sys.executable, "-m", module, str(run_path.absolute())]
    options: dict[str, object] = {"start_new_session": True}
    if sys.platform == "win32":
        options = {
            "creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        }
    with log_path.open("ab") as log:
        child = subprocess.Popen(  # type: ignore[call-overload]
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            close_fds=True,
            **options,
        )
    _children.append(child)
    return int(child.pid)


def this_process() -> tuple[int, float, str]:
    """Return pid, start time and host of this process."""
    return os.getpid(), psutil.Process().create_time(), socket.gethostname()


def is_here(status: Status) -> bool:
    """Return whether the worker runs (or ran) on this machine."""
    return status.host == socket.gethostname()


def is_gone(status: Status) -> bool:
    """Return whether the worker's process is known to have ended; False for other machines."""
    return is_here(status) and _process(status) is None


def send_signal(status: Status, number: signal.Signals) -> bool:
    """Send a signal to the worker; return whether it was there to get it."""
    process = _process(status) if is_here(status) else None
    if process is None:
        return False
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return False
    return True


def _process(status: Status) -> psutil.Process | None:
    """Return the worker's process unless it has ended, or its id belongs to another by now."""
    for child in list(_children):
        if child.poll() is not None:
            _children.remove(child)
    if status.pid == 0:
        return None
    try:
        process = psutil.Process(status.pid)
        if abs(process.create_time() - status.process_started) > START_TOLERANCE_S:
            return None
        return None if process.status() == psutil.STATUS_ZOMBIE else process
    except psutil.NoSuchProcess:
        return None
