"""The dock *Train*: one button, why it cannot be pressed, what it trains on, and the curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError
from qtpy.QtCore import QSignalBlocker, QTimer
from qtpy.QtWidgets import QComboBox, QFormLayout, QWidget

from tomoscribe.project.default_task import VOXEL_TASKS
from tomoscribe.project.model import Role
from tomoscribe.tasks.membrane.settings import MembraneSettings
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.voxels.settings import VoxelSettings
from tomoscribe.training import devices
from tomoscribe.ui.background import Background
from tomoscribe.ui.connections import connect
from tomoscribe.ui.membranes.click_profile import ClickProfile, band_words
from tomoscribe.ui.runs.closing import ClosingGuard
from tomoscribe.ui.runs.continue_from import ContinueFrom
from tomoscribe.ui.runs.curve import LearningCurve
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.plan_words import plan_lines
from tomoscribe.ui.runs.run_list import RunList
from tomoscribe.ui.runs.run_words import memory
from tomoscribe.ui.runs.settings_form import SettingsForm
from tomoscribe.ui.runs.split_list import SplitList
from tomoscribe.ui.runs.starter import Share, Starter
from tomoscribe.ui.runs.sweep_row import SweepRow
from tomoscribe.ui.widgets import (
    button,
    enable,
    folded,
    heading,
    hint,
    row,
    scrolling_column,
)

if TYPE_CHECKING:
    from pydantic import BaseModel
    from qtpy.QtGui import QShowEvent
    from superqt import QCollapsible

    from tomoscribe.ui.session import Session

FIRST = ("max_minutes", "device")
"""Settings that are worth a look; the others lie one fold deeper."""

MEMBRANE, VOXELS = OWN = ("membrane", "voxels")
"""What only trainings on membranes, or of painted labels, are set by: classes of their own."""

VOXEL_FIELDS = [name for name in VoxelSettings.model_fields if name != "net_options"]
"""Options of a network differ by network; configuration files tell them."""

CURVE_MS = 500
"""The large curve costs 14 ms to draw, so it is drawn twice a second at most."""


class TrainDock(QWidget):
    """Starts a training and shows how it goes; what it starts is told by `Starter`."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._monitor = RunMonitor.of(session)
        self._starter = Starter.of(session)
        self._profile = ClickProfile.of(session)
        self._prober = Background(self)
        self.train = button(
            "Train", "Trains on what is clicked or painted, in the background.", self._train
        )
        self.train.setMinimumHeight(36)
        self.train.setStyleSheet("font-size: 14pt; font-weight: 600;")
        self.queue = button(
            "Queue",
            "Starts another training that waits until the device is free; what is watched stays.",
            self._starter.queue,
        )
        self.why = hint()
        self.subjects = heading("")
        self.task = _task_choice()
        self.split = SplitList(self._starter)
        self.band = hint()
        self.plan = hint()
        self.curve = LearningCurve()
        self.no_curve = hint()
        self.runs = RunList(session)
        self.first = SettingsForm(FIRST)
        self.others = SettingsForm(
            [n for n in TrainingSettings.model_fields if n not in (*FIRST, *OWN)]
        )
        self.membrane = SettingsForm(list(MembraneSettings.model_fields), MembraneSettings)
        self.voxels = SettingsForm(VOXEL_FIELDS, VoxelSettings)
        self.sweep = SweepRow(session)
        self.continue_from = ContinueFrom(session)
        self._curve_timer = QTimer(self)
        self._curve_timer.setSingleShot(True)
        self._curve_timer.setInterval(CURVE_MS)
        self._curve_timer.timeout.connect(self._draw_curve)
        self._build()
        self._connect()
        self._show_settings()
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
        self.queue.setVisible(self._monitor.alive)
        enable(self.queue, self._starter.why_not_queue())
        of_labels = self._starter.task in VOXEL_TASKS
        score = "IoU" if of_labels else "F1"
        self.no_curve.setText(f"Loss and {score} will be drawn here while it trains.")
        self.why.setText(why or _summary(shares, "section" if of_labels else "click"))
        self.split.show_shares(shares, self._starter.task)
        self._show_task()
        self._show_plan()

    def _show_settings(self) -> None:
        settings = self._starter.settings
        for form in (self.first, self.others):
            _show_quietly(form, settings)

    def _build(self) -> None:
        layout = scrolling_column(self)
        layout.addWidget(self.train)
        layout.addLayout(row(self.why, self.queue, stretch=0))
        layout.addLayout(row(self.subjects, self.task, stretch=0))
        layout.addWidget(self.split)
        layout.addWidget(self.band)
        layout.addWidget(self._details())
        self.sweep_fold = folded("Sweep", self.sweep)
        layout.addWidget(self.sweep_fold)
        layout.addWidget(heading("Learning curve"))
        layout.addWidget(self.no_curve)
        layout.addWidget(self.curve, 1)
        layout.addWidget(heading("Runs"))
        layout.addWidget(self.runs)
        layout.addStretch(0)  # before there is a curve, which takes the room

    def _details(self) -> QCollapsible:
        rows = QWidget()
        form = QFormLayout(rows)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("continue from", self.continue_from)
        others = folded("All settings", self.others)
        self._of_membranes = folded("Membrane settings", self.membrane)
        self._of_labels = folded("Label settings", self.voxels)
        own = (self._of_membranes, self._of_labels)
        details = folded("Details", self.first, rows, *own, others, self.plan)
        self.details = details
        return details

    def _connect(self) -> None:
        connect(self, self._starter.changed, self.refresh)
        connect(self, self._starter.preferred, self._show_settings)
        connect(self, self._session.project_changed, self.refresh)
        connect(self, self._profile.changed, self._show_task)
        connect(self, self._monitor.progressed, self._on_progress)
        self.task.activated.connect(lambda _: self._choose_task())
        self.first.changed.connect(self._take_settings)
        self.others.changed.connect(self._take_settings)
        self.membrane.changed.connect(self._take_settings)
        self.voxels.changed.connect(self._take_settings)

    def _show_task(self) -> None:
        starter = self._starter
        on_membranes = starter.task == MEMBRANE
        self.subjects.setText("Membranes" if on_membranes else "Tomograms")
        with QSignalBlocker(self.task):
            self.task.setCurrentIndex(self.task.findData(starter.task))
        self.task.setVisible(len(starter.tasks) > 1)
        self._of_membranes.setVisible(on_membranes)
        self._of_labels.setVisible(starter.task in VOXEL_TASKS)
        self.band.setText(band_words(self._starter.own_band, self._profile) if on_membranes else "")
        self.band.setVisible(bool(self.band.text()))
        _show_quietly(self.membrane, starter.settings.membrane)
        _show_quietly(self.voxels, starter.settings.voxels)

    def _choose_task(self) -> None:
        self._starter.set_task(self.task.currentData())

    def _train(self) -> None:
        self._starter.start()

    def _take_settings(self) -> None:
        voxels = self._starter.settings.voxels.model_dump() | self.voxels.values()
        own = {MEMBRANE: self.membrane.values(), VOXELS: voxels}
        values = self.first.values() | self.others.values() | own
        try:
            self._starter.settings = TrainingSettings.model_validate(values)
        except ValidationError as error:
            self._session.status_message.emit(
                error.errors()[0]["msg"].removeprefix("Value error, ")
            )
        else:
            self._starter.changed.emit()

    def _show_plan(self) -> None:
        started = self._monitor.record.started
        if started is None:
            self.plan.setText("The plan's choices, with reasons, are shown here once it trains.")
            return
        where = " ".join(filter(None, (started.device, memory(started.memory_bytes))))
        lines = [f"on {where}, {started.precision}", *plan_lines(started.plan, started.reasons)]
        self.plan.setText("\n".join(lines))

    def _on_progress(self) -> None:
        if not self._curve_timer.isActive():
            self._curve_timer.start()

    def _draw_curve(self) -> None:
        self._show_plan()
        record = self._monitor.record
        self.curve.setVisible(bool(record.loss_steps))
        self.no_curve.setVisible(not record.loss_steps)
        self.curve.show_record(record)

    def _offer_devices(self, found: list[devices.Device]) -> None:
        choices = [("auto", f"auto ({found[0].label})")]
        choices += [(d.name, f"{d.label} {memory(d.memory_bytes)}".strip()) for d in found]
        self.first.set_choices("device", choices)

    def _failed(self, error: BaseException) -> None:
        self._session.status_message.emit(str(error))


def _summary(shares: list[Share], noun: str) -> str:
    trained = sum(s.picks for s in shares if s.role is Role.TRAIN)
    validated = sum(s.picks for s in shares if s.role is Role.VALIDATE)
    text = f"Trains on {trained} {noun}{'s' if trained != 1 else ''}"
    return text + (f", validates on {validated}." if validated else ".")


def _show_quietly(form: SettingsForm, settings: BaseModel) -> None:
    """Show settings that the user has not set here just now."""
    blockers = [QSignalBlocker(editor) for editor in form.editors.values()]
    form.set_values(settings)
    for blocker in blockers:
        blocker.unblock()


def _task_choice() -> QComboBox:
    made = QComboBox()
    made.setToolTip("What is learnt, and from what: clicks, or painted labels")
    texts = {
        "membrane": "clicks on membranes",
        "tomogram": "clicks in tomograms",
        "semantic": "labels: classes",
        "instance": "labels: objects",
    }
    for name, text in texts.items():
        made.addItem(text, name)
    return made
