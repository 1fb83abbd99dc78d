"""The dock *Train*: one button, why it cannot be pressed, what it trains on, and the curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QFormLayout, QWidget
from superqt import QCollapsible

from tomoscribe.project.model import Role
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.training import devices
from tomoscribe.ui.background import Background
from tomoscribe.ui.closing import ClosingGuard
from tomoscribe.ui.connections import connect
from tomoscribe.ui.continue_from import ContinueFrom
from tomoscribe.ui.curve import LearningCurve
from tomoscribe.ui.monitor import RunMonitor
from tomoscribe.ui.run_list import RunList
from tomoscribe.ui.run_words import memory
from tomoscribe.ui.settings_form import SettingsForm
from tomoscribe.ui.split_list import SplitList
from tomoscribe.ui.starter import Share, Starter
from tomoscribe.ui.widgets import button, enable, heading, hint, scrolling_column

if TYPE_CHECKING:
    from qtpy.QtGui import QShowEvent

    from tomoscribe.ui.session import Session

FIRST = ("max_minutes", "device")
"""Settings that are worth a look; the others lie one fold deeper."""

CURVE_MS = 500
"""The large curve costs 14 ms to draw, so it is drawn twice a second at most."""


class TrainDock(QWidget):
    """Starts a training and shows how it goes; what it starts is told by `Starter`."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._monitor = RunMonitor.of(session)
        self._starter = Starter.of(session)
        self._prober = Background(self)
        self.train = button("Train", "Trains on the clicks, in the background.", self._train)
        self.train.setMinimumHeight(36)
        self.train.setStyleSheet("font-size: 14pt; font-weight: 600;")
        self.why = hint()
        self.split = SplitList(self._starter)
        self.plan = hint()
        self.curve = LearningCurve()
        self.runs = RunList(session)
        self.first = SettingsForm(FIRST)
        self.others = SettingsForm([n for n in TrainingSettings.model_fields if n not in FIRST])
        self.continue_from = ContinueFrom(session)
        self._curve_timer = QTimer(self)
        self._curve_timer.setSingleShot(True)
        self._curve_timer.setInterval(CURVE_MS)
        self._curve_timer.timeout.connect(self._draw_curve)
        self._build()
        self._connect()
        self.first.set_values(self._starter.settings)
        self.others.set_values(self._starter.settings)
        self._prober.run(devices.probe, self._offer_devices, self._failed)
        self.refresh()
        self._draw_curve()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Mind the closing of the window that the dock is in."""
        super().showEvent(event)
        ClosingGuard.watch(self._session, self)

    def refresh(self) -> None:
        """Show what can be trained on, and whether it can start."""
        why = self._starter.why_not()
        enable(self.train, why)
        self.train.setText("Starting…" if self._starter.starting else "Train")
        shares = self._starter.shares()
        self.why.setText(why or _summary(shares))
        self.split.show_shares(shares)
        self._show_plan()

    def _build(self) -> None:
        layout = scrolling_column(self)
        layout.addWidget(self.train)
        layout.addWidget(self.why)
        layout.addWidget(heading("Tomograms"))
        layout.addWidget(self.split)
        layout.addWidget(self._details())
        layout.addWidget(heading("Learning curve"))
        layout.addWidget(self.curve, 1)
        layout.addWidget(heading("Runs"))
        layout.addWidget(self.runs)

    def _details(self) -> QCollapsible:
        rows = QWidget()
        form = QFormLayout(rows)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("continue from", self.continue_from)
        others = _folded("All settings", self.others)
        details = _folded("Details", self.first, rows, others, self.plan)
        self.details = details
        return details

    def _connect(self) -> None:
        connect(self, self._starter.changed, self.refresh)
        connect(self, self._session.project_changed, self.refresh)
        connect(self, self._monitor.progressed, self._on_progress)
        self.first.changed.connect(self._take_settings)
        self.others.changed.connect(self._take_settings)

    def _train(self) -> None:
        self._starter.start()

    def _take_settings(self) -> None:
        values = self.first.values() | self.others.values()
        self._starter.settings = TrainingSettings.model_validate(values)

    def _show_plan(self) -> None:
        started = self._monitor.record.started
        if started is None:
            self.plan.setText("The plan's choices, with reasons, are shown here once it trains.")
            return
        where = " ".join(filter(None, (started.device, memory(started.memory_bytes))))
        lines = [f"on {where}, {started.precision}"]
        for name, value in started.plan.items():
            reason = started.reasons.get(name)
            lines.append(f"{name.replace('_', ' ')}: {value}" + (f" ({reason})" if reason else ""))
        self.plan.setText("\n".join(lines))

    def _on_progress(self) -> None:
        if not self._curve_timer.isActive():
            self._curve_timer.start()

    def _draw_curve(self) -> None:
        self._show_plan()
        self.curve.show_record(self._monitor.record)

    def _offer_devices(self, found: list[devices.Device]) -> None:
        choices = [("auto", f"auto ({found[0].label})")]
        choices += [(d.name, f"{d.label} {memory(d.memory_bytes)}".strip()) for d in found]
        self.first.set_choices("device", choices)

    def _failed(self, error: BaseException) -> None:
        self._session.status_message.emit(str(error))


def _summary(shares: list[Share]) -> str:
    trained = sum(s.picks for s in shares if s.role is Role.TRAIN)
    validated = sum(s.picks for s in shares if s.role is Role.VALIDATE)
    text = f"Trains on {trained} click{'s' if trained != 1 else ''}"
    return text + (f", validates on {validated}." if validated else ".")


def _folded(title: str, *widgets: QWidget) -> QCollapsible:
    fold = QCollapsible(title)
    fold.setDuration(0)
    for widget in widgets:
        fold.addWidget(widget)
    fold.collapse(animate=False)
    return fold
