"""The table of objects for Qt's views, over plain rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tomoscribe.segmentation.statistics import ObjectRow

IN_VOXELS = ", voxels"
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class Column:
    """One column: heading, what it is sorted by and shows, what it means."""

    title: str
    value: Callable[[ObjectRow], object]
    tip: str


def _size(value: float) -> str:
    if math.isnan(value):
        return "…"
    return f"{value:,.0f}" if value < 1e10 else f"{value:.3e}"


COLUMNS: tuple[Column, ...] = (
    Column("No.", lambda r: r.number, "Number in the layer “objects” and in label files"),
    Column("Class", lambda r: r.class_name, "Class"),
    Column("Volume, nm³", lambda r: r.volume_nm3, "Voxels times the volume of one"),
    Column("Surface, nm²", lambda r: r.surface_nm2,
           "Area of the closed surface, smoothed by a voxel"),
    Column("x, voxels", lambda r: r.centroid_zyx[2], "Centroid in voxels from the first one"),
    Column("y, voxels", lambda r: r.centroid_zyx[1], "Centroid in voxels from the first one"),
    Column("z, voxels", lambda r: r.centroid_zyx[0], "Centroid in voxels from the first one"),
    Column("Cut", lambda r: r.touches_border,
           "Touches the border of the volume, so it may go on outside"),
)  # fmt: skip


class ObjectModel(QAbstractTableModel):
    """Shows rows of objects; sorts by value."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: list[ObjectRow] = []
        self._sorted = (0, False)

    def set_rows(self, rows: Sequence[ObjectRow]) -> None:
        """Show other rows, sorted as those before."""
        self.beginResetModel()
        self.rows = list(rows)
        self._arrange()
        self.endResetModel()

    def place_of(self, number: int) -> int | None:
        """Return the row of an object."""
        return next((i for i, row in enumerate(self.rows) if row.number == number), None)

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of objects."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return what a cell says."""
        if not index.isValid():
            return None
        value = COLUMNS[index.column()].value(self.rows[index.row()])
        if role == Qt.ItemDataRole.DisplayRole:
            if isinstance(value, bool):
                return "yes" if value else ""
            if isinstance(value, float):
                return (
                    f"{value:.1f}"
                    if COLUMNS[index.column()].title.endswith(IN_VOXELS)
                    else _size(value)
                )
            return str(value)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return None if isinstance(value, (str, bool)) else RIGHT
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Return a heading, or what it means."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section].title
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{COLUMNS[section].tip}. Click to sort."
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by the values of a column."""
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        numbers = [self.rows[index.row()].number for index in before]
        self._sorted = (max(column, 0), order == Qt.SortOrder.DescendingOrder)
        self._arrange()
        places = {row.number: i for i, row in enumerate(self.rows)}
        after = [
            self.index(places[number], index.column())
            for number, index in zip(numbers, before, strict=True)
        ]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _arrange(self) -> None:
        column, descending = self._sorted
        value = COLUMNS[column].value
        self.rows.sort(key=lambda row: (value(row), row.number), reverse=descending)
