"""The table of checkpoints for Qt's views, over plain rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt

from tomoscribe.ui.compare.checkpoint_rows import COLUMNS, CheckpointRows, marks_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tomoscribe.training.checkpoint_list import CheckpointRow
    from tomoscribe.training.checkpoint_ref import CheckpointRef

MARKS = 0
"""Column of the marks; the columns of the plain rows follow."""

MARKS_TIP = "★ current model of the project; A and B are the sides that are compared"
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class CheckpointModel(QAbstractTableModel):
    """Shows `CheckpointRows`; sorts by what a column means, not by its text."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.plain = CheckpointRows()
        self._sides: Mapping[str, CheckpointRef | None] = {}
        self._model: Path | None = None

    def set_rows(self, rows: tuple[CheckpointRow, ...]) -> None:
        """Show other rows; sorting and filter stay."""
        if rows != self.plain.rows:
            self.beginResetModel()
            self.plain.rows = rows
            self.plain.arrange()
            self.endResetModel()

    def set_run(self, run: str | None) -> None:
        """Show only the checkpoints of one run, or all."""
        self.beginResetModel()
        self.plain.run = run
        self.plain.arrange()
        self.endResetModel()

    def set_marks(self, sides: Mapping[str, CheckpointRef | None], model: Path | None) -> None:
        """Mark the sides and the project's current model."""
        self._sides, self._model = dict(sides), model
        last = self.rowCount() - 1
        if last >= 0:
            self.dataChanged.emit(self.index(0, MARKS), self.index(last, MARKS))

    def row(self, index: QModelIndex) -> CheckpointRow | None:
        """Return the checkpoint of a cell."""
        shown = self.plain.shown
        return shown[index.row()] if index.isValid() and index.row() < len(shown) else None

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of checkpoints that are shown."""
        return 0 if parent is not None and parent.isValid() else len(self.plain.shown)

    def columnCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(COLUMNS) + 1

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return what a cell says."""
        row = self.row(index)
        if row is None:
            return None
        marks = index.column() == MARKS
        if role == Qt.ItemDataRole.DisplayRole:
            if marks:
                return marks_of(row, self._sides, self._model)
            return COLUMNS[index.column() - 1].text(row)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if not marks and COLUMNS[index.column() - 1].number else None
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{row.ref.source}: Return makes it side A, Shift+Return side B"
        return None

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> object:
        """Return a heading, or what it means."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return "" if section == MARKS else COLUMNS[section - 1].title
        if role == Qt.ItemDataRole.ToolTipRole:
            tip = MARKS_TIP if section == MARKS else COLUMNS[section - 1].tip
            return f"{tip}. Click to sort." if section != MARKS else tip
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by what a column means; rows without such a value come last."""
        self.layoutAboutToBeChanged.emit()
        before = self.persistentIndexList()
        rows = [self.row(index) for index in before]
        self.plain.column = None if column <= MARKS else column - 1
        self.plain.descending = order == Qt.SortOrder.DescendingOrder
        self.plain.arrange()
        after = [
            QModelIndex() if row is None else self._index_of(row, index.column())
            for row, index in zip(rows, before, strict=True)
        ]
        self.changePersistentIndexList(before, after)
        self.layoutChanged.emit()

    def _index_of(self, row: CheckpointRow, column: int) -> QModelIndex:
        place = self.plain.row_of(row.ref)
        return QModelIndex() if place is None else self.index(place, column)
