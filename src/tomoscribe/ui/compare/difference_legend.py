"""The colours of a difference, with what they mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QRectF, Qt
from qtpy.QtGui import QColor, QLinearGradient, QPainter
from qtpy.QtWidgets import QHBoxLayout, QLabel, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.scores.difference import STEPS, difference_colors, reach_of

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent

    from tomoscribe.ui.session import Session

BACKGROUND = 0.5
"""Brightness behind the bar: that of a tomogram."""


class DifferenceLegend(QWidget):
    """From "A higher" over nothing to "B higher", shown while a difference is."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._monitor = RunMonitor.of(session)
        self._sides = Sides.of(session)
        self.low, self.high = QLabel(), QLabel()
        self.bar = _Bar()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING)
        layout.addWidget(self.low)
        layout.addWidget(self.bar, 1)
        layout.addWidget(self.high)
        self.setToolTip("Score of B minus score of A; nothing is drawn where they agree.")

    def refresh(self) -> None:
        """Tell how large the strongest difference is."""
        heat = self._monitor.feed.layer
        shown = self._sides.mode == "difference" and heat.shows_difference
        self.setVisible(shown)
        if shown and heat.map is not None:
            reach = reach_of(heat.map) / STEPS
            self.low.setText(f"A higher by {reach:.2f}")
            self.high.setText(f"B by {reach:.2f}")


class _Bar(QWidget):
    """The colours, over mid grey."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(12)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Paint them."""
        colors = difference_colors()
        mixed = colors[:, :3] * colors[:, 3:] + BACKGROUND * (1 - colors[:, 3:])
        gradient = QLinearGradient(0, 0, self.width(), 0)
        for place in np.linspace(0, 1, 33):
            red, green, blue = (float(c) for c in mixed[round(255 * place)])
            gradient.setColorAt(float(place), QColor.fromRgbF(red, green, blue))
        painter = QPainter(self)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(gradient)
        painter.drawRoundedRect(QRectF(self.rect()), 2, 2)
