"""The frame of a table of classes: colour, name and two more columns, with buttons + and −."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtGui import QColor
from qtpy.QtWidgets import (
    QAbstractItemView,
    QColorDialog,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QVBoxLayout,
    QWidget,
)

from tomoscribe.ui import style
from tomoscribe.ui.widgets import heading, row

if TYPE_CHECKING:
    from collections.abc import Sequence

COLOR, NAME = 0, 1
CLASS_KEYS = 9
"""Classes that a key chooses."""
_COLOR_WIDTH, _BUTTON_WIDTH = 26, 28


def class_rows(tip: str, headers: Sequence[str], header_tips: Sequence[str]) -> QTableWidget:
    """Return an empty table of classes; `headers` and their tips are of what follows the name."""
    table = QTableWidget(0, 2 + len(headers))
    table.setToolTip(tip)
    table.setHorizontalHeaderLabels(["", "Name", *headers])
    table.verticalHeader().hide()
    table.setShowGrid(False)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    header = table.horizontalHeader()
    header.setMinimumSectionSize(_COLOR_WIDTH)
    header.setSectionResizeMode(COLOR, QHeaderView.ResizeMode.Fixed)
    header.resizeSection(COLOR, _COLOR_WIDTH)
    header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
    for column, told in enumerate(header_tips, NAME + 1):
        header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        table.horizontalHeaderItem(column).setToolTip(told)
    return table


def frame(widget: QWidget, table: QTableWidget, *buttons: QPushButton) -> None:
    """Lay a heading with its small buttons and the table below it out in `widget`."""
    for small in buttons:
        small.setFixedWidth(_BUTTON_WIDTH)
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(style.SPACING // 2)
    layout.addLayout(row(heading("Classes"), *buttons, stretch=0))
    layout.addWidget(table)


def show_rows(table: QTableWidget, count: int) -> None:
    """Make a table as high as `count` rows need."""
    height = table.horizontalHeader().sizeHint().height()
    table.setFixedHeight(height + count * table.verticalHeader().defaultSectionSize() + 4)


def asked_color(widget: QWidget, name: str, color: str) -> str | None:
    """Ask for the colour of a class as #rrggbb; None where the user wants no other."""
    chosen = QColorDialog.getColor(QColor(color), widget, f"Colour of {name}")
    return chosen.name() if chosen.isValid() else None
