"""Follows a run folder for the viewer: a timer, a reader in a thread, signals for the docks."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import QObject, QTimer

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.default_task import VOXEL_TASKS
from tomoscribe.training.events import Block, Preview
from tomoscribe.training.follow import RunFollower, Update
from tomoscribe.training.status import State
from tomoscribe.ui.background import Background
from tomoscribe.ui.runs.focus_writer import FocusWriter
from tomoscribe.ui.runs.run_record import RunRecord
from tomoscribe.ui.runs.run_watch import SILENT_S, RunWatch
from tomoscribe.ui.scores.score_feed import ScoreFeed
from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from tomoscribe.training.events import Event
    from tomoscribe.training.run import RunFolder
    from tomoscribe.ui.session import Session

TICK_MS = 100
"""Half of the latency that is asked for; a tick costs well under a millisecond."""

APPLY_S = 0.015
"""Seconds of a tick for applying events, so that replaying a long run never blocks the viewer."""


class RunMonitor(SessionBound):
    """What the viewer knows of the run that it follows. Get it with `RunMonitor.of(session)`.

    Attributes
    ----------
    record : RunRecord
        Everything from the run's events so far.
    update : Update or None
        The newest look at the run: state, heartbeat, message.
    trouble : str
        Why the folder could not be read at the last look, else empty.
    feed : ScoreFeed
        Brings previews to the layer `heatmap`, or onto the mesh.
    """

    followed = Signal(object)
    progressed = Signal()
    updated = Signal(object)

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        self.session = session
        self.run: RunFolder | None = None
        self.record = RunRecord()
        self.update: Update | None = None
        self.trouble = ""
        self.feed = ScoreFeed(session, parent)
        self._focus = FocusWriter(session, self.feed, parent)
        self._poller = Background(parent, reads_only=True)
        self._watch = RunWatch.of(session)
        self._adopting = False
        self._asked = 0.0
        self._follower: RunFollower | None = None
        self._waiting: deque[Event] = deque()
        self._replaying = False
        self._closed = False
        self._timer = QTimer(parent)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        session.run_changed.connect(self.follow)
        session.current_changed.connect(self._on_current)
        session.membrane_changed.connect(self._on_membrane)
        session.project_changed.connect(self.adopt)
        self._watch.changed.connect(self._choose)
        session.closed.connect(self.close)
        if session.run is not None:
            self.follow(session.run)
        elif session.project is not None:
            self.feed.follow(None, self.record, keep=False)  # what is in view already
            self.adopt()

    @property
    def alive(self) -> bool:
        """Whether the run that is followed goes on, waits or is about to begin."""
        return self.update is not None and self.update.alive

    @property
    def learns_labels(self) -> bool | None:
        """Whether the run that is followed learns painted labels; None where nobody knows yet."""
        if self.record.previews:
            return next(reversed(self.record.previews.values())).segmented is not None
        row = self._watch.row_of(self.run)
        return row.task in VOXEL_TASKS if row is not None and row.task else None

    @property
    def silent_s(self) -> float:
        """Seconds that the run's folder has not answered a look; 0 while all is well."""
        waited = time.monotonic() - self._asked if self._poller.busy else 0.0
        return waited if waited > SILENT_S else 0.0

    @property
    def replaying(self) -> bool:
        """Whether the past of the run is still being read."""
        return self._replaying

    def adopt(self) -> None:
        """Follow the newest run of the opened project, those that go on before ended ones.

        Where there is none yet, the first that appears is followed, whoever starts it.
        """
        if self.session.project is None:
            self.session.run = None
            self._adopting = False
        else:
            self._adopting = True
            self._choose()

    def _choose(self) -> None:
        rows = self._watch.rows
        if self._adopting and rows and self.session.project is not None:
            self._adopting = False
            if self.session.run is None:
                training = [row for row in rows if row.state is State.RUNNING]
                alive = [row for row in rows if row.state.alive]
                self.session.run = (training or alive or rows)[-1].run

    def follow(self, run: RunFolder | None) -> None:
        """Follow a run from its first event on, or none."""
        self._poller.drop()
        self._adopting = False
        self.run, self.record, self.update = run, RunRecord(), None
        self._waiting.clear()
        self._follower = None if run is None else RunFollower(run)
        self._replaying = run is not None
        self.feed.follow(run, self.record, keep=run is not None)
        self._focus.again()
        self.followed.emit(run)
        self.progressed.emit()
        if run is None:
            self._timer.stop()
        else:
            self._timer.start()

    def close(self) -> None:
        """Stop the timer and the threads, once; the worker goes on."""
        if self._closed:
            return
        self._closed = True
        self._timer.stop()
        self.session.run_changed.disconnect(self.follow)
        self.session.current_changed.disconnect(self._on_current)
        self.session.membrane_changed.disconnect(self._on_membrane)
        self.session.project_changed.disconnect(self.adopt)
        self._watch.changed.disconnect(self._choose, missing_ok=True)
        for part in (self._poller, self._focus, self.feed):
            part.close()

    def _tick(self) -> None:
        now = time.monotonic()
        if self._follower is not None and not self._poller.busy:
            self._asked = now
            self._poller.run(self._follower.poll, self._take, self._failed)
        self._apply(now)
        self.feed.tick(now)
        if self.run is not None and self.alive and not self._replaying:
            self._focus.tick(self.run, now)

    def _failed(self, error: BaseException) -> None:
        """Say what a look at the folder met; the next one may go well."""
        if not isinstance(error, OSError | TomoscribeError):
            raise error
        if self.trouble != str(error):
            self.trouble = str(error)
            self.session.status_message.emit(f"The run cannot be read: {error}")

    def _take(self, update: Update) -> None:
        self.update = update
        self.trouble = ""
        self._waiting.extend(update.events)
        now = time.monotonic()
        self._apply(now)
        self.updated.emit(update)
        self.feed.tick(now)

    def _apply(self, now: float) -> None:
        """Apply waiting events as long as the tick's share of time lasts."""
        changed = bool(self._waiting)
        while self._waiting and time.monotonic() - now < APPLY_S:
            event = self._waiting.popleft()
            self.record.apply(event)
            if isinstance(event, Preview) and self.feed.stale():
                self.feed.follow(self.run, self.record, keep=False)
            if isinstance(event, Block) and not self._replaying:
                self.feed.take(event)
        if self._replaying and self.update is not None and not self._waiting:
            self._replaying = False
            if not self.update.alive:
                self.feed.layer.clear()  # what another run left there is not this run's
            self.feed.restore()
            changed = True
        if changed:
            self.progressed.emit()

    def _on_current(self, _name: str | None) -> None:
        if self.feed.kind == "volume":
            self._follow_shown()

    def _on_membrane(self, _name: str | None) -> None:
        self._focus.again()
        if self.feed.kind == "mesh" or self.feed.stale():
            self._follow_shown()

    def _follow_shown(self) -> None:
        self.feed.follow(self.run, self.record, keep=False)
        if not self._replaying:
            self.feed.restore()
        self.progressed.emit()
