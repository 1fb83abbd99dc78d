"""The picture of a flat patch with its picks: draws, and tells where the mouse clicked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from qtpy.QtCore import QPointF, QRectF, Qt, Signal
from qtpy.QtGui import QColor, QImage, QPainter, QPen
from qtpy.QtWidgets import QSizePolicy, QWidget

from tomoscribe.ui import style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from qtpy.QtGui import QMouseEvent, QPaintEvent

CLICK_PIXELS = 5
LEAST_SIDE = 300
BAR_SHARE = 0.3


class FlatPick(NamedTuple):
    """A pick in the map: its id, place and diameter in voxels, and look."""

    id: int
    u: float
    v: float
    diameter: float
    color: str
    filled: bool
    selected: bool


class FlatView(QWidget):
    """Emits `clicked(u, v)` and `travelled(u, v)`, map positions in voxels: the new middle."""

    clicked = Signal(float, float)
    travelled = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumSize(LEAST_SIDE, LEAST_SIDE)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self._image: QImage | None = None
        self._pixels: NDArray[np.uint8] = np.zeros((0, 0, 4), np.uint8)
        self._bytes = b""
        self._picks: Sequence[FlatPick] = ()
        self._reach = 1.0
        self._voxel_A = 1.0
        self._pressed: QPointF | None = None
        self._moved = QPointF(0, 0)

    def show_picture(self, rgba: NDArray[np.uint8], reach: float, voxel_size_A: float) -> None:
        """Show a picture (H, W, 4) that goes `reach` voxels from its middle to its edges."""
        self._pixels, self._bytes = rgba, rgba.tobytes()  # Qt does not copy what it is given
        height, width = rgba.shape[:2]
        kind = QImage.Format.Format_RGBA8888
        self._image = QImage(self._bytes, width, height, 4 * width, kind)
        self._reach, self._voxel_A = reach, voxel_size_A
        self.update()

    def show_picks(self, picks: Sequence[FlatPick]) -> None:
        """Show picks on the picture."""
        self._picks = picks
        self.update()

    def clear(self) -> None:
        """Show nothing."""
        self._image, self._picks = None, ()
        self.update()

    # ---------------------------------------------------------------- where
    @property
    def _square(self) -> QRectF:
        side = min(self.width(), self.height())
        return QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)

    def to_pixel(self, u: float, v: float) -> QPointF:
        """Return the widget's pixel at a map position."""
        square = self._square
        scale = square.width() / (2 * self._reach)
        return square.center() + QPointF(u * scale, -v * scale)

    def to_map(self, pixel: QPointF) -> tuple[float, float]:
        """Return the map position at a pixel of the widget."""
        square = self._square
        way = (pixel - square.center()) * (2 * self._reach / square.width())
        return way.x(), -way.y()

    # ---------------------------------------------------------------- painting
    def paintEvent(self, _event: QPaintEvent | None) -> None:
        """Draw picture, picks and scale bar."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        if self._image is None:
            painter.setPen(QColor(style.MUTED))
            centred = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
            painter.drawText(self.rect(), int(centred), "Choose a membrane to lay it flat.")
            return
        painter.save()
        painter.translate(self._moved)
        painter.drawImage(self._square, self._image)
        for pick in self._picks:
            self._draw_pick(painter, pick)
        painter.restore()
        self._draw_bar(painter)

    def _draw_pick(self, painter: QPainter, pick: FlatPick) -> None:
        radius = pick.diameter / 2 * self._square.width() / (2 * self._reach)
        color = QColor(pick.color)
        painter.setPen(QPen(QColor("white") if pick.selected else color, 2.5))
        color.setAlphaF(0.25 if pick.filled else 0.0)
        painter.setBrush(color)
        painter.drawEllipse(self.to_pixel(pick.u, pick.v), radius, radius)

    def _draw_bar(self, painter: QPainter) -> None:
        square = self._square
        scale = square.width() / (2 * self._reach * self._voxel_A / 10)  # pixels a nanometre
        nice = [n * 10**e for e in range(4) for n in (1, 2, 5)]
        fitting = [n for n in nice if n * scale <= BAR_SHARE * square.width()]
        length = fitting[-1] if fitting else 1
        start = square.bottomLeft() + QPointF(12, -14)
        painter.setPen(QPen(QColor("white"), 3))
        painter.drawLine(start, start + QPointF(length * scale, 0))
        painter.drawText(start + QPointF(0, -6), f"{length} nm")

    # ---------------------------------------------------------------- mouse
    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Remember where a click or a journey begins."""
        if event is not None and event.button() == Qt.MouseButton.LeftButton:
            self._pressed = event.position()

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        """Move the picture along."""
        if event is None or self._pressed is None:
            return
        way = event.position() - self._pressed
        if np.hypot(way.x(), way.y()) >= CLICK_PIXELS or self._moved != QPointF(0, 0):
            self._moved = way
            self.update()

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        """Tell of the click, or of the place that the picture was moved to."""
        if event is None or self._pressed is None:
            return
        moved, self._moved, self._pressed = self._moved, QPointF(0, 0), None
        if moved == QPointF(0, 0):
            self.clicked.emit(*self.to_map(event.position()))
        else:
            self.travelled.emit(*self.to_map(self._square.center() - moved))
        self.update()
