"""The combo *continue from*: the checkpoint whose weights a new training begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QComboBox, QWidget

from tomoscribe.training.launch import list_runs
from tomoscribe.ui.background import Background
from tomoscribe.ui.connections import connect
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.starter import Starter

if TYPE_CHECKING:
    from pathlib import Path

    from qtpy.QtGui import QShowEvent

    from tomoscribe.ui.session import Session

NONE = "nothing (new weights)"


def kept_checkpoints(runs_dir: Path) -> list[tuple[str, Path]]:
    """Return (text, file) of all checkpoints of a project's runs, the newest first."""
    found = [
        (f"{info.run.name}, step {c.step}{' (best)' if c.best else ''}", c.path)
        for info in list_runs(runs_dir)
        for c in info.run.checkpoints()
    ]
    return found[::-1]


class ContinueFrom(QComboBox):
    """Offers the checkpoints on disk; the runs are read in a thread."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._starter = Starter.of(session)
        self._reader = Background(self)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setToolTip("The new training begins with the weights of this checkpoint.")
        self.addItem(NONE, None)
        self.currentIndexChanged.connect(self._choose)
        connect(self, session.project_changed, self.refresh)
        connect(self, RunMonitor.of(session).followed, self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Read the checkpoints again."""
        project = self._session.project
        if project is None:
            self._offer([])
        else:
            runs_dir = project.runs_dir
            self._reader.run(lambda: kept_checkpoints(runs_dir), self._offer)

    def showEvent(self, event: QShowEvent | None) -> None:
        """Offer what is there now."""
        super().showEvent(event)
        self.refresh()

    def _offer(self, checkpoints: list[tuple[str, Path]]) -> None:
        chosen = self._starter.start_from
        self.blockSignals(True)
        self.clear()
        self.addItem(NONE, None)
        for text, path in checkpoints:
            self.addItem(text, path)
        self.setCurrentIndex(max(self.findData(chosen), 0))
        self.blockSignals(False)
        self._choose()

    def _choose(self) -> None:
        self._starter.start_from = self.currentData()
