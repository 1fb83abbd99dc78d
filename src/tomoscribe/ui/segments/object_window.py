"""The window *Objects*: a row an object, linked to the viewer both ways; export and lock."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QItemSelectionModel, Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHeaderView,
    QLabel,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from tomoscribe.ui import style
from tomoscribe.ui.background import Background, sentence_of
from tomoscribe.ui.connections import connect
from tomoscribe.ui.segments.decoder_words import why_no_objects
from tomoscribe.ui.segments.object_export import ObjectExport
from tomoscribe.ui.segments.object_model import ObjectModel
from tomoscribe.ui.view import triple
from tomoscribe.ui.widgets import button, enable, row

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qtpy.QtGui import QCloseEvent

    from tomoscribe.segmentation.statistics import ObjectRow
    from tomoscribe.ui.segments.decoding import Objects
    from tomoscribe.ui.segments.segments import Segments
    from tomoscribe.ui.session import Session

SIZE = (720, 460)
"""All columns are seen: places and sizes are compared by them."""
CHOOSE = "Choose an object first: click a row, or the object in the viewer."


class ObjectWindow(QDialog):
    """Follows what is decoded while it is open; measures in a thread."""

    def __init__(self, session: Session, segments: Segments, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._segments = segments
        self._thread = Background(self, reads_only=True)
        self._of: Objects | None = None
        self._moving = False
        self.setWindowTitle("Objects")
        self.resize(*SIZE)
        self.summary = QLabel()
        self.summary.setWordWrap(True)
        self.model = ObjectModel(self)
        self.view = _table(self.model)
        self.export = ObjectExport(session, segments, self)
        self.save = button("Export", "Labels, table, meshes, point clouds", lambda: None)
        self.save.setMenu(self.export.menu)
        self.lock = button(
            "Lock into labels",
            "Makes the object a locked object of your labels (Shift+Q, under the cursor)",
            lambda: segments.take(segments.selected),
        )
        layout = QVBoxLayout(self)
        layout.setSpacing(style.SPACING)
        layout.addWidget(self.summary)
        layout.addWidget(self.view, 1)
        layout.addWidget(self.export.line)
        layout.addLayout(row(QWidget(), self.lock, self.save, stretch=0))
        self.setStyleSheet(style.FOCUS)
        selection = self.view.selectionModel()
        assert selection is not None
        selection.currentRowChanged.connect(self._on_row)
        connect(self, segments.decoded, self.refresh)
        connect(self, segments.changed, self.refresh)
        connect(self, session.closed, self._end)
        self.refresh()

    @property
    def busy(self) -> bool:
        """Whether objects are being measured."""
        return self._thread.busy

    def refresh(self, *_: object) -> None:
        """Show the objects as of now, and which one is selected."""
        objects = self._segments.objects
        if objects is not self._of:
            self._of = objects
            self._measure()
        self._mark(self._segments.selected)
        why = why_no_objects(self._segments)
        enable(self.save, why)
        if why is not None:
            self.summary.setText(why)
        enable(self.lock, None if self._segments.selected else CHOOSE)

    def closeEvent(self, event: QCloseEvent | None) -> None:
        """Measure no more; it may be opened again."""
        self._thread.drop()
        self._of = None
        super().closeEvent(event)

    def _end(self) -> None:
        self._thread.close()
        self.close()

    def _measure(self) -> None:
        measured = self._segments.measured()
        if measured is None:
            self._thread.drop()
            self.model.set_rows([])
            return
        self.summary.setText("Measuring …")

        def surfaces(rows: list[ObjectRow]) -> None:
            self._take(rows)
            self._thread.run(lambda: measured.rows(surfaces=True), self._take, self._failed)

        self._thread.run(lambda: measured.rows(surfaces=False), surfaces, self._failed)

    def _take(self, rows: list[ObjectRow]) -> None:
        self._moving = True
        self.model.set_rows(rows)
        self._moving = False
        numbers = Counter(row.class_name for row in rows)
        told = [f"<b>{number}</b> {name}" for name, number in numbers.items()]
        self.summary.setText(", ".join(told) if told else "There are no objects.")
        self._mark(self._segments.selected)

    def _failed(self, error: BaseException) -> None:
        self.summary.setText(sentence_of(error))

    def _on_row(self, current: object, _before: object) -> None:
        """Fly to the object of the row."""
        place = current.row()  # type: ignore[attr-defined]
        if self._moving or not 0 <= place < len(self.model.rows):
            return
        found, maps = self.model.rows[place], self._segments.maps
        self._segments.select(found.number)
        if maps is not None:
            self._session.fly_to(triple(maps.grid.to_tomogram(_inside(found))))

    def _mark(self, number: int) -> None:
        """Select the row of an object that was chosen elsewhere."""
        place = self.model.place_of(number) if number else None
        selection = self.view.selectionModel()
        assert selection is not None
        if place is None or selection.currentIndex().row() == place:
            return
        self._moving = True
        rows = QItemSelectionModel.SelectionFlag.Rows
        flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | rows
        selection.setCurrentIndex(self.model.index(place, 0), flags)
        self._moving = False
        self.view.scrollTo(self.model.index(place, 0))


def _inside(found: ObjectRow) -> NDArray[np.float64]:
    """Return the centroid (3,), in the middle of a section."""
    z, y, x = found.centroid_zyx
    return np.array([round(z), y, x])


def _table(model: ObjectModel) -> QTableView:
    view = QTableView()
    view.setModel(model)
    view.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    view.setSortingEnabled(True)
    view.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    view.setToolTip("Click a row to go to the object")
    heads, numbers = view.horizontalHeader(), view.verticalHeader()
    assert heads is not None
    assert numbers is not None
    heads.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    heads.setStretchLastSection(True)
    view.setShowGrid(False)
    numbers.hide()
    numbers.setDefaultSectionSize(22)
    return view
