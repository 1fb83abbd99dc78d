"""The card that shows all keys; the same key or a click takes it away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from tomoscribe.ui import keys, style
from tomoscribe.ui.widgets import heading

if TYPE_CHECKING:
    from qtpy.QtGui import QMouseEvent


COLUMNS = ((keys.PICKING,), (keys.MEMBRANES,), (keys.REVIEW, keys.VIEW))
"""Groups by column: three fit a window of 1280 pixels."""


class KeysOverlay(QFrame):
    """All keys by group, in columns."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAutoFillBackground(True)
        self.setObjectName("tomoscribe-keys")
        edge = f"border: 1px solid {style.MUTED}; border-radius: {style.SPACING}px;"
        self.setStyleSheet(f"#tomoscribe-keys {{ {edge} }}")
        columns = QHBoxLayout(self)
        columns.setContentsMargins(*(4 * style.SPACING,) * 4)
        columns.setSpacing(4 * style.SPACING)
        groups = dict(keys.table())
        for titles in COLUMNS:
            column = QVBoxLayout()
            column.setSpacing(style.SPACING)
            for title in titles:
                column.addWidget(heading(title))
                column.addLayout(_grid(groups[title]))
            column.addStretch(1)
            columns.addLayout(column)

    @classmethod
    def toggle(cls, window: QWidget) -> KeysOverlay:
        """Show the card in the middle of a window, or hide it if it is there."""
        card = window.findChild(cls)
        if card is None:
            card = cls(window)
        elif card.isVisible():
            card.hide()
            return card
        card.adjustSize()
        card.move(window.rect().center() - card.rect().center())
        card.show()
        card.raise_()
        return card

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Hide on a click."""
        event.accept()
        self.hide()


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
