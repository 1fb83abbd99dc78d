"""Keeps the list of a project's runs up to date, off the GUI thread, however slow the folder is."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import QTimer

from tomoscribe.errors import TomoscribeError
from tomoscribe.training.run import RunFolder
from tomoscribe.training.run_summary import size_on_disk
from tomoscribe.training.run_table import RunTable
from tomoscribe.ui.background import Background, sentence_of
from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from pathlib import Path

    from tomoscribe.training.run_summary import RunRow
    from tomoscribe.ui.session import Session

TICK_MS = 500
PERIOD_S = 2.0
"""Seconds between two looks; a worker's heart beats as often."""
BACK_OFF = 10.0
"""A look that takes long is followed by a rest of so many times that long."""
SILENT_S = 4.0
"""A folder that has not answered for so long is told."""
SIZES_AGAIN_S = 60.0
"""Sizes of runs that go on are measured again after so long."""

NO_RUN_FOLDER = "{path} is not a run folder: it has no config.yaml."


class RunWatch(SessionBound):
    """What runs there are. Get it with `RunWatch.of(session)`.

    Attributes
    ----------
    rows : list of RunRow
        As of the last look, the oldest first.
    sizes : dict of RunFolder to int
        Bytes on disk, of those runs where they were counted.
    trouble : str
        One sentence where the folder cannot be read or does not answer, else empty.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self.session = session
        self.rows: list[RunRow] = []
        self.sizes: dict[RunFolder, int] = {}
        self.trouble = ""
        self._elsewhere: list[Path] = []
        self._table: RunTable | None = None
        self._poller = Background(reads_only=True)
        self._sizer = Background(reads_only=True)
        self._askers: list[Background] = []
        self._measured: dict[RunFolder, tuple[object, float]] = {}
        self._asked = 0.0
        self._due = 0.0
        self._timer = QTimer()
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        session.project_changed.connect(self._on_project)
        session.closed.connect(self.close)
        self._on_project()

    @property
    def silent_s(self) -> float:
        """Seconds that the folder has been asked for without an answer; 0 while all is well."""
        waited = time.monotonic() - self._asked if self._poller.busy else 0.0
        return waited if waited > SILENT_S else 0.0

    def row_of(self, run: RunFolder | None) -> RunRow | None:
        """Return the row of a run."""
        return next((row for row in self.rows if row.run == run), None)

    def add(self, path: Path) -> None:
        """List a run folder that lies elsewhere, too, once its disk has answered.

        What is no run folder is told.
        """

        def take(is_run: bool) -> None:
            if not is_run:
                self.session.status_message.emit(NO_RUN_FOLDER.format(path=path))
            elif path not in self._elsewhere:
                self._elsewhere.append(path)
                self._begin()

        # Several may be dropped at once: each is asked for by itself.
        asker = Background(reads_only=True)
        self._askers.append(asker)
        asker.run(
            lambda: RunFolder(path).exists,
            take,
            lambda error: self.session.status_message.emit(sentence_of(error)),
        )

    def refresh(self) -> None:
        """Look again as soon as the look under way is over."""
        self._due = 0.0
        self._tick()

    def close(self) -> None:
        """Stop looking, once; nothing is delivered any more."""
        self._timer.stop()
        for thread in (self._poller, self._sizer, *self._askers):
            thread.close()
        self.session.project_changed.disconnect(self._on_project, missing_ok=True)

    def _on_project(self) -> None:
        for asker in self._askers:
            asker.close()
        self._askers.clear()
        self._elsewhere.clear()
        self._begin()

    def _begin(self) -> None:
        project = self.session.project
        self._poller.drop()
        self._sizer.drop()
        self._table = None if project is None else RunTable(project.runs_dir, self._elsewhere)
        self.rows, self.trouble = [], ""
        self.changed.emit()
        if project is None:
            self._timer.stop()
        else:
            self._timer.start()
            self.refresh()

    def _tick(self) -> None:
        now = time.monotonic()
        if self._poller.busy:
            self._tell_silence()
        elif self._table is not None and now >= self._due:
            self._asked = now
            self._poller.run(self._table.poll, self._take, self._failed)
        if not self._sizer.busy:
            self._measure(now)

    def _tell_silence(self) -> None:
        silent = self.silent_s
        if silent and self._table is not None:
            self.trouble = f"{self._table.runs_dir} has not answered for {silent:.0f} s."
            self.changed.emit()

    def _take(self, rows: list[RunRow]) -> None:
        now = time.monotonic()
        self._due = now + max(PERIOD_S, BACK_OFF * (now - self._asked))
        if rows != self.rows or self.trouble:
            self.rows, self.trouble = rows, ""
            self.changed.emit()

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, OSError | TomoscribeError):
            raise error
        self._due = time.monotonic() + BACK_OFF * PERIOD_S
        where = "" if self._table is None else self._table.runs_dir
        self.trouble = f"{where} cannot be read: {error}."
        self.changed.emit()

    def _measure(self, now: float) -> None:
        """Count the bytes of one run that has ended since, or was not counted for long."""
        for row in reversed(self.rows):
            stamp, at = self._measured.get(row.run, (None, 0.0))
            again = stamp != row.state if row.settled else now - at > SIZES_AGAIN_S
            if stamp is None or again:
                run, state = row.run, row.state

                def keep(size: int, run: RunFolder = run, state: object = state) -> None:
                    self._measured[run] = (state, time.monotonic())
                    if self.sizes.get(run) != size:
                        self.sizes[run] = size
                        self.changed.emit()

                self._sizer.run(partial(size_on_disk, run), keep)
                return
