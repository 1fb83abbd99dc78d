"""The newest runs of the open project in the dock Train, and the way to all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import napari
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from tomoscribe.ui.connections import connect
from tomoscribe.ui.runs.run_watch import RunWatch
from tomoscribe.ui.runs.run_words import state_word
from tomoscribe.ui.runs.strip_dock import show_runs
from tomoscribe.ui.widgets import button, hint, swatch

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

ROWS_SHOWN = 3


class RunList(QWidget):
    """Newest run first; a click watches it."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._watch = RunWatch.of(session)
        self.list = QListWidget()
        self.list.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.list.setToolTip(
            "A click or Enter watches a run: its curve, its previews, its checkpoints."
        )
        self.list.itemClicked.connect(self._choose)
        self.list.itemActivated.connect(self._choose)
        self.list.setFixedHeight(ROWS_SHOWN * (self.fontMetrics().height() + 6) + 4)
        self.empty = hint("Trainings of this project will be listed here.")
        self.all = button(
            "All runs…", "Opens the table of all runs: compare, stop, delete.", self._show_all
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.empty)
        layout.addWidget(self.list)
        layout.addWidget(self.all)
        connect(self, self._watch.changed, self.refresh)
        connect(self, session.run_changed, self.refresh)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show the newest runs as last seen."""
        rows = self._watch.rows
        newest = rows[: -ROWS_SHOWN - 1 : -1]
        self.all.setText(f"All {len(rows)} runs…" if len(rows) > ROWS_SHOWN else "All runs…")
        self.list.setVisible(bool(rows))
        self.empty.setVisible(not rows)
        self.list.clear()
        for row in newest:
            word, colour = state_word(row.state)
            # The strip counts the steps of a run that goes on; here they would soon be old.
            steps = "" if row.state.alive else f", step {row.steps}"
            item = QListWidgetItem(f"{row.name}   {word.lower()}{steps}")
            item.setData(Qt.ItemDataRole.UserRole, row.run)
            item.setToolTip(row.message or str(row.run.path))
            item.setIcon(swatch(colour))
            self.list.addItem(item)
            if row.run == self._session.run:
                self.list.setCurrentItem(item)

    def _choose(self, item: QListWidgetItem) -> None:
        run = item.data(Qt.ItemDataRole.UserRole)
        if run != self._session.run:
            self._session.run = run

    def _show_all(self) -> None:
        viewer = self._session.viewer
        if isinstance(viewer, napari.Viewer):
            show_runs(viewer)
