"""All checkpoints of all runs in one table, from which A and B are chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import QEvent, QObject, Qt, QTimer
from qtpy.QtGui import QKeyEvent
from qtpy.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QComboBox,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from tomoscribe.training.checkpoint_list import CheckpointList, rows_of_files
from tomoscribe.ui import style
from tomoscribe.ui.background import Background
from tomoscribe.ui.compare.checkpoint_model import CheckpointModel
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.connections import connect
from tomoscribe.ui.scores.score_library import ScoreLibrary
from tomoscribe.ui.widgets import button, enable, hint, row

if TYPE_CHECKING:
    from qtpy.QtGui import QHideEvent, QShowEvent

    from tomoscribe.training.checkpoint_list import CheckpointRow
    from tomoscribe.training.checkpoint_ref import CheckpointRef
    from tomoscribe.ui.compare.sides import Letter
    from tomoscribe.ui.session import Session

POLL_MS = 2000
"""How old the table may be while somebody looks at it."""

HEIGHT = 170
ROW_HEIGHT = 22
RUN_WIDTH = 104
"""Of the column of the run's name, whose end tells runs of a day apart; its tooltip has all."""

ALL = "all runs"
EMPTY = "No checkpoints yet. Train, or open a checkpoint file as side A or B."
CHOOSE = "Select a checkpoint in the table first."


class CheckpointTable(QWidget):
    """A table to sort and filter; Return or a double click makes a row A, with Shift B.

    Emits `chosen(letter, ref)` when a side was chosen here.
    """

    chosen = Signal(str, object)

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._sides = Sides.of(session)
        self._list: CheckpointList | None = None
        self._project: object = None
        self._reader = Background(self, reads_only=True)
        self._timer = QTimer(self)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self.refresh)
        self.model = CheckpointModel(self)
        self.view = self._make_view()
        self.run = QComboBox()
        self.run.setToolTip("Shows the checkpoints of one run only")
        self.run.addItem(ALL, None)
        self.run.activated.connect(lambda _: self.model.set_run(self.run.currentData()))
        self.as_a = button("Set as A", "Compares the selected checkpoint as side A (Return).",
                           lambda: self.choose("a"))  # fmt: skip
        self.as_b = button("Set as B", "Compares it as side B (Shift+Return).",
                           lambda: self.choose("b"))  # fmt: skip
        self.empty = hint(EMPTY)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING)
        layout.addLayout(row(self.run, self.as_a, self.as_b, stretch=0))
        layout.addWidget(self.view)
        layout.addWidget(self.empty)
        connect(self, self._sides.changed, self._mark)
        connect(self, session.project_changed, self._on_project)
        connect(self, ScoreLibrary.of(session).listed, self._on_listed)
        connect(self, session.closed, self._end)
        self._on_project()

    @property
    def selected(self) -> CheckpointRow | None:
        """The row that is selected."""
        return self.model.row(self.view.currentIndex())

    def choose(self, letter: Letter) -> None:
        """Make the selected checkpoint side A or B."""
        selected = self.selected
        if selected is not None:
            self._sides.choose(letter, selected.ref)
            self.chosen.emit(letter, selected.ref)

    def refresh(self) -> None:
        """Read what is new, in a thread."""
        known = self._list
        if known is not None and not self._reader.busy:
            self._reader.run(known.poll, lambda rows: self._take(known, rows))

    def showEvent(self, event: QShowEvent | None) -> None:
        """Keep it up to date while it is seen."""
        super().showEvent(event)
        self.refresh()
        self._timer.start()

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Do nothing while nobody sees it."""
        super().hideEvent(event)
        self._timer.stop()

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:
        """Take Return in the table."""
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        if event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            return False
        self.choose("b" if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else "a")
        return True

    def _make_view(self) -> QTableView:
        view = QTableView()
        view.setToolTip("Enter or a double click makes a checkpoint side A, with Shift side B.")
        view.setModel(self.model)
        view.setFixedHeight(HEIGHT)
        view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        view.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        view.setTabKeyNavigation(False)
        view.setWordWrap(False)
        view.setTextElideMode(Qt.TextElideMode.ElideLeft)
        view.verticalHeader().hide()
        view.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        view.horizontalHeader().setHighlightSections(False)
        # As they come until a heading is clicked.
        view.horizontalHeader().setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        view.setSortingEnabled(True)
        view.installEventFilter(self)
        view.doubleClicked.connect(lambda _: self._on_double_click())
        view.selectionModel().selectionChanged.connect(lambda *_: self._show_buttons())
        return view

    def _take(self, known: CheckpointList, rows: tuple[CheckpointRow, ...]) -> None:
        if known is not self._list:
            return
        sides = [ref for ref in self._refs().values() if ref is not None]
        files = [ref for ref in sides if ref.run is None or ref.run.parent != known.runs_dir]
        selected = None if self.selected is None else self.selected.ref
        first = not self.model.plain.rows
        self.model.set_rows((*rows, *rows_of_files(dict.fromkeys(files))))
        self._offer_runs()
        self._mark()
        place = self.model.plain.row_of(selected)
        if place is not None and self.view.currentIndex().row() != place:
            self.view.selectRow(place)
        if first and rows:
            self.view.resizeColumnsToContents()
            self.view.setColumnWidth(1, min(self.view.columnWidth(1), RUN_WIDTH))
        self.empty.setVisible(not self.model.plain.rows)
        self._show_buttons()

    def _offer_runs(self) -> None:
        names = self.model.plain.runs
        if [self.run.itemData(i) for i in range(1, self.run.count())] == names:
            return
        wanted = self.run.currentData()
        self.run.clear()
        self.run.addItem(ALL, None)
        for name in names:
            self.run.addItem(name, name)
        self.run.setCurrentIndex(max(self.run.findData(wanted), 0) if wanted else 0)
        self.model.set_run(self.run.currentData())

    def _refs(self) -> dict[str, CheckpointRef | None]:
        return {"a": self._sides.a, "b": self._sides.b}

    def _mark(self, *_: object) -> None:
        project = self._session.project
        self.model.set_marks(self._refs(), None if project is None else project.model)

    def _on_double_click(self) -> None:
        shift = QApplication.keyboardModifiers() & Qt.KeyboardModifier.ShiftModifier
        self.choose("b" if shift else "a")

    def _show_buttons(self) -> None:
        for widget in (self.as_a, self.as_b):
            enable(widget, CHOOSE if self.selected is None else None)

    def _on_listed(self) -> None:
        if self.isVisible():
            self.refresh()

    def _on_project(self, *_: object) -> None:
        project = self._session.project
        if project is self._project and self._list is not None:
            return
        self._project = project
        self._reader.drop()
        self._list = None if project is None else CheckpointList(project.runs_dir)
        if project is not None:
            connect(self, project.model_changed, self._mark)
        self.model.set_rows(())
        self.empty.setVisible(True)
        self._show_buttons()
        if self.isVisible():
            self.refresh()

    def _end(self) -> None:
        self._timer.stop()
        self._reader.close()
