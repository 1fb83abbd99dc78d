"""Draws a particle in three planes: its sections, a ring of its size, the outline of its scores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QImage, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QSizePolicy, QWidget

from tomoscribe.ui import style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from qtpy.QtGui import QMouseEvent, QPaintEvent, QResizeEvent

GAP = 3
"""Pixels between two sections."""

LARGEST = 180
"""Pixels of a section in a wide dock: larger ones show voxels, not particles."""

BAR = 0.45
"""Longest scale bar, as a share of a section."""

OUTSIDE = 40
"""Grey of what lies outside of the volume."""

TIP = (
    "The particle under review in three planes, averaged and with the contrast of the slice in "
    "view. The ring has the class's diameter; the orange line is where the scores reach the "
    "threshold: click to show or hide it."
)


@dataclass(frozen=True)
class Picture:
    """Three sections, ready to be drawn.

    Parameters
    ----------
    images : (3, n, n) array of float
        NaN outside of the volume.
    names : sequence of str
        What stands on each.
    limits : tuple of float
        Black and white.
    width_voxels : float
        Edge of a section.
    diameter_voxels : float
        Of the ring around the middle.
    voxel_size_A : float
        For the scale bar.
    outlines : sequence of list of (M, 2) arrays
        Lines on each section, in pixels of the images, row and column.
    """

    images: NDArray[np.floating]
    names: Sequence[str]
    limits: tuple[float, float]
    width_voxels: float
    diameter_voxels: float
    voxel_size_A: float
    outlines: Sequence[Sequence[NDArray[np.floating]]] = ((), (), ())


def grey(images: NDArray[np.floating], limits: tuple[float, float]) -> NDArray[np.uint8]:
    """Return images as 0..255 between limits; what is not known is `OUTSIDE`."""
    low, high = limits
    scaled = np.clip((images - low) / max(high - low, 1e-12), 0, 1) * 255
    return np.where(np.isfinite(scaled), scaled, OUTSIDE).astype(np.uint8)


def bar_length_A(width_A: float) -> float:
    """Return the longest of 1, 2, 5, 10, ... Å that fits `BAR` of a width."""
    room = BAR * width_A
    power = 10.0 ** np.floor(np.log10(room))
    return float(max(m * power for m in (1, 2, 5) if m * power <= room))


class Triptych(QWidget):
    """Three squares side by side, or a sentence. Emits `clicked`."""

    clicked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.picture: Picture | None = None
        self.sentence = ""
        self._images: list[QImage] = []
        self._grey: NDArray[np.uint8] | None = None
        self.setToolTip(TIP)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(self._side(self.sizeHint().width()))

    def sizeHint(self) -> QSize:
        """Return what the narrowest dock gives."""
        return QSize(300, 100)

    def show_picture(self, picture: Picture) -> None:
        """Draw sections."""
        self.picture, self.sentence = picture, ""
        self._grey = np.ascontiguousarray(grey(picture.images, picture.limits))
        size = self._grey.shape[-1]
        form = QImage.Format.Format_Grayscale8
        self._images = [QImage(plane.data, size, size, size, form) for plane in self._grey]
        self.update()

    def say(self, sentence: str) -> None:
        """Draw a sentence instead."""
        if self.picture is None and sentence == self.sentence:
            return
        self.picture, self.sentence, self._images = None, sentence, []
        self.update()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Tell of a click."""
        del event
        self.clicked.emit()

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Keep the sections square."""
        super().resizeEvent(event)
        self.setFixedHeight(self._side(self.width()))

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        side = self._side(self.width())
        left = (self.width() - 3 * side - 2 * GAP) / 2
        boxes = [QRectF(left + i * (side + GAP), 0, side, side) for i in range(3)]
        if self.picture is None:
            self._draw_empty(painter, boxes)
        else:
            for i, box in enumerate(boxes):
                self._draw_section(painter, box, i, self.picture)
            self._draw_bar(painter, boxes[2], self.picture)
        painter.end()

    def _side(self, width: int) -> int:
        return int(min((width - 2 * GAP) / 3, LARGEST))

    def _draw_empty(self, painter: QPainter, boxes: list[QRectF]) -> None:
        frame = QColor(style.MUTED)
        frame.setAlpha(110)
        painter.setPen(QPen(frame, 1, Qt.PenStyle.DashLine))
        for box in boxes:
            painter.drawRect(box.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.setPen(self.palette().windowText().color())
        whole = QRectF(self.rect()).adjusted(8, 4, -8, -4)
        flags = Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap
        painter.drawText(whole, int(flags), self.sentence)

    def _draw_section(self, painter: QPainter, box: QRectF, i: int, picture: Picture) -> None:
        painter.save()
        painter.setClipRect(box)
        painter.drawImage(box, self._images[i])
        scale = box.width() / picture.images.shape[-1]
        painter.setPen(QPen(QColor(style.ACCENT), 1.4))
        for line in picture.outlines[i]:
            points = [QPointF(box.left() + (c + 0.5) * scale, (r + 0.5) * scale) for r, c in line]
            painter.drawPolyline(QPolygonF(points))
        radius = box.width() * picture.diameter_voxels / picture.width_voxels / 2
        for color, width in ((QColor(0, 0, 0, 150), 3.0), (QColor(255, 255, 255, 220), 1.2)):
            painter.setPen(QPen(color, width))
            painter.drawEllipse(box.center(), radius, radius)
        _label(painter, box.left() + 3, box.top() + 3, picture.names[i])
        painter.restore()

    def _draw_bar(self, painter: QPainter, box: QRectF, picture: Picture) -> None:
        width_A = picture.width_voxels * picture.voxel_size_A
        length_A = bar_length_A(width_A)
        length = box.width() * length_A / width_A
        end = QPointF(box.right() - 5, box.bottom() - 5)
        for color, width in ((QColor(0, 0, 0, 180), 5.0), (QColor(255, 255, 255), 2.5)):
            painter.setPen(QPen(color, width, cap=Qt.PenCapStyle.FlatCap))
            painter.drawLine(QPointF(end.x() - length, end.y()), end)
        text = f"{length_A:g} Å"
        wide = painter.fontMetrics().horizontalAdvance(text)
        high = painter.fontMetrics().height()
        _label(painter, end.x() - wide - 2, end.y() - high - 6, text)


def _label(painter: QPainter, left: float, top: float, text: str) -> None:
    """Write on a section, legible on black and on white."""
    metrics = painter.fontMetrics()
    box = QRectF(left - 2, top - 1, metrics.horizontalAdvance(text) + 4, metrics.height() + 1)
    painter.fillRect(box, QColor(0, 0, 0, 130))
    painter.setPen(QColor(255, 255, 255))
    painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)
