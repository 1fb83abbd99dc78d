"""The score histogram with a threshold that can be dragged on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from tomoscribe.ui import style

if TYPE_CHECKING:
    from numpy.typing import ArrayLike
    from qtpy.QtGui import QKeyEvent, QMouseEvent, QPaintEvent

BINS = 50
TICKS = (0.0, 0.05, 0.2, 0.5, 1.0)


class ThresholdHistogram(QWidget):
    """Scores 0..1 as bars; what is above the threshold is in the accent colour.

    Drag anywhere, or use the arrow keys. Both axes are square roots: a young model scores
    0.02 where a grown one scores 0.9, and good picks are few beside thousands of bad ones.
    """

    threshold_changed = Signal(float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._counts = np.zeros(BINS)
        self._threshold = 0.5
        self._suggested: float | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.SplitHCursor)
        self.setToolTip(
            "Scores of the proposals. Drag the line: only picks to its right are proposed."
        )

    def sizeHint(self) -> QSize:
        """Return a size that lets the threshold be set finely."""
        return QSize(260, 84)

    @property
    def threshold(self) -> float:
        """The threshold, 0..1."""
        return self._threshold

    def set_scores(self, scores: ArrayLike) -> None:
        """Show other scores (N,)."""
        places = np.sqrt(np.clip(np.asarray(scores, dtype=float), 0, 1))
        self._counts = np.histogram(places, bins=BINS, range=(0, 1))[0].astype(float)
        self.update()

    def set_threshold(self, value: float) -> None:
        """Move the line and tell."""
        value = float(np.clip(value, 0, 1))
        if value != self._threshold:
            self._threshold = value
            self.update()
            self.threshold_changed.emit(value)

    def set_suggested(self, value: float | None) -> None:
        """Mark the threshold that the tool would choose, or none."""
        self._suggested = value
        self.update()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Take the line to the mouse."""
        self.mouseMoveEvent(event)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Drag the line."""
        if event is not None:
            area = self._area()
            share = (event.position().x() - area.left()) / area.width()
            self.set_threshold(float(np.clip(share, 0, 1)) ** 2)

    def mouseDoubleClickEvent(self, event: QMouseEvent | None) -> None:
        """Go back to the tool's threshold."""
        if self._suggested is not None:
            self.set_threshold(self._suggested)

    def keyPressEvent(self, event: QKeyEvent | None) -> None:
        """Move the line by half a bar."""
        if event is None:
            return
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: +1}
        step = steps.get(Qt.Key(event.key()))
        if step is None:
            super().keyPressEvent(event)
        else:
            place = self._threshold**0.5 + step / (2 * BINS)
            self.set_threshold(float(np.clip(place, 0, 1)) ** 2)

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw bars, axis numbers, the tool's threshold and the line."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = self._area()
        heights = np.sqrt(self._counts)
        heights /= max(heights.max(), 1.0)
        width = area.width() / BINS
        painter.setPen(Qt.PenStyle.NoPen)
        for i, height in enumerate(heights):
            above = (i + 0.5) / BINS >= self._threshold**0.5
            painter.setBrush(QColor(style.ACCENT if above else style.MUTED))
            size = height * area.height()
            painter.drawRect(
                QRectF(area.left() + i * width, area.bottom() - size, max(width - 1, 1), size)
            )
        painter.setPen(QPen(self.palette().text().color(), 1))
        painter.drawLine(area.bottomLeft(), area.bottomRight())
        for value in TICKS:
            x = area.left() + value**0.5 * area.width()
            painter.drawText(
                QRectF(x - 20, area.bottom() + 2, 40, 14),
                Qt.AlignmentFlag.AlignCenter,
                f"{value:g}",
            )
        if self._suggested is not None:
            painter.setPen(QPen(self.palette().text().color(), 1, Qt.PenStyle.DotLine))
            self._vertical(painter, area, self._suggested)
        painter.setPen(QPen(self.palette().text().color(), 2))
        self._vertical(painter, area, self._threshold)
        painter.end()

    def _vertical(self, painter: QPainter, area: QRectF, value: float) -> None:
        x = area.left() + value**0.5 * area.width()
        painter.drawLine(QPointF(x, area.top()), QPointF(x, area.bottom()))

    def _area(self) -> QRectF:
        return QRectF(self.rect()).adjusted(10, 4, -10, -18)
