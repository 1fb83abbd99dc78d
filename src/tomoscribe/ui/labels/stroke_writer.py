"""Writes strokes in the order in which they were painted, off the viewer's thread."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QObject, Qt, Signal

if TYPE_CHECKING:
    from collections.abc import Callable


class StrokeWriter(QObject):
    """One thread, one queue: nothing is dropped or overtaken, unlike in `background`."""

    _ended = Signal(object, object)

    def __init__(self) -> None:
        super().__init__()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="tomoscribe-labels")
        self._under_way: set[Future[Any]] = set()
        queued = Qt.ConnectionType.QueuedConnection
        self._ended.connect(self._deliver, queued)  # type: ignore[call-arg]  # not in the stubs

    @property
    def busy(self) -> bool:
        """Whether something is still to be done."""
        return bool(self._under_way)

    def run(self, job: Callable[[], Any], then: Callable[[Future[Any]], None]) -> None:
        """Do a job after those before it, then call `then` with its future in this thread."""
        future = self._pool.submit(job)
        self._under_way.add(future)
        future.add_done_callback(lambda done: self._ended.emit(done, then))

    def flush(self) -> list[BaseException]:
        """Wait until all is done; return what went wrong meanwhile."""
        futures = list(self._under_way)
        wait(futures)
        return [error for error in (f.exception() for f in futures) if error is not None]

    def close(self) -> None:
        """Do what is left, then end the thread."""
        self._pool.shutdown(wait=True)

    def _deliver(self, future: Future[Any], then: Callable[[Future[Any]], None]) -> None:
        self._under_way.discard(future)
        then(future)
