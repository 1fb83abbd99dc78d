"""Errands to a disk that may stall: one after the other, in a thread that nobody waits for."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Errands:
    """Does what it is told in order; the end of the program does not wait for it."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._waiting: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._failed: queue.SimpleQueue[Exception] = queue.SimpleQueue()

    def run(self, errand: Callable[[], object]) -> None:
        """Have something done soon; returns at once."""
        self._waiting.put(errand)
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()

    def end(self) -> None:
        """End the thread after what it was told."""
        self._waiting.put(None)

    def raise_failure(self) -> None:
        """Raise what went wrong in the thread, if anything did."""
        if not self._failed.empty():
            raise self._failed.get()

    def _work(self) -> None:
        while (errand := self._waiting.get()) is not None:
            try:
                errand()
            except Exception as error:  # noqa: BLE001  (raised where somebody listens)
                self._failed.put(error)
