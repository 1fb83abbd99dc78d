"""How long each turn of the viewer's event loop takes, and on whose account.

A thread looks every few milliseconds where the GUI thread is, and books the CPU time since the
last look on whoever is innermost there: this program, napari and its libraries when this program
called them, or napari and Qt by themselves (laying out and painting our widgets in C++ is among
that). What OpenGL's drawing calls take is booked apart: without a graphics card they run on the
processor. A look comes a few milliseconds late where the thread does not let go of Python.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

LOOK_S = 0.002

OURS, CALLED, OTHERS, DRAWING = "ours", "called by us", "napari and Qt", "drawing"
Account = Literal["ours", "called by us", "napari and Qt", "drawing"]

DRAWS = {"glDrawArrays", "glDrawElements", "glClear", "glReadPixels", "glFinish", "glLinkProgram"}
"""Calls that a processor works on where there is no graphics card."""

HANDS = ("tomoscribe.ui.demo_hands",)
"""Stands for the user: what its events cause is not called by this program."""

LIBRARIES = ("napari", "vispy", "pyqtgraph", "superqt", "app_model", "psygnal", "qtpy")
"""Whoever calls these waits for the viewer, not for this program's own work."""


@dataclass
class Turn:
    """One turn of the loop: CPU seconds by account, and by line of this program."""

    flow: str
    by: Counter[str] = field(default_factory=Counter)
    lines: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> float:
        """CPU seconds without drawing."""
        return sum(seconds for account, seconds in self.by.items() if account != DRAWING)

    @property
    def blamed(self) -> float:
        """CPU seconds of this program and of what it called."""
        return self.by[OURS] + self.by[CALLED]

    @property
    def culprit(self) -> str:
        """The line of this program on which most of it is booked."""
        return self.lines.most_common(1)[0][0] if self.lines else ""


class StallWatch:
    """Books the CPU time of the thread that makes it, turn by turn."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []
        self.flow = ""
        self._thread = threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self._thread)
        self._turn: Turn | None = None
        self._last = 0.0
        self._where: tuple[Account, str] = (OTHERS, "")
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._looker = threading.Thread(target=self._run, daemon=True)
        self._looker.start()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Count what is done within as one turn of the loop; inner turns belong to it."""
        if self._turn is not None:
            yield
            return
        with self._lock:
            self._turn = Turn(self.flow)
            self._where = (OTHERS, "")
            self._last = time.clock_gettime(self._clock)
        try:
            yield
        finally:
            with self._lock:
                self._book(*self._where)  # nobody looks at the last milliseconds
                self.turns.append(self._turn)
                self._turn = None

    def close(self) -> None:
        """Look no more."""
        self._ended.set()
        self._looker.join()

    def _run(self) -> None:
        while not self._ended.wait(LOOK_S):
            with self._lock:
                if self._turn is not None:
                    frame = sys._current_frames().get(self._thread)
                    if frame is not None:
                        self._where = account_of(frame)
                        self._book(*self._where)

    def _book(self, account: Account, line: str) -> None:
        now = time.clock_gettime(self._clock)
        spent, self._last = now - self._last, now
        assert self._turn is not None
        self._turn.by[account] += spent
        if line and account != DRAWING:
            self._turn.lines[line] += spent


def account_of(frame: FrameType | None) -> tuple[Account, str]:
    """Return on whose account a stack is, and the innermost line of this program on it."""
    innermost = ""
    while frame is not None:
        code = frame.f_code
        module = frame.f_globals.get("__name__", "")
        package = module.partition(".")[0]
        if code.co_name in DRAWS:
            return DRAWING, ""
        if not innermost and package in LIBRARIES:
            innermost = package
        if package == "tomoscribe" and module not in HANDS:
            line = f"{module}:{code.co_qualname}"
            return (CALLED if innermost else OURS), line
        frame = frame.f_back
    return OTHERS, ""
