"""Where a background prediction runs: on a GPU that no training has or wants, else on the CPU."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.training.devices import Device, choose
from tomoscribe.training.queue import DeviceQueue

if TYPE_CHECKING:
    from pathlib import Path


class PredictionDevice:
    """The device now, and why it is another one than was wanted.

    Parameters
    ----------
    wanted : str
        As in `devices.choose`.
    folder : Path
        The folder of predictions, as others in the queue see it.

    Attributes
    ----------
    device : Device
        Where to predict now; the CPU before `take`.
    why : str
        Half a sentence, empty where the wanted device is used.

    Raises
    ------
    TomoscribeError
        If there is no device of that name.
    """

    def __init__(self, wanted: str, folder: Path) -> None:
        self._wanted = choose(wanted)
        self._cpu = choose("cpu")
        self._folder = folder
        self._queue: DeviceQueue | None = None
        self._too_small = False
        self.device: Device = self._cpu
        self.why = ""

    @property
    def is_cpu(self) -> bool:
        """Whether the CPU is used, whatever was wanted."""
        return self.device == self._cpu

    def take(self) -> bool:
        """Take the wanted device if no training has or waits for it; return whether it changed."""
        if self._wanted == self._cpu or self._too_small or self._queue is not None:
            return False
        queue = DeviceQueue(self._wanted.name, self._folder)
        if queue.try_acquire():
            self._queue, self.device, self.why = queue, self._wanted, ""
            return True
        queue.release()
        self.why = f"on the CPU, since a training has {self._wanted.name}"
        return False

    def yield_to_training(self) -> bool:
        """Give the device back if a training waits for it; return whether one did."""
        if self._queue is None or not self._queue.awaited:
            return False
        self.give_back()
        self.why = f"on the CPU, since a training took {self._wanted.name}"
        return True

    def give_back(self) -> None:
        """Leave the device to others, without being asked; the CPU is used from then on."""
        if self._queue is not None:
            self._queue.release()
            self._queue = None
        self.device = self._cpu

    def avoid(self) -> None:
        """Do without the wanted device from now on: its memory is too small."""
        self.give_back()
        self._too_small = True
        self.why = f"on the CPU, since the memory of {self._wanted.name} was not enough"
