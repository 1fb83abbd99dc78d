"""What the worker hears: the control file and signals of the system, and its answer to them."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tomoscribe.training.control import Control

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from tomoscribe.training.reporter import Reporter
    from tomoscribe.training.run import RunFolder

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Steering:
    """Reads the control whenever it changes, and acknowledges it; any thread may poll.

    Parameters
    ----------
    run : RunFolder
        The run to watch.
    reporter : Reporter
        Where the control's revision is acknowledged.
    """

    def __init__(self, run: RunFolder, reporter: Reporter) -> None:
        self._run = run
        self._reporter = reporter
        self._stamp: tuple[int, int] | None = None
        self._signalled = False
        self._lock = threading.Lock()
        self.control = Control()

    def listen(self) -> None:
        """Take a terminate or interrupt signal for the wish to stop; in the main thread only."""
        for number in SIGNALS:
            signal.signal(number, self._on_signal)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen to signals within, then leave them as they were."""
        before = {number: signal.getsignal(number) for number in SIGNALS}
        self.listen()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def poll(self) -> Control:
        """Return the newest control; costs microseconds where nothing changed."""
        try:
            stat = self._run.control_path.stat()
        except FileNotFoundError:
            return self.control
        stamp = (stat.st_mtime_ns, stat.st_ino)
        with self._lock:
            if stamp != self._stamp:
                self._stamp = stamp
                self.control = self._run.control()
                self._reporter.update(control_revision=self.control.revision)
            return self.control

    @property
    def stop_wanted(self) -> bool:
        """Whether the user or the system wants an end, as of the last poll."""
        return self._signalled or self.control.desired == "stop"

    @property
    def pause_wanted(self) -> bool:
        """Whether the user wants a pause, as of the last poll."""
        return self.control.desired == "pause" and not self._signalled

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._signalled = True
