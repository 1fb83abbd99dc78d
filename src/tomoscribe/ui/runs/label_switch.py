"""The switch that lets a running training take new clicks and answers by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QCheckBox, QWidget

from tomoscribe.errors import TomoscribeError
from tomoscribe.ui.background import Background
from tomoscribe.ui.connections import connect
from tomoscribe.ui.labels.mode import LabelMode
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.widgets import enable

if TYPE_CHECKING:
    from tomoscribe.training.control import Control
    from tomoscribe.training.run import RunFolder
    from tomoscribe.ui.session import Session

CLICKS, STROKES = "clicks", "strokes"
WHAT_ENTERS = {CLICKS: "New clicks, accepted and rejected proposals", STROKES: "New strokes"}
TIP = (
    "{} enter the training as you give them, and its patience begins anew. Switched off, it goes "
    "on with what it has; switched on again, it takes what came meanwhile."
)
NO_RUN = "No training is going on; a new one takes your {} as you give them."


class LabelSwitch(QCheckBox):
    """Follows and writes `take_labels` of the run that is followed."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._monitor = RunMonitor.of(session)
        self._mode = LabelMode.of(session)
        self._reader = Background(self, reads_only=True)
        self._writer = Background(self)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setChecked(True)
        self.toggled.connect(self._on_toggled)
        connect(self, self._monitor.followed, self._on_followed)
        connect(self, self._monitor.updated, self.refresh)
        connect(self, self._mode.changed, self.refresh)
        self._on_followed(self._monitor.run)

    def refresh(self, *_: object) -> None:
        """Say whether there is a training to switch, and whether it leaves labels waiting."""
        update = self._monitor.update
        waits = update is not None and update.status is not None and update.status.labels_wait
        alive = self._monitor.alive
        known = self._monitor.learns_labels if alive else None
        painted = self._mode.on if known is None else known
        what = STROKES if painted else CLICKS
        self.setText(f"Take new {what}" + (" (some wait)" if waits and alive else ""))
        self.setProperty("tip", TIP.format(WHAT_ENTERS[what]))
        enable(self, None if alive else NO_RUN.format(what))

    def _on_followed(self, run: RunFolder | None) -> None:
        self._show(True)
        if run is not None:
            self._reader.run(run.control, lambda control: self._take(run, control))
        self.refresh()

    def _take(self, run: RunFolder, control: Control) -> None:
        if run == self._monitor.run and not self._writer.busy:
            self._show(control.take_labels)

    def _show(self, on: bool) -> None:
        with QSignalBlocker(self):
            self.setChecked(on)

    def _on_toggled(self, on: bool) -> None:
        run = self._monitor.run
        if run is not None:
            self._writer.run(
                lambda: run.write_control(take_labels=on), lambda _: None, self._failed
            )

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, TomoscribeError):
            raise error
        self._show(not self.isChecked())
        self._session.status_message.emit(str(error))
