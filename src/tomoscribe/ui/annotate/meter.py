"""A progress bar that paints when the window does; Qt's own repaints at once, 50 ms a click."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPalette
from qtpy.QtWidgets import QSizePolicy, QWidget

from tomoscribe.ui import style

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent

HEIGHT = 18
RADIUS = 4.0


class Meter(QWidget):
    """`value` of `target` as a filled bar with the numbers on it."""

    def __init__(self, target: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.target = target
        self.value = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Return one line of text's height."""
        return QSize(120, HEIGHT)

    def set_value(self, value: int) -> None:
        """Show another value; more than the target fills the bar."""
        if value != self.value:
            self.value = value
            self.update()

    def text(self) -> str:
        """Return what stands on the bar."""
        return f"{self.value} / {self.target}"

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint groove, bar and numbers."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        groove = QColor(style.MUTED)
        groove.setAlpha(60)
        box = QRectF(self.rect())
        painter.setBrush(groove)
        painter.drawRoundedRect(box, RADIUS, RADIUS)
        share = min(self.value / self.target, 1.0)
        if share > 0:
            bar = QColor(style.ACCENT)
            bar.setAlpha(150)
            painter.setBrush(bar)
            painter.drawRoundedRect(
                QRectF(0, 0, max(box.width() * share, 2 * RADIUS), box.height()), RADIUS, RADIUS
            )
        painter.setPen(self.palette().color(QPalette.ColorRole.WindowText))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self.text())
        painter.end()
