"""The card that shows all keys; the same key, Esc or a click takes it away."""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import TYPE_CHECKING

from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QKeySequence, QShortcut
from qtpy.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from tomoscribe.ui import keys, style
from tomoscribe.ui.widgets import heading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QMouseEvent

    Group = tuple[str, list[tuple[str, str]]]

MOST_COLUMNS = 4
"""More would be lines too short to read across."""

AROUND = QSize(6, 6) * style.SPACING
"""Margins, border and frame around the keys, in pixels."""

HEADING_ROWS = 2
"""Rows that the title of a group and the room above it take."""


def columns_of(groups: Sequence[Group], count: int) -> list[list[Group]]:
    """Return the groups in their order, split into `count` columns, the longest as short as can be.

    Parameters
    ----------
    groups : sequence of (title, rows)
        As `keys.table` has them.
    count : int
        Columns wanted; fewer where there are fewer groups.
    """
    count = min(count, len(groups))
    heights = [len(rows) + HEADING_ROWS for _, rows in groups]

    def longest(edges: tuple[int, ...]) -> int:
        return max(sum(heights[a:b]) for a, b in pairwise(edges))

    inner = combinations(range(1, len(groups)), count - 1)
    edges = min(((0, *cuts, len(groups)) for cuts in inner), key=longest)
    return [list(groups[a:b]) for a, b in pairwise(edges)]


class KeysOverlay(QFrame):
    """All keys by group, in as many columns as the window is wide; it scrolls where it is low."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAutoFillBackground(True)
        self.setObjectName("tomoscribe-keys")
        edge = f"border: 1px solid {style.MUTED}; border-radius: {style.SPACING}px;"
        self.setStyleSheet(f"#tomoscribe-keys {{ {edge} }}")
        self._laid_out: tuple[QSize, list[Group]] | None = None
        self.area = QScrollArea()
        self.area.setWidgetResizable(True)
        self.area.setFrameShape(QFrame.Shape.NoFrame)
        self.area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(2 * style.SPACING,) * 4)
        layout.addWidget(self.area)
        # A shortcut of a hidden widget is none: Esc stays the canvas' own.
        QShortcut(QKeySequence(Qt.Key.Key_Escape), self).activated.connect(self.hide)

    @classmethod
    def toggle(cls, window: QWidget) -> KeysOverlay:
        """Show the card in the middle of a window, or hide it if it is there."""
        card = window.findChild(cls)
        if card is None:
            card = cls(window)
        elif card.isVisible():
            card.hide()
            return card
        card.fit(window)
        card.show()
        card.raise_()
        return card

    def fit(self, window: QWidget) -> None:
        """Lay the keys out for the size of a window, and take its middle."""
        room = window.size() - QSize(4, 4) * style.SPACING
        groups = keys.table()
        if self._laid_out == (room, groups):
            return
        self._laid_out = (room, groups)
        bar = QSize(self.area.verticalScrollBar().sizeHint().width(), 0)
        for count in range(MOST_COLUMNS, 0, -1):
            wanted = self._fill(columns_of(groups, count)) + AROUND + bar
            if wanted.width() <= room.width():
                break
        self.resize(wanted.boundedTo(room))
        self.move(window.rect().center() - self.rect().center())

    def _fill(self, columns: list[list[Group]]) -> QSize:
        """Show these columns; return the room that they want."""
        table = _table(columns)
        self.area.setWidget(table)
        # The theme's fonts come with the style, which Qt else applies when it shows a widget.
        for widget in table.findChildren(QWidget):
            widget.ensurePolished()
        return table.sizeHint()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Hide on a click."""
        event.accept()
        self.hide()


def _table(columns: list[list[Group]]) -> QWidget:
    """Return groups of keys side by side."""
    table = QWidget()
    across = QHBoxLayout(table)
    across.setContentsMargins(0, 0, 0, 0)
    across.setSpacing(3 * style.SPACING)
    for groups in columns:
        column = QVBoxLayout()
        column.setSpacing(style.SPACING)
        for title, lines in groups:
            column.addWidget(heading(title))
            column.addLayout(_grid(lines))
            column.addSpacing(style.SPACING)
        column.addStretch(1)
        across.addLayout(column)
    return table


def _grid(lines: list[tuple[str, str]]) -> QGridLayout:
    """Return keys and what they do in two columns."""
    grid = QGridLayout()
    grid.setHorizontalSpacing(2 * style.SPACING)
    grid.setVerticalSpacing(style.SPACING // 2)
    for index, (key, text) in enumerate(lines):
        cap = QLabel(key)
        cap.setStyleSheet("font-weight: 600;")
        grid.addWidget(cap, index, 0)
        grid.addWidget(QLabel(text), index, 1)
    grid.setColumnStretch(1, 1)
    return grid
