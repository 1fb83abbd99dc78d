"""The time of a training: without pauses, and which share of it went where."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class TrainingClock:
    """Counts the seconds of a training.

    Parameters
    ----------
    budget_s : float
        Seconds granted.
    elapsed_s : float
        Seconds that a parent run has used of them.
    now : callable
        A monotonic clock, in seconds.
    """

    def __init__(
        self, budget_s: float, elapsed_s: float = 0.0, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.budget_s = budget_s
        self._now = now
        self._before = elapsed_s
        self._started: float | None = None
        self._paused = 0.0
        self._spent: dict[str, float] = {}

    def start(self) -> None:
        """Begin to count."""
        self._started = self._now()

    @property
    def here_s(self) -> float:
        """Seconds of training in this process, without pauses."""
        return 0.0 if self._started is None else self._now() - self._started - self._paused

    @property
    def elapsed_s(self) -> float:
        """Seconds of training, those of a parent run included."""
        return self._before + self.here_s

    @property
    def over(self) -> bool:
        """Whether the budget is used up."""
        return self.elapsed_s >= self.budget_s

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Do not count what happens within."""
        began = self._now()
        try:
            yield
        finally:
            self._paused += self._now() - began

    @contextmanager
    def spend(self, purpose: str) -> Iterator[None]:
        """Count what happens within as spent on `purpose`."""
        began = self._now()
        try:
            yield
        finally:
            self._spent[purpose] = self.spent(purpose) + self._now() - began

    def spent(self, purpose: str) -> float:
        """Return the seconds spent on `purpose` in this process."""
        return self._spent.get(purpose, 0.0)
