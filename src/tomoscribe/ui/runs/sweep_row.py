"""One row that varies a setting: choose it, look at the values, press once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QComboBox, QLineEdit, QVBoxLayout, QWidget

from tomoscribe.errors import TomoscribeError
from tomoscribe.training import launch, sweep
from tomoscribe.training.sweep_values import OFFERED, suggest
from tomoscribe.ui.background import Background, sentence_of
from tomoscribe.ui.connections import connect
from tomoscribe.ui.membranes.click_profile import ClickProfile
from tomoscribe.ui.runs.run_watch import RunWatch
from tomoscribe.ui.runs.starter import Starter
from tomoscribe.ui.widgets import button, enable, hint, row

if TYPE_CHECKING:
    from tomoscribe.training.run import RunFolder
    from tomoscribe.ui.session import Session

NAMES = {sweep.BAND: "depth band (Å)", sweep.DIAMETER: "diameter (factor)"}


class SweepRow(QWidget):
    """Trains the same data with a few values of one setting, one after the other."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._starter = Starter.of(session)
        self._watch = RunWatch.of(session)
        self._profile = ClickProfile.of(session)
        self._stopper = Background(self)
        self._task = ""
        self._suggested = ""
        self.key = QComboBox()
        self.key.setToolTip("What differs between the trainings; all else is as set above.")
        self.values = QLineEdit()
        self.train = button(
            "Train all", "Trains once for each value; they wait for each other.", self._train
        )
        self.stop = button(
            "Stop all", "Stops every training of a sweep that goes on or waits.", self._stop
        )
        self.said = hint()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row(self.key, self.values, stretch=1))
        layout.addLayout(row(self.said, self.train, self.stop, stretch=0))
        self.key.currentIndexChanged.connect(lambda _: self._suggest())
        self.values.textChanged.connect(lambda _: self._check())
        connect(self, self._starter.changed, self.refresh)
        connect(self, self._profile.changed, self.refresh)
        connect(self, self._watch.changed, self._check)
        self.refresh()

    def refresh(self) -> None:
        """Offer what can be varied; values that the user has not typed over follow the plan."""
        if self._starter.task != self._task:
            self._task = self._starter.task
            with QSignalBlocker(self.key):
                self.key.clear()
                for key in OFFERED[self._task]:
                    self.key.addItem(NAMES.get(key, key.rpartition(".")[2].replace("_", " ")), key)
        if self.values.text() == self._suggested:
            self._suggest()
        self._check()

    def _suggest(self) -> None:
        key = self.key.currentData()
        self._suggested = suggest(key, self._starter.settings, self._planned())
        self.values.setText(self._suggested)
        self.values.setPlaceholderText("2 to 8 values, separated by commas")
        self.values.setToolTip(f"{sweep.meaning(key)}; separated by commas.")
        self._check()

    def _planned(self) -> dict[str, object]:
        """Return what the plan chose last, or the clicks suggest now."""
        started = self._starter.monitor.record.started
        planned = {} if started is None else dict(started.plan)
        band = self._profile.suggested
        if band is not None:
            planned |= {"band_low_A": band[0], "band_high_A": band[1]}
        return planned

    def _check(self) -> None:
        """Say what pressing would do, or why it cannot be pressed."""
        why, text = self._starter.why_not_queue(), ""
        try:
            variants = sweep.parse(self.key.currentData(), self.values.text())
            sweep.configurations(self._starter.configuration(), variants, "")
        except TomoscribeError as error:
            text = str(error)
            why = why or text
        else:
            each = self._starter.settings.max_minutes
            minutes = f"{each * len(variants):g} min in all"
            if self.key.currentData() == "max_minutes":
                minutes = f"{sum(float(v.text) for v in variants):g} min in all"
            text = f"{len(variants)} trainings, one after the other, {minutes} at most."
        self.said.setText(text)
        enable(self.train, why)
        enable(self.stop, None if self._living() else "No sweep goes on.")

    def _living(self) -> list[RunFolder]:
        return [r.run for r in self._watch.rows if r.sweep and r.state.alive]

    def _train(self) -> None:
        try:
            self._starter.start_sweep(self.key.currentData(), self.values.text())
        except TomoscribeError as error:
            self._session.status_message.emit(str(error))

    def _stop(self) -> None:
        runs = self._living()[::-1]  # the last first, so that none of them begins meanwhile

        def stop_all() -> None:
            for run in runs:
                launch.request_stop(run)

        self._stopper.run(stop_all, lambda _: self._watch.refresh(), self._failed)

    def _failed(self, error: BaseException) -> None:
        self._session.status_message.emit(sentence_of(error))
