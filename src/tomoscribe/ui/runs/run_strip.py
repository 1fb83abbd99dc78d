"""The strip below every dock: how the training is doing, in one line, with Pause and Stop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget
from superqt import QElidingLabel

from tomoscribe.training import launch
from tomoscribe.training.status import State
from tomoscribe.ui import style
from tomoscribe.ui.background import Background, sentence_of
from tomoscribe.ui.connections import connect
from tomoscribe.ui.runs.closing import ClosingGuard
from tomoscribe.ui.runs.label_switch import LabelSwitch
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.run_watch import RunWatch
from tomoscribe.ui.runs.run_words import (
    NO_RUN,
    NOT_WATCHED,
    figures,
    label_words,
    sentence,
    state_word,
)
from tomoscribe.ui.runs.sparkline import Sparkline
from tomoscribe.ui.widgets import button, enable

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtGui import QShowEvent

    from tomoscribe.training.run import RunFolder
    from tomoscribe.ui.session import Session

CLOCK_MS = 1000
"""The time left goes on between events."""

MARGIN = 40
"""Pixels that a label takes beside its text, at most."""

LEAST_SENTENCE = 200
"""Pixels; beside it the figures give way."""

STOPPING = "It is being stopped: a checkpoint is saved, for up to 10 s."


class RunStrip(QWidget):
    """State, curve, figures, one sentence, and what can be done now."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._monitor = RunMonitor.of(session)
        self._jobs = Background(self)
        self.dot = QLabel("●")
        self.word = QLabel()
        self.sparkline = Sparkline()
        self.figures = QElidingLabel()
        self.figures.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.sentence = QElidingLabel()
        self.sentence.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.sentence.setWordWrap(True)
        self.sentence.setMinimumWidth(LEAST_SENTENCE)
        self.takes = LabelSwitch(session)
        self.pause = button(
            "Pause", "Frees the device; the training goes on later where it was.", self._pause
        )
        self.stop = button("Stop", "Saves a checkpoint, then ends the training.", self._stop)
        self.resume = button("Resume", "Goes on from where the training was.", self._resume)
        self.detach = button(
            "Detach", "Stops watching this run; what it did stays as it is.", self._detach
        )
        self.retry = button(
            "Retry with half the batch", "Starts again with half the memory.", self._retry
        )
        self.setStyleSheet(style.FOCUS)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(2 * style.SPACING, 2, 2 * style.SPACING, 2)
        layout.setSpacing(2 * style.SPACING)
        for widget in (self.dot, self.word, self.sparkline):
            layout.addWidget(widget)
        layout.addWidget(self.figures, 100)  # all the room that its text fills
        layout.addWidget(self.sentence, 1)
        for action in (self.takes, self.detach, self.retry, self.resume, self.pause, self.stop):
            layout.addWidget(action)
        self.word.setMinimumWidth(self.fontMetrics().horizontalAdvance("Training  "))
        self._clock = QTimer(self)
        self._clock.setInterval(CLOCK_MS)
        self._clock.timeout.connect(self.refresh)
        self._clock.start()
        self._asked_to_stop: RunFolder | None = None
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(int(1000 * launch.STOP_S))
        self._patience.timeout.connect(self._end)
        connect(self, self._monitor.updated, self.refresh)
        connect(self, self._monitor.progressed, self._show_curve)
        connect(self, self._monitor.followed, self.refresh)
        connect(self, session.closed, self._stop_timers)
        self._show_curve()
        self.refresh()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Mind the closing of the window that the strip is in."""
        super().showEvent(event)
        ClosingGuard.watch(self._session, self)

    def refresh(self) -> None:
        """Show the newest state."""
        update, record, run = self._monitor.update, self._monitor.record, self._monitor.run
        state = None if run is None or update is None else update.state
        word, colour = state_word(state)
        self.dot.setStyleSheet(f"color: {colour}")
        self.word.setText(word)
        known = figures(record, state, time.time())
        self.figures.setText(known)
        self.figures.setMaximumWidth(self.figures.fontMetrics().horizontalAdvance(known) + MARGIN)
        self.figures.setToolTip(f"{known}\n{label_words(record.labels)}".strip())
        said = sentence(update, record, self._monitor.silent_s)
        idle = NOT_WATCHED if RunWatch.of(self._session).rows else NO_RUN
        text = said.text if run is not None else idle
        if text != self.sentence.text():
            self.sentence.setText(text)
            self.sentence.setToolTip(text)
        self.sentence.setStyleSheet(f"color: {style.BAD}" if said.bad else "")
        self._show_buttons(state)

    def _stop_timers(self) -> None:
        self._clock.stop()
        self._patience.stop()

    def _show_buttons(self, state: State | None) -> None:
        failed = self._monitor.record.failed
        out_of_memory = state is State.FAILED and failed is not None and failed.kind == "oom"
        has_checkpoint = bool(self._monitor.record.checkpoints)
        paused = state is State.PAUSED
        again = state in {State.LOST, State.STOPPED} or (
            state is State.FAILED and not out_of_memory
        )
        self.sparkline.setVisible(state is not None)
        self.takes.setVisible(state is not None and state.alive)
        self.pause.setVisible(state in {State.RUNNING, State.QUEUED})
        self.stop.setVisible(state is not None and state.alive)
        enable(self.stop, STOPPING if state is State.STOPPING else None)
        self.retry.setVisible(out_of_memory)
        self.detach.setVisible(state is State.GONE)
        self.resume.setVisible(paused or again)
        no_checkpoint = "This run has no checkpoint; press Train to start again."
        enable(self.resume, None if paused or has_checkpoint else no_checkpoint)

    def _show_curve(self) -> None:
        record, qualities = self._monitor.record, self._monitor.record.qualities
        best = record.best
        self.sparkline.set_curves(
            record.loss_steps,
            record.loss_values,
            [q.step for q in qualities],
            [q.value for q in qualities],
            None if best is None else best.step,
        )

    def _detach(self) -> None:
        self._session.run = None

    def _pause(self) -> None:
        self._do(launch.pause)

    def _stop(self) -> None:
        run = self._monitor.run
        if run is not None:
            self._do(launch.request_stop)
            self._asked_to_stop = run
            self._patience.start()

    def _end(self) -> None:
        """End a worker that was asked to stop and did not."""
        if self._monitor.alive and self._monitor.run == self._asked_to_stop:
            self._do(lambda run: launch.stop(run, timeout=0))

    def _resume(self) -> None:
        update = self._monitor.update
        if update is not None and update.state is State.PAUSED:
            self._do(launch.resume_in_place)
        else:
            self._start(launch.resume_as_child)

    def _retry(self) -> None:
        self._start(launch.retry_with_half_batch)

    def _do(self, command: Callable[[RunFolder], object]) -> None:
        run = self._monitor.run
        if run is not None:
            self._jobs.run(lambda: command(run), lambda _: None, self._failed)

    def _start(self, command: Callable[[RunFolder], RunFolder]) -> None:
        run = self._monitor.run
        if run is not None:
            self._jobs.run(lambda: command(run), self._follow, self._failed)

    def _follow(self, run: RunFolder) -> None:
        self._session.run = run

    def _failed(self, error: BaseException) -> None:
        self._session.status_message.emit(sentence_of(error))
