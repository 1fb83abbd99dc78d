"""A training's turn on its device: waited for with a word to the user, given back in a pause."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.training.follow import effective_state
from tomoscribe.training.queue import DeviceQueue
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomoscribe.training.devices import Device
    from tomoscribe.training.reporter import Reporter
    from tomoscribe.training.steering import Steering

QUEUE_POLL_S = 0.5


class DeviceTurn:
    """A context at whose end the device is free for others.

    Parameters
    ----------
    device : Device
        The device that is wanted.
    reporter, steering : Reporter, Steering
        The worker's mouth and ears.
    """

    def __init__(self, device: Device, reporter: Reporter, steering: Steering) -> None:
        self.device = device
        self._reporter = reporter
        self._steering = steering
        self._queue: DeviceQueue | None = None
        # Runs made one after the other are trained in that order, whoever starts up faster.
        self._since_ns: int | None = reporter.run.config_path.stat().st_mtime_ns

    def __enter__(self) -> DeviceTurn:
        return self

    def __exit__(self, *error: object) -> None:
        self.give_back()

    def wait(self, unless: Callable[[], bool]) -> bool:
        """Wait for the device; return False, out of the queue, where `unless` holds meanwhile."""
        never = threading.Event()
        told = ""
        queue = self._queue = self._queue or DeviceQueue(
            self.device.name, self._reporter.run.path, self._since_ns
        )
        elders = elders_of(self._reporter.run)
        self._steering.poll()
        while not unless():
            coming = next((run for run in elders if _is_starting(run)), None)
            if coming is None and queue.try_acquire():
                return True
            if coming is not None:
                message = f"Waiting for {coming.name}, which is about to begin."
            else:
                message = f"Waiting for {self.device.name}: {queue.holder() or 'another training'}"
                message += " has it."
            if message != told:
                told = message
                self._reporter.update(state=State.QUEUED, device=self.device.name, message=message)
            never.wait(QUEUE_POLL_S)
            self._steering.poll()
        self.give_back()
        return False

    def give_back(self) -> None:
        """Leave the device, or the queue, to others; waiting again begins at its end."""
        if self._queue is not None:
            self._queue.release()
            self._queue = self._since_ns = None


def elders_of(run: RunFolder) -> list[RunFolder]:
    """Return the runs of the same sweep that were made before this one and have not begun.

    They go first, even those that are not in the queue yet, because they start up slowly.
    """
    sweep = run.config().sweep
    if sweep is None:
        return []
    made = run.config_path.stat().st_mtime_ns
    found = []
    for path in run.path.parent.iterdir():
        other = RunFolder(path)
        try:
            is_elder = other.config().sweep == sweep and other.config_path.stat().st_mtime_ns < made
        except (OSError, TomoscribeError):  # no run, or one that goes away
            continue
        if is_elder:
            found.append(other)
    return found


def _is_starting(run: RunFolder) -> bool:
    status = run.status()  # none: made, but nobody has started it
    return status is not None and effective_state(status) is State.STARTING and run.exists
