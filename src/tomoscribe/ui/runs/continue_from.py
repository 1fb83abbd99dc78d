"""The combo *continue from*: the checkpoint whose weights a new training begins with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import QComboBox, QWidget

from tomoscribe.ui.connections import connect
from tomoscribe.ui.runs.run_watch import RunWatch
from tomoscribe.ui.runs.starter import Starter

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tomoscribe.training.run_summary import RunRow
    from tomoscribe.ui.session import Session

NONE = "new weights"


def kept_checkpoints(rows: Sequence[RunRow], task: str) -> list[tuple[str, Path]]:
    """Return (text, file) of all checkpoints of a task's runs, the newest first."""
    found = [
        (f"{row.name}, step {c.step}{' (best)' if c.best else ''}", c.path)
        for row in rows
        if row.task == task  # weights of another would be refused
        for c in row.checkpoints
    ]
    return found[::-1]


class ContinueFrom(QComboBox):
    """Offers the checkpoints on disk, as last seen."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._watch = RunWatch.of(session)
        self._starter = Starter.of(session)
        self._offered: list[tuple[str, Path]] = []
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setToolTip("The new training begins with the weights of this checkpoint.")
        self.addItem(NONE, None)
        self.currentIndexChanged.connect(self._choose)
        connect(self, self._watch.changed, self.refresh)
        connect(self, self._starter.changed, self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Offer what is there now."""
        found = kept_checkpoints(self._watch.rows, self._starter.task)
        if found == self._offered:
            return
        self._offered = found
        chosen = self._starter.start_from
        with QSignalBlocker(self):
            self.clear()
            self.addItem(NONE, None)
            for text, path in found:
                self.addItem(text, path)
            self.setCurrentIndex(max(self.findData(chosen), 0))
        self._choose()

    def _choose(self) -> None:
        self._starter.start_from = self.currentData()
