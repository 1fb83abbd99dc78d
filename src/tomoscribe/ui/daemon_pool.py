"""One thread for reading that never holds up the end of the program, whatever it waits for."""

from __future__ import annotations

import threading
import weakref
from concurrent.futures import Executor, Future
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Job = tuple[Future[Any], "Callable[[], Any]"]


class DaemonPool(Executor):
    """An executor with one daemon thread.

    Python waits at its end for the threads of its own executors. A read of a network folder that
    stalls would keep the process of a closed viewer for as long; this one is left behind. It is
    not for writing, which must come to its end.
    """

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        weakref.finalize(self, self._jobs.put, None)  # the thread ends with who forgot to end it

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run a job after those before it."""
        future: Future[Any] = Future()
        self._jobs.put((future, lambda: fn(*args, **kwargs)))
        if self._thread is None:
            self._thread = threading.Thread(
                target=_work, args=(self._jobs,), name="tomoscribe-read", daemon=True
            )
            self._thread.start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let the thread end after the jobs that it has; nobody waits for it."""
        self._jobs.put(None)


def _work(jobs: SimpleQueue[Job | None]) -> None:
    while (job := jobs.get()) is not None:
        future, call = job
        if not future.set_running_or_notify_cancel():
            continue
        try:
            answer = call()
        except BaseException as error:  # noqa: BLE001  (it is the future's to tell)
            future.set_exception(error)
        else:
            future.set_result(answer)
            del answer
        del future, call, job  # not held while it waits: they hold answers, and this pool
