"""Qt's view of the runs: a table model whose rows stay the same objects while runs go on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt
from qtpy.QtGui import QColor, QFont, QIcon, QPainter, QPixmap

from tomoscribe.training.run_table import differences
from tomoscribe.ui.runs.run_columns import COLUMNS, Line, tip_of
from tomoscribe.ui.runs.run_words import state_word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tomoscribe.training.run import RunFolder
    from tomoscribe.training.run_summary import RunRow

ROOT = QModelIndex()
SORT = Qt.ItemDataRole.UserRole
STATE, NAME = 0, 1


AGE_S = 30.0
"""So old may the age be that a line tells."""


def _same(line: Line, before: Line) -> bool:
    """Tell whether two lines of a run say the same, but for a little in its age."""
    told = (line.row, line.size, line.differs) == (before.row, before.size, before.differs)
    return told and line.now - before.now < AGE_S


class RunModel(QAbstractTableModel):
    """The runs as lines of a table."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[Line] = []
        self._watched: RunFolder | None = None
        self._dots: dict[str, QIcon] = {}

    def show_rows(
        self, rows: Sequence[RunRow], sizes: Mapping[RunFolder, int], watched: RunFolder | None
    ) -> None:
        """Show runs; lines that stay keep their place, and so selection and scrolling."""
        now = time.time()
        lines = [
            Line(row, differs, sizes.get(row.run), now)
            for row, differs in zip(rows, differences(rows), strict=True)
        ]
        # Of lines that say the same as before nothing is drawn anew, nor is the table sorted.
        moved = set() if self._watched == watched else {self._watched, watched}
        self._watched = watched
        there = {line.row.run for line in lines}
        for index in range(len(self.lines) - 1, -1, -1):
            if self.lines[index].row.run not in there:
                self.beginRemoveRows(ROOT, index, index)
                del self.lines[index]
                self.endRemoveRows()
        place = {line.row.run: index for index, line in enumerate(self.lines)}
        new = [line for line in lines if line.row.run not in place]
        for line in lines:
            at = place.get(line.row.run)
            if at is not None and (line.row.run in moved or not _same(line, self.lines[at])):
                self.lines[at] = line
                self.dataChanged.emit(self.index(at, 0), self.index(at, len(COLUMNS) - 1))
        if new:
            self.beginInsertRows(ROOT, len(self.lines), len(self.lines) + len(new) - 1)
            self.lines += new
            self.endInsertRows()

    def rowCount(self, parent: QModelIndex = ROOT) -> int:
        """Return the number of runs."""
        return 0 if parent.isValid() else len(self.lines)

    def columnCount(self, parent: QModelIndex = ROOT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Return a column's title or its meaning."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section].title
        return COLUMNS[section].tip if role == Qt.ItemDataRole.ToolTipRole else None

    def data(self, index: QModelIndex, role: int = 0) -> Any:
        """Return what a cell shows in a role."""
        line, column = self.lines[index.row()], COLUMNS[index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.text(line)
        if role == SORT:
            return column.key(line)
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip_of(line)
        if role == Qt.ItemDataRole.DecorationRole and index.column() == STATE:
            return self._dot(state_word(line.row.state)[1])
        if role == Qt.ItemDataRole.FontRole and line.row.run == self._watched:
            font = QFont()
            font.setBold(True)
            return font
        if role == Qt.ItemDataRole.TextAlignmentRole and column.right:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def _dot(self, colour: str) -> QIcon:
        if colour not in self._dots:
            pixmap = QPixmap(16, 16)
            pixmap.fill(Qt.GlobalColor.transparent)
            painter = QPainter(pixmap)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colour))
            painter.drawEllipse(3, 3, 10, 10)
            painter.end()
            icon = QIcon(pixmap)
            icon.addPixmap(pixmap, QIcon.Mode.Selected)  # else Qt tints it in a selected row
            self._dots[colour] = icon
        return self._dots[colour]


class RunFilter(QSortFilterProxyModel):
    """Sorts by a column's value, and keeps rows that hold all words that were typed."""

    def __init__(self, model: RunModel) -> None:
        super().__init__()
        self._words: list[str] = []
        self._model = model
        self.setSourceModel(model)
        self.setSortRole(SORT)
        self.setDynamicSortFilter(True)

    def set_text(self, text: str) -> None:
        """Keep rows that hold each of these words in some column, or in the name of their sweep."""
        self._words = text.casefold().split()
        self.invalidateFilter()

    def filterAcceptsRow(self, row: int, parent: QModelIndex) -> bool:
        """Tell whether a row is kept."""
        line = self._model.lines[row]
        text = " ".join([*(c.text(line) for c in COLUMNS), line.row.sweep]).casefold()
        return all(word in text for word in self._words)

    def runs(self, rows: Sequence[QModelIndex]) -> list[RunRow]:
        """Return the runs at places of the view."""
        return [self._model.lines[self.mapToSource(index).row()].row for index in rows]
