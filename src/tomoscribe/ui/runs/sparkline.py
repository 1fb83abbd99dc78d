"""A curve small enough for the run strip: loss and validation, without axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.runs.run_record import SCORE_TIP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QPaintEvent

MAX_POINTS = 400
"""Longer curves are thinned before drawing; the widget is narrower than that."""


def thinned(values: Sequence[float], count: int = MAX_POINTS) -> list[tuple[float, float]]:
    """Return (position 0..1, value) of at most `count` finite values, first and last kept."""
    last = len(values) - 1
    if last < 0:
        return []
    indices = (
        range(last + 1) if last < count else [round(i * last / (count - 1)) for i in range(count)]
    )
    return [(i / max(last, 1), values[i]) for i in indices if math.isfinite(values[i])]


class Sparkline(QWidget):
    """Loss, thin, on its own scale; the score, strong, on 0..1 with the best marked."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._loss: list[tuple[float, float]] = []
        self._best: tuple[float, float] | None = None
        self._quality: list[tuple[float, float]] = []
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setToolTip(
            "Grey: training loss, on its own scale. "
            "Orange: the score, from 0 to 1; the dot is the best. " + SCORE_TIP
        )

    def sizeHint(self) -> QSize:
        """Return the size that fits the strip."""
        return QSize(140, 26)

    def set_curves(
        self,
        loss_steps: Sequence[int],
        loss: Sequence[float],
        quality_steps: Sequence[int],
        quality: Sequence[float],
        best_step: int | None,
    ) -> None:
        """Show curves over the same steps axis, from 0 to the newest step."""
        end = max([*loss_steps[-1:], *quality_steps[-1:], 1])
        span = (loss_steps[-1] / end) if loss_steps else 0.0
        self._loss = [(x * span, math.log(max(y, 1e-9))) for x, y in thinned(loss)]
        self._quality = [(s / end, y) for s, y in zip(quality_steps, quality, strict=True)]
        best = [i for i, s in enumerate(quality_steps) if s == best_step]
        self._best = self._quality[best[-1]] if best else None
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw both curves."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(4, 4, -4, -4)
        if len(self._loss) > 1:
            low = min(y for _, y in self._loss)
            high = max(y for _, y in self._loss)
            pen = QPen(QColor(style.MUTED), 1.2)
            self._line(painter, area, self._loss, low, max(high, low + 1e-9), pen)
        if self._quality:
            self._line(painter, area, self._quality, 0.0, 1.0, QPen(QColor(style.ACCENT), 2))
        if self._best is not None:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(style.ACCENT))
            painter.drawEllipse(_place(area, *self._best), 3, 3)
        painter.end()

    @staticmethod
    def _line(
        painter: QPainter,
        area: QRectF,
        points: list[tuple[float, float]],
        low: float,
        high: float,
        pen: QPen,
    ) -> None:
        painter.setPen(pen)
        painter.drawPolyline(
            QPolygonF([_place(area, x, (y - low) / (high - low)) for x, y in points])
        )


def _place(area: QRectF, x: float, y: float) -> QPointF:
    return QPointF(
        area.left() + x * area.width(), area.bottom() - min(max(y, 0.0), 1.0) * area.height()
    )
