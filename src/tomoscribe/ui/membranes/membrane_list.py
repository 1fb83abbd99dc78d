"""The section of the dock about membranes: all of the project, and what the view shows of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QItemSelectionModel, QSortFilterProxyModel, Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QHeaderView,
    QLineEdit,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from tomoscribe.ui import style
from tomoscribe.ui.connections import connect, lend
from tomoscribe.ui.membranes.brush_row import BrushRow
from tomoscribe.ui.membranes.membrane_model import COMPLETE, NAME, PICKS, ROLE, MembraneModel
from tomoscribe.ui.membranes.tomogram_question import TomogramQuestion
from tomoscribe.ui.membranes.unrolled import Unrolled
from tomoscribe.ui.widgets import button, enable, heading, hint, main_window, row

if TYPE_CHECKING:
    from qtpy.QtCore import QModelIndex

    from tomoscribe.ui.session import Session

ROWS_SHOWN = 5
ROW_HEIGHT = 26
"""Four membranes are seen without scrolling where the window is 800 pixels high."""

SEARCHED_FROM = 8
"""Membranes from which a search field helps more than it takes room."""

EMPTY = (
    "Membranes are surfaces to pick on in 3D. Make them from a segmentation, or drop "
    "MemBrain-pick containers (.h5) or meshes (.obj, .ply, .stl, .vtp) on the viewer."
)
MAKE = "make_membranes"
"""The session's action behind the button; whoever makes membranes lends it."""


class MembraneList(QWidget):
    """A table of membranes, its search field, and switches of what is shown."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self.model = MembraneModel(session)
        self.proxy = QSortFilterProxyModel(self)
        self.proxy.setSourceModel(self.model)
        self.proxy.setFilterKeyColumn(NAME)
        self.proxy.setFilterCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.table = self._make_table()
        self.search = QLineEdit()
        self.search.setPlaceholderText("Search")
        self.search.setToolTip("Shows the membranes that have this in their name.")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self.proxy.setFilterFixedString)
        self.make = button(
            "Make…", "Make membranes from a segmentation of this tomogram", self._make
        )
        self.unroll = button(
            "Unroll", "Shows the membrane around the selected pick flat, to click on", self._unroll
        )
        self.unrolled: Unrolled | None = None
        self.help = hint(EMPTY)
        self.outline = self._switch("Outline", "Shows where slices cut membranes", True)
        self.normals = self._switch("Normals", "Shows a tick outward from each pick", True)
        self.others = self._switch("Others", "Shows the other membranes, dim, in 3D", True)
        self.brush = BrushRow(session)
        self.question = TomogramQuestion(session)
        self._lay_out()
        self.outline.toggled.connect(session.outline.set_on)
        self.normals.toggled.connect(session.ticks.set_on)
        self.others.toggled.connect(session.membranes.set_context)
        self.model.modelReset.connect(self.refresh)
        connect(self, session.membrane_changed, self.refresh)
        connect(self, session.current_changed, self.refresh)
        lend(self, session, {"next_membrane": self.go_next, "previous_membrane": self.go_back})
        self.refresh()

    # ---------------------------------------------------------------- doing
    def go_next(self) -> None:
        """Show the next membrane of the list."""
        self._step(+1)

    def go_back(self) -> None:
        """Show the previous membrane of the list."""
        self._step(-1)

    def _step(self, direction: int) -> None:
        names = self.shown_names
        if not names:
            self._session.status_message.emit("There are no membranes to go to yet.")
            return
        current = self._session.membrane_name
        if current in names:
            name = names[(names.index(current) + direction) % len(names)]
        else:
            name = names[0 if direction > 0 else -1]
        self.go_to(name)

    def go_to(self, name: str) -> None:
        """Show a membrane, framed by the camera."""
        session = self._session
        if session.change(lambda: session.set_membrane(name)) and not session.membranes.shown:
            session.surfaces.view.frame()

    @property
    def shown_names(self) -> list[str]:
        """Names in the order of the table, as far as the search lets them through."""
        rows = range(self.proxy.rowCount())
        return [self.model.names[self._source(self.proxy.index(r, NAME))] for r in rows]

    # ---------------------------------------------------------------- looking
    def refresh(self, *_: object) -> None:
        """Follow the project and the current membrane."""
        session, count = self._session, len(self.model.names)
        for widget in (self.table, self.brush, self.outline, self.normals, self.others):
            widget.setVisible(count > 0)
        self.unroll.setVisible(count > 0)
        self.help.setVisible(count == 0)
        self.search.setVisible(count >= SEARCHED_FROM)
        enable(self.make, None if session.entry else "Open a tomogram first.")
        enable(self.unroll, None if session.membrane else "Choose a membrane first.")
        rows = min(max(count, 1), ROWS_SHOWN)
        header = self.table.horizontalHeader().sizeHint().height()
        height = self.table.verticalHeader().defaultSectionSize()
        self.table.setFixedHeight(header + rows * height + 4)
        self._select_current()

    def _select_current(self) -> None:
        name = self._session.membrane_name
        selection = self.table.selectionModel()
        if name not in self.model.names:
            selection.clearSelection()
            return
        source = self.model.index(self.model.names.index(name), NAME)
        index = self.proxy.mapFromSource(source)
        flags = QItemSelectionModel.SelectionFlag
        selection.select(index, flags.ClearAndSelect | flags.Rows)
        self.table.scrollTo(index)

    # ---------------------------------------------------------------- parts
    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setToolTip("A click shows a membrane; on the left it changes what it is used for.")
        table.setModel(self.proxy)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        table.setShowGrid(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        header = table.horizontalHeader()
        header.setMinimumSectionSize(26)
        header.setSectionResizeMode(ROLE, QHeaderView.ResizeMode.Fixed)
        header.resizeSection(ROLE, 26)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        # Fixed widths: measuring the text of hundreds of rows would cost more than drawing them.
        for column, width in ((PICKS, 70), (COMPLETE, 72)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            header.resizeSection(column, width)
        table.clicked.connect(self._on_click)
        return table

    def _switch(self, text: str, tip: str, on: bool) -> QCheckBox:
        made = QCheckBox(text)
        made.setToolTip(tip)
        made.setChecked(on)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return made

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING)
        layout.addLayout(row(heading("Membranes"), self.unroll, self.make, stretch=0))
        layout.addWidget(self.question)
        layout.addWidget(self.search)
        layout.addWidget(self.help)
        layout.addWidget(self.table)
        switches = row(self.outline, self.normals, self.others)
        switches.addStretch(1)
        layout.addLayout(switches)
        layout.addWidget(self.brush)

    def _source(self, index: QModelIndex) -> int:
        return self.proxy.mapToSource(index).row()

    def _on_click(self, index: QModelIndex) -> None:
        name = self.model.names[self._source(index)]
        if index.column() == ROLE:
            self.model.change_role(name)
        elif name != self._session.membrane_name:
            self.go_to(name)

    def _make(self) -> None:
        action = self._session.actions.get(MAKE)
        if action is not None:
            action()
        else:
            self._session.status_message.emit(
                "Nothing here makes membranes yet: use `tomoscribe mesh`, then drop its files."
            )

    def _unroll(self) -> None:
        if self.unrolled is None:
            self.unrolled = Unrolled(self._session, main_window(self))
        self.unrolled.show()
        self.unrolled.raise_()
        self.unrolled.centre()
