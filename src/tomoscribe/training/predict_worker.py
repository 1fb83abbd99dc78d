"""Background predictions: `python -m tomoscribe.training.predict_worker FOLDER` fulfils wishes.

It speaks up before it imports torch, gives way to everything else on the machine, and ends by
itself: when asked to, when it was idle for long, when its folder is gone, or its owner.
"""

from __future__ import annotations

import shutil
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING

import psutil

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import write_error
from tomoscribe.training.devices import default_threads
from tomoscribe.training.events import Finished
from tomoscribe.training.failures import explain
from tomoscribe.training.prediction_device import PredictionDevice
from tomoscribe.training.prediction_disk import prune
from tomoscribe.training.prediction_folder import PredictionControl, PredictionFolder
from tomoscribe.training.reporter import Reporter
from tomoscribe.training.status import State
from tomoscribe.training.steering import Steering

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tomoscribe.tasks.base import Task

LOOK_S = 0.05
"""Between two looks at the control file while nothing is wanted."""

OWNER_S = 1.0
"""Between two looks whether the owner is there."""

NICE = 10
"""A training of the same machine keeps nine tenths of a core that both want."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Fulfil the wishes of a folder; return 0 at the end, 1 where it failed, 2 on wrong usage."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m tomoscribe.training.predict_worker FOLDER\n")
        return 2
    give_way()
    return run_predictions(PredictionFolder(arguments[0]))


def give_way() -> None:
    """Let everything else on the machine go first."""
    if sys.platform == "win32":
        psutil.Process().nice(psutil.BELOW_NORMAL_PRIORITY_CLASS)
    else:
        psutil.Process().nice(NICE)


def run_predictions(folder: PredictionFolder, task_of: Callable[[Path], Task] | None = None) -> int:
    """Fulfil wishes in this process until an end is wanted; return the exit code.

    Parameters
    ----------
    folder : PredictionFolder
        Of a process of its own.
    task_of : callable, optional
        Tells the task of a checkpoint file, instead of the table of tasks.
    """
    if not folder.exists:
        sys.stderr.write(f"{folder.path} is no folder of predictions: it has no control.json.\n")
        return 1
    try:
        with Reporter(folder) as reporter:
            return _report_failure(folder, reporter, task_of)
    except (OSError, TomoscribeError) as error:
        if not folder.exists:
            _sweep(folder)
            return 0
        told = write_error(folder.path, error) if isinstance(error, OSError) else error
        sys.stderr.write(f"{told}\n")
        return 1


def _report_failure(
    folder: PredictionFolder, reporter: Reporter, task_of: Callable[[Path], Task] | None
) -> int:
    try:
        reason = _work(folder, reporter, task_of)
    except Exception as error:  # noqa: BLE001  (whatever it is, the user must be told)
        if not folder.exists:
            _sweep(folder)
            return 0
        traceback.print_exc()
        failed = explain(error, folder, 0, reporter.status.device)
        reporter.say_last(failed, state=State.FAILED, message=failed.message)
        return 1
    if folder.exists:
        reporter.say_last(Finished(time=time.time(), reason=reason), state=State.FINISHED)
    else:
        _sweep(folder)
    return 0


def _sweep(folder: PredictionFolder) -> None:
    """Remove what was written into a folder while somebody deleted it."""
    ours = (folder.control_path, folder.status_path, folder.events_path)
    if not any(path.exists() for path in ours):
        shutil.rmtree(folder.path, ignore_errors=True)


def _work(
    folder: PredictionFolder, reporter: Reporter, task_of: Callable[[Path], Task] | None
) -> str:
    """Fulfil wishes; return why it ends."""
    steering = Steering(folder, reporter)
    with steering.listening():
        steering.poll()
        control = folder.control()
        device = PredictionDevice(control.device, folder.path)
        if control.keep_bytes is not None:
            prune(folder.project, control.keep_bytes)
        reporter.update(message="Loading PyTorch.")
        import torch

        from tomoscribe.tasks import table
        from tomoscribe.training.prediction_models import PredictionModels
        from tomoscribe.training.prediction_planner import PredictionPlanner

        torch.set_num_threads(control.threads or default_threads())
        models = PredictionModels(folder.project, task_of or table.task_of)
        planner = PredictionPlanner(folder, reporter, models, device)
        reporter.update(state=State.RUNNING, message="")
        watch = _Watch(folder, steering)
        never = threading.Event()
        try:
            while not (reason := watch.why_end()):
                if planner.work(watch.control):
                    watch.busy()
                else:
                    never.wait(LOOK_S)
        finally:
            device.give_back()
        return reason


class _Watch:
    """What is wanted, and whether an end is."""

    def __init__(self, folder: PredictionFolder, steering: Steering) -> None:
        self._folder = folder
        self._steering = steering
        self._busy = self._looked = time.monotonic()
        self.control = PredictionControl()

    def busy(self) -> None:
        """Note that something was done."""
        self._busy = time.monotonic()

    def why_end(self) -> str:
        """Return why to end: stop, gone, owner or idle; empty as long as there is no reason."""
        control = self._steering.poll()
        if isinstance(control, PredictionControl):
            self.control = control
        now = time.monotonic()
        if self._steering.stop_wanted:
            return "stop"
        if not self._folder.exists:
            return "gone"
        if now - self._looked > OWNER_S:
            self._looked = now
            if self.control.owner.is_gone:
                return "owner"
        return "idle" if now - self._busy > self.control.idle_s else ""


if __name__ == "__main__":
    sys.exit(main())
