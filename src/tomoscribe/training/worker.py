"""The worker: `python -m tomoscribe.training.worker RUN` trains the run in that folder.

It speaks up before it imports torch, which takes seconds, and waits in the
queue without it.
"""

from __future__ import annotations

import gc
import os
import sys
import time
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import write_error
from tomoscribe.training.devices import choose, default_threads
from tomoscribe.training.events import Finished
from tomoscribe.training.failures import explain
from tomoscribe.training.reporter import Reporter
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import State
from tomoscribe.training.steering import Steering
from tomoscribe.training.turn import DeviceTurn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tomoscribe.tasks.base import Task


def main(arguments: Sequence[str] | None = None) -> int:
    """Train a run; return 0 when it finished or was stopped, 1 when it failed, 2 on wrong usage."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m tomoscribe.training.worker RUN\n")
        return 2
    return run_worker(RunFolder(arguments[0]))


def run_worker(run: RunFolder, task: Task | None = None) -> int:
    """Train a run in this process; return the exit code.

    Parameters
    ----------
    run : RunFolder
        A new run folder, with its configuration.
    task : Task, optional
        Instead of the one that the configuration names.
    """
    if not run.exists:
        sys.stderr.write(f"{run.path} is not a run folder: it has no config.yaml.\n")
        return 1
    status = run.status()
    if status is not None and status.pid not in (0, os.getpid()):
        sys.stderr.write(f"{run.path} was trained already; resume it as a new run.\n")
        return 1
    try:
        with Reporter(run) as reporter:
            return _report_failure(run, reporter, task)
    except (OSError, TomoscribeError) as error:
        told = write_error(run.path, error) if isinstance(error, OSError) else error
        sys.stderr.write(f"{told}\n")
        return 1


def _report_failure(run: RunFolder, reporter: Reporter, task: Task | None) -> int:
    try:
        _work(run, reporter, task)
    except Exception as error:  # noqa: BLE001  (whatever it is, the user must be told)
        traceback.print_exc()
        status = reporter.status
        failed = explain(error, run, status.step, status.device)
        reporter.say_last(failed, state=State.FAILED, message=failed.message)
        return 1
    return 0


def _work(run: RunFolder, reporter: Reporter, task: Task | None) -> None:
    settings = run.config().settings
    steering = Steering(run, reporter)
    turn = DeviceTurn(choose(settings.device), reporter, steering)
    with steering.listening(), turn:
        if not turn.wait(lambda: steering.stop_wanted):
            reporter.say_last(
                Finished(time=time.time(), reason="stop"),
                state=State.STOPPED,
                message="Stopped before it began.",
            )
            return
        reporter.update(state=State.STARTING, message="Loading PyTorch.")
        with _without_collecting():
            from tomoscribe.training.callbacks.session import train

        train(run, reporter, steering, turn, settings.threads or default_threads(), task)


@contextmanager
def _without_collecting() -> Iterator[None]:
    """Import without garbage collections: they go through all that PyTorch is, again and again.

    What is there afterwards stays for good, and is left out of later collections.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


if __name__ == "__main__":
    sys.exit(main())
