"""Starting, stopping, pausing and resuming trainings from outside; never imports torch."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.file import RUNS_FOLDER
from tomoscribe.training import process
from tomoscribe.training.follow import effective_state
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import State, Status

if TYPE_CHECKING:
    from tomoscribe.project.source import DataSource
    from tomoscribe.training.config import RunConfig
    from tomoscribe.training.control import Control

STOP_S = 10.0
"""A worker has this long to write its checkpoint and go."""

TERMINATE_S = 3.0
"""After the terminate signal, before it is killed."""

POLL_S = 0.05

__all__ = [
    "RunInfo",
    "effective_state",
    "kill",
    "launch",
    "list_runs",
    "pause",
    "request_stop",
    "resume_as_child",
    "resume_in_place",
    "retry_with_half_batch",
    "run_info",
    "start",
    "stop",
]


@dataclass(frozen=True)
class RunInfo:
    """A line of the list of runs; `best_score` is None without a validation.

    Where the run cannot be read (damaged, of a newer version) `task` is empty and `message`
    says why.
    """

    run: RunFolder
    task: str
    state: State
    step: int
    best_score: float | None
    heartbeat: float
    message: str


def launch(
    config: RunConfig,
    runs_dir: str | os.PathLike[str],
    name: str | None = None,
    control: Control | None = None,
) -> RunFolder:
    """Make a run folder and start its worker, detached: it outlives this process.

    Parameters
    ----------
    config : RunConfig
        What to train; relative paths are taken from the current folder.
    runs_dir : path
        Folder of the runs, usually that of the project.
    name : str, optional
        Name of the run; default: date, task and a number.
    control : Control, optional
        What the worker finds first: where the user looks, samples to preview.

    Raises
    ------
    TomoscribeError
        If the folder cannot be made.
    """
    config = config.model_copy(update={"data": _absolute(config.data)})
    run = RunFolder.create(runs_dir, config, name)
    if control is not None:
        wishes = msgspec.structs.asdict(control)
        for counted in ("revision", "written", "focus_revision"):
            wishes.pop(counted)
        run.write_control(**wishes)
    start(run)
    return run


def start(run: RunFolder) -> int:
    """Start the worker of a new run folder; return its pid."""
    threads = run.config().settings.threads
    environment = {"PYTHONUNBUFFERED": "1"} | ({"OMP_NUM_THREADS": str(threads)} if threads else {})
    try:
        # Before the process, so that a worker that never speaks is found lost, not forgotten.
        host = process.this_process()[2]
        run.write_status(Status(host=host, heartbeat=time.time(), message="Starting the worker."))
        return process.start_worker(run.path, run.log_path, environment)
    except OSError as error:
        raise TomoscribeError(f"The worker of {run.path} could not be started: {error}.") from error


def request_stop(run: RunFolder) -> None:
    """Ask the worker to write a checkpoint and go; returns at once."""
    run.write_control(desired="stop")


def pause(run: RunFolder) -> None:
    """Ask the worker to free the device and wait."""
    run.write_control(desired="pause")


def resume_in_place(run: RunFolder) -> None:
    """Let a paused worker go on."""
    run.write_control(desired="run")


def stop(run: RunFolder, timeout: float = STOP_S) -> State:
    """Stop a run and wait for its end: ask, then terminate, then kill.

    Parameters
    ----------
    run : RunFolder
        Any run; one that has ended is left alone.
    timeout : float
        Seconds to wait for the worker's own end before it is terminated.

    Returns
    -------
    State
        As it is then. A worker on another machine can only be asked.
    """
    if not _state(run).alive:
        return _state(run)
    request_stop(run)
    if _wait_for_end(run, timeout) or not _is_here(run):
        return _state(run)
    _signal(run, signal.SIGTERM)
    if not _wait_for_end(run, TERMINATE_S):
        kill(run)
    return _state(run)


def kill(run: RunFolder) -> None:
    """End the worker's process at once, on this machine; what is on disk stays."""
    status = run.status()
    if status is None or not status.state.alive:
        return
    _signal(run, signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    deadline = time.monotonic() + TERMINATE_S
    while not process.is_gone(status) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    status = run.status() or status
    if process.is_gone(status) and status.state.alive:
        message = (
            "Killed, as it did not stop by itself; it can be resumed from its last checkpoint."
        )
        run.write_status(msgspec.structs.replace(status, state=State.STOPPED, message=message))


def resume_as_child(run: RunFolder, *, settings: dict[str, object] | None = None) -> RunFolder:
    """Start a new run that goes on exactly where this one ended.

    Optimizer, averaged weights, random state and step are those of the last
    checkpoint; a run that had none yet begins anew.

    Parameters
    ----------
    run : RunFolder
        A run that has ended or is lost.
    settings : dict, optional
        Settings to change, such as `max_minutes`, which counts what the run had; without it a run
        that has used its time up gets as much again.

    Raises
    ------
    TomoscribeError
        If the run is still going on, or had those minutes already.
    """
    if _state(run).alive:
        raise TomoscribeError(f"The run {run.name} is still going on; stop it before resuming it.")
    _require_time_left(run, (settings or {}).get("max_minutes"))
    config = run.config()
    values = {**config.settings.model_dump(), **_planned(config)}
    for key, value in (settings or {}).items():
        # Settings of one task lie in a group of their own, of which only some are changed.
        values[key] = {**values[key], **value} if isinstance(value, dict) else value
    changed = config.settings.model_validate(values)
    child = config.model_copy(
        update={
            "settings": changed,
            "parent": run.name,
            "parent_checkpoint": None,
            "start_from": None,  # the parent has learnt since
            "data_hashes": {},
            "plan": {},
        }
    )
    return launch(child, run.path.parent)


def _require_time_left(run: RunFolder, max_minutes: object) -> None:
    if not isinstance(max_minutes, int | float):
        return
    had = run.trained_s() / 60
    if 0 < max_minutes <= had:
        raise TomoscribeError(
            f"{run.name} has trained for {had:.2f} minutes, and max_minutes {max_minutes:g} counts "
            "these too: give more, or leave it out to train as long again."
        )


def retry_with_half_batch(run: RunFolder) -> RunFolder:
    """Start a run like this one from the beginning with half the batch: the answer to "oom".

    Raises
    ------
    TomoscribeError
        If the batch is not known or cannot be halved.
    """
    config = run.config()
    batch = config.settings.batch or config.plan.get("batch")
    if not isinstance(batch, int) or batch < 2:
        raise TomoscribeError(
            f"The batch of {run.name} cannot be halved; "
            "set a smaller patch or width, or another device."
        )
    settings = config.settings.model_copy(update={"batch": batch // 2})
    again = config.model_copy(update={"settings": settings, "data_hashes": {}, "plan": {}})
    return launch(again, run.path.parent)


def runs_below(folder: str | os.PathLike[str]) -> list[RunFolder]:
    """Return the runs in a folder's `runs`, else those in the folder itself, oldest first."""
    return run_folders(Path(folder) / RUNS_FOLDER) or run_folders(folder)


def run_folders(runs_dir: str | os.PathLike[str]) -> list[RunFolder]:
    """Return the runs of a folder, oldest first; nothing of them is read."""
    try:
        with os.scandir(runs_dir) as entries:
            inside = [e.path for e in entries if e.is_dir() and not e.name.startswith(".")]
    except (FileNotFoundError, NotADirectoryError):
        return []
    runs = [run for run in map(RunFolder, sorted(inside)) if run.exists]
    return sorted(runs, key=lambda run: run.config_path.stat().st_ctime)


def list_runs(runs_dir: str | os.PathLike[str]) -> list[RunInfo]:
    """Return the runs of a folder, oldest first; folders that are no runs are passed over."""
    return [run_info(run) for run in run_folders(runs_dir)]


def run_info(run: RunFolder) -> RunInfo:
    """Return the line of one run; one that cannot be read has a line that says so."""
    status = run.status()
    state = effective_state(status)
    told = "" if status is None else status.message
    task, scores = "", []
    try:
        task = run.config().task
        scores = [c.score for c in run.checkpoints() if c.best]
    except TomoscribeError as error:
        state, told = (State.FAILED if status is None else state), str(error)
    return RunInfo(
        run=run,
        task=task,
        state=state,
        step=0 if status is None else status.step,
        best_score=scores[0] if scores else None,
        heartbeat=0.0 if status is None else status.heartbeat,
        message=told,
    )


def _planned(config: RunConfig) -> dict[str, object]:
    """Return what was left to the plan as it chose it: weights fit no other network."""
    left = {name for name, value in config.settings if value in (None, "auto")}
    return {name: config.plan[name] for name in left & config.plan.keys()}


def _absolute(source: DataSource) -> DataSource:
    paths = {name: getattr(source, name) for name in ("path", "images", "coordinates")}
    update: dict[str, object] = {n: Path(p).absolute() for n, p in paths.items() if p is not None}
    return source.model_copy(update={**update, "voxels": source.voxels.absolute()})


def _state(run: RunFolder) -> State:
    return effective_state(run.status())


def _is_here(run: RunFolder) -> bool:
    status = run.status()
    return status is None or process.is_here(status)


def _signal(run: RunFolder, number: signal.Signals) -> None:
    status = run.status()
    if status is not None:
        process.send_signal(status, number)


def _wait_for_end(run: RunFolder, timeout: float) -> bool:
    """Wait until the worker has ended and its process is gone, where that can be seen."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        status = run.status()
        if status is not None and _has_ended(status):
            return True
        time.sleep(POLL_S)
    return False


def _has_ended(status: Status) -> bool:
    if status.pid == 0:  # it is only just being started
        return False
    return process.is_gone(status) if process.is_here(status) else not status.state.alive
