"""Work of seconds off the GUI thread, with only the newest answer delivered back in it."""

from __future__ import annotations

import contextlib
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from qtpy.QtCore import QObject, Qt, Signal

from tomoscribe.errors import TomoscribeError
from tomoscribe.ui.daemon_pool import DaemonPool

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def sentence_of(error: BaseException) -> str:
    """Return what the user is told of an error; one that is a defect of ours is raised again."""
    if not isinstance(error, TomoscribeError | OSError):
        raise error
    return str(error)


class Background(QObject):
    """One worker thread; a new job makes the answer of an older one unwanted.

    napari's own thread workers are not used: closing the viewer would ask about each of them.

    Parameters
    ----------
    parent : QObject, optional
        Ends with it.
    reads_only : bool
        The jobs only read, so that the program's end need not wait for one that stalls.
    """

    _finished = Signal(int, object)

    def __init__(self, parent: QObject | None = None, *, reads_only: bool = False) -> None:
        super().__init__(parent)
        self._pool: Executor = (
            DaemonPool()
            if reads_only
            else ThreadPoolExecutor(max_workers=1, thread_name_prefix="tomoscribe-ui")
        )
        self._ticket = 0
        self._future: Future[Any] | None = None
        self._then: Callable[[Any], None] | None = None
        self._failed: Callable[[BaseException], None] | None = None
        self._open = True
        # Queued also within one thread, so that an answer never comes before `run` returns.
        queued = Qt.ConnectionType.QueuedConnection
        self._finished.connect(self._deliver, queued)  # type: ignore[call-arg]  # not in the stubs

    @property
    def busy(self) -> bool:
        """Whether an answer is still to come."""
        return self._then is not None

    def run(
        self,
        job: Callable[[], T],
        then: Callable[[T], None],
        failed: Callable[[BaseException], None] | None = None,
    ) -> None:
        """Run `job` in the thread, then `then(answer)` here; a later call drops this answer.

        An error goes to `failed` if given, else it is raised here, where napari shows it.
        """
        if not self._open:
            return
        self.drop()
        ticket = self._ticket
        self._then, self._failed = then, failed
        self._future = self._pool.submit(job)
        self._future.add_done_callback(lambda future: self._announce(ticket, future))

    def drop(self) -> None:
        """Forget the job under way."""
        self._ticket += 1
        self._then = None
        if self._future is not None:
            self._future.cancel()
            self._future = None

    def close(self) -> None:
        """Deliver nothing any more and let the thread end."""
        self._open = False
        self.drop()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _announce(self, ticket: int, future: Future[Any]) -> None:
        # Runs in the worker thread; the signal is queued to the GUI thread.
        if self._open and not future.cancelled():
            with contextlib.suppress(RuntimeError):  # the window went away meanwhile
                self._finished.emit(ticket, future)

    def _deliver(self, ticket: int, future: Future[Any]) -> None:
        if ticket != self._ticket or self._then is None:
            return
        then, self._then = self._then, None
        self._future = None  # it holds the answer, which may be large
        error = future.exception()
        if error is None:
            then(future.result())
        elif self._failed is not None:
            self._failed(error)
        else:
            raise error
