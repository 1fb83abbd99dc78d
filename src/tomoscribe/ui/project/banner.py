"""A strip at the top of a dock that says something until it is true no more, with buttons."""

from __future__ import annotations

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from tomoscribe.ui import style


class Banner(QFrame):
    """Hidden while it has nothing to say; never a box that must be answered."""

    def __init__(
        self, *buttons: QPushButton, colour: str = style.WAIT, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("tomoscribe-banner")
        self.setStyleSheet(
            f"#tomoscribe-banner {{ border: 1px solid {colour}; border-left: 4px solid {colour}; "
            "border-radius: 3px; }"
        )
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.column = column = QVBoxLayout(self)
        column.setContentsMargins(*(style.SPACING,) * 4)
        column.setSpacing(style.SPACING)
        column.addWidget(self.label)
        self.line = QHBoxLayout()
        self.line.addStretch(1)
        for made in buttons:
            self.line.addWidget(made)
        column.addLayout(self.line)
        self.hide()

    def say(self, text: str) -> None:
        """Say something, or hide."""
        self.label.setText(text)
        self.setVisible(bool(text))
