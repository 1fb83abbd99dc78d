"""The dock *Runs*: every training of the project in one table, and what can be done with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from qtpy.QtCore import QItemSelectionModel, QPoint, QSize, Qt
from qtpy.QtGui import QAction, QKeySequence
from qtpy.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QHeaderView,
    QLineEdit,
    QMenu,
    QTableView,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from tomoscribe.ui import style
from tomoscribe.ui.connections import connect
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.run_actions import RunAction, RunActions
from tomoscribe.ui.runs.run_columns import COLUMNS
from tomoscribe.ui.runs.run_model import RunFilter, RunModel
from tomoscribe.ui.runs.run_watch import RunWatch
from tomoscribe.ui.widgets import DOCK_WIDTH, hint

if TYPE_CHECKING:
    from qtpy.QtGui import QDragEnterEvent, QDropEvent, QKeyEvent

    from tomoscribe.training.run_summary import RunRow
    from tomoscribe.ui.session import Session

AGE = next(i for i, column in enumerate(COLUMNS) if column.title == "age")
LOWEST = 120
"""Pixels of height that a bar and two runs need."""
WIDEST = 260
"""Pixels that a column takes at most by itself; the user may widen it."""

BAR_STYLE = (
    "QToolButton { border: 1px solid rgba(128, 128, 128, 110); border-radius: 3px;"
    " padding: 3px 8px; margin-right: 4px; }"
)
"""Else the actions of a bar look like mere words."""

EMPTY = (
    "No training yet. Press Train in the dock Train, or run `tomoscribe train` on this project: "
    "runs from anywhere that share the folder show up here by themselves."
)
NO_PROJECT = "Open a project: its trainings will be listed here."


class RunsDock(QWidget):
    """A table of the runs, with a bar, a context menu and keys for the same actions."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._watch = RunWatch.of(session)
        self._actions = RunActions(session, self)
        self.model = RunModel()
        self.filter = RunFilter(self.model)
        self.view = _table(self.filter)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Filter: words of any column")
        self.search.setClearButtonEnabled(True)
        self.search.setToolTip("Shows runs that hold all these words, such as: finished bin 2")
        self.search.setMaximumWidth(240)
        self.said = hint()
        self.bar = QToolBar()
        self.buttons: dict[str, QAction] = {}
        self._fitted = False
        self._build()
        connect(self, self._watch.changed, self.refresh)
        connect(self, session.run_changed, self.refresh)
        connect(self, RunMonitor.of(session).followed, self.refresh)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show the runs as last seen."""
        watch = self._watch
        self.model.show_rows(watch.rows, watch.sizes, self._session.run)
        empty = EMPTY if self._session.project is not None else NO_PROJECT
        self.said.setText(watch.trouble or ("" if watch.rows else empty))
        self.said.setStyleSheet(f"color: {style.BAD if watch.trouble else style.quiet_text()};")
        self.said.setVisible(bool(self.said.text()))
        self.view.setVisible(bool(watch.rows))
        if watch.rows and not self._fitted:
            self._fit_columns()
        self._enable()

    def chosen(self) -> list[RunRow]:
        """Return the selected runs, as they stand in the table."""
        return self.filter.runs(self.view.selectionModel().selectedRows())

    def choose(self, names: list[str]) -> None:
        """Select runs by name."""
        selection = self.view.selectionModel()
        selection.clearSelection()
        flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
        for place in range(self.filter.rowCount()):
            index = self.filter.index(place, 0)
            if self.filter.runs([index])[0].name in names:
                selection.select(index, flags)

    def minimumSizeHint(self) -> QSize:
        """Return what is left where room is scarce: the bar folds up, the table scrolls."""
        return QSize(DOCK_WIDTH, LOWEST)

    def sizeHint(self) -> QSize:
        """Ask for no more: else the window grows while the dock is on its way below."""
        return self.minimumSizeHint()

    def dragEnterEvent(self, event: QDragEnterEvent | None) -> None:
        """Take folders."""
        if event is not None and event.mimeData() is not None and event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent | None) -> None:
        """List the run folders that were dropped."""
        if event is not None and event.mimeData() is not None:
            for url in event.mimeData().urls():
                self.add(Path(url.toLocalFile()))
            event.acceptProposedAction()

    def add(self, path: Path) -> None:
        """List a run from elsewhere; what is no run is told."""
        self._watch.add(path)

    def _build(self) -> None:
        self.setAcceptDrops(True)
        self.bar.setStyleSheet(BAR_STYLE)
        self.setStyleSheet(style.FOCUS)
        for action in self._actions.table:
            self._add_action(action)
        self.bar.addSeparator()
        add = _action("Add…", self)
        add.triggered.connect(self._ask_for_run)
        self.bar.addAction(add)
        add.setToolTip("Lists a run folder that lies elsewhere; or drop one here.")
        self.buttons["Add…"] = add
        for button in self.bar.findChildren(QToolButton):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.bar.addWidget(self.search)
        self.search.textChanged.connect(self.filter.set_text)
        self.view.selectionModel().selectionChanged.connect(lambda *_: self._enable())
        self.view.customContextMenuRequested.connect(self._menu)
        self.view.doubleClicked.connect(lambda _: self.buttons["Watch"].trigger())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(style.SPACING,) * 4)
        layout.setSpacing(style.SPACING // 2)
        layout.addWidget(self.bar)
        layout.addWidget(self.said)
        layout.addWidget(self.view, 1)
        layout.addStretch(0)

    def _add_action(self, action: RunAction) -> None:
        made = _action(action.text, self)
        made.triggered.connect(lambda: action.do(self.chosen()))
        if action.key:
            self.view.keys[QKeySequence(action.key)] = made
        if action.in_bar:
            self.bar.addAction(made)
        self.buttons[action.text] = made

    def _fit_columns(self) -> None:
        """Fit the columns to the first runs; later the user's widths stay."""
        self._fitted = True
        self.view.resizeColumnsToContents()
        for index in range(len(COLUMNS)):
            self.view.setColumnWidth(index, min(self.view.columnWidth(index) + 8, WIDEST))

    def _enable(self) -> None:
        """Let each action say whether it can be done with what is chosen, or why not."""
        rows = self.chosen()
        for action in self._actions.table:
            why = action.why_not(rows)
            self.buttons[action.text].setEnabled(why is None)
            self.buttons[action.text].setToolTip(why or action.tip)

    def _menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for action in self._actions.table:
            menu.addAction(self.buttons[action.text])
        menu.addSeparator()
        menu.addAction(self.buttons["Add…"])
        menu.exec(self.view.viewport().mapToGlobal(place))
        menu.deleteLater()

    def _ask_for_run(self) -> None:
        folder = QFileDialog.getExistingDirectory(self, "Run folder")
        if folder:
            self.add(Path(folder))


def _action(text: str, parent: QWidget) -> QAction:
    """Return an action whose button keeps the dots that say that it asks before it acts."""
    made = QAction(text, parent)
    made.setIconText(text)
    return made


class RunView(QTableView):
    """A table whose `keys` trigger actions while it has the focus, and only then."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: dict[QKeySequence, QAction] = {}

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Trigger the key's action."""
        if event is not None:
            pressed = QKeySequence(event.keyCombination())
            for sequence, action in self.keys.items():
                if sequence == pressed:
                    action.trigger()
                    return
        super().keyPressEvent(event)


def _table(model: RunFilter) -> RunView:
    view = RunView()
    view.setToolTip("Enter or a double click watches a run; Ctrl and Shift choose several.")
    view.setModel(model)
    view.setSortingEnabled(True)
    view.sortByColumn(AGE, Qt.SortOrder.AscendingOrder)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
    view.setTabKeyNavigation(False)  # Tab leaves the table
    view.setShowGrid(False)
    view.setWordWrap(False)
    view.verticalHeader().hide()
    view.verticalHeader().setDefaultSectionSize(view.fontMetrics().height() + 8)
    header = view.horizontalHeader()
    header.setHighlightSections(False)
    header.setStretchLastSection(True)
    header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
    return view
