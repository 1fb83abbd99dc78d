"""The runs of the open project: which there are, how good they became, and looking at one again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtGui import QColor
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from tomoscribe.training import launch
from tomoscribe.ui.background import Background
from tomoscribe.ui.connections import connect
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.run_words import state_word
from tomoscribe.ui.widgets import hint

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

ROWS_SHOWN = 4


class RunList(QWidget):
    """Newest run first; a click follows it."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._monitor = RunMonitor.of(session)
        self._reader = Background(self)
        self._last_state: object = None
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.itemClicked.connect(self._choose)
        self.list.setFixedHeight(ROWS_SHOWN * (self.fontMetrics().height() + 6))
        self.empty = hint("Trainings of this project will be listed here.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.empty)
        layout.addWidget(self.list)
        connect(self, session.project_changed, self.refresh)
        connect(self, self._monitor.followed, self.refresh)
        connect(self, self._monitor.updated, self._on_update)
        self.refresh()

    def refresh(self) -> None:
        """Read the runs again, in a thread."""
        project = self._session.project
        if project is None:
            self._show([])
        else:
            runs_dir = project.runs_dir
            self._reader.run(lambda: launch.list_runs(runs_dir), self._show)

    def _on_update(self) -> None:
        update = self._monitor.update
        state = None if update is None else update.state
        if state != self._last_state:
            self._last_state = state
            self.refresh()

    def _show(self, infos: list[launch.RunInfo]) -> None:
        self.list.clear()
        for info in reversed(infos):
            word, colour = state_word(info.state)
            # The strip counts the steps of a run that goes on; here they would soon be old.
            steps = "" if info.state.alive else f", step {info.step}"
            item = QListWidgetItem(f"{info.run.name}   {word.lower()}{steps}")
            item.setData(Qt.ItemDataRole.UserRole, info.run)
            item.setToolTip(info.message or str(info.run.path))
            item.setForeground(QColor(colour))
            self.list.addItem(item)
            if info.run == self._session.run:
                self.list.setCurrentItem(item)
        self.list.setVisible(bool(infos))
        self.empty.setVisible(not infos)

    def _choose(self, item: QListWidgetItem) -> None:
        run = item.data(Qt.ItemDataRole.UserRole)
        if run != self._session.run:
            self._session.run = run
