"""Shows how many of the last proposals were right: a small curve, and a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QPointF, QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter, QPen, QPolygonF
from qtpy.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from tomoscribe.evaluation.review_score import GOOD, WINDOW, RunningScore
from tomoscribe.ui import style
from tomoscribe.ui.compare.answers import Answers, words_of
from tomoscribe.ui.connections import connect

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qtpy.QtGui import QPaintEvent

    from tomoscribe.ui.session import Session

AXIS = 30
"""Pixels for the figures left of the curve."""

MOST_POINTS = 200
"""Points drawn of a longer curve: the widget is not as wide."""

TIP = (
    f"Precision over the last {WINDOW} proposals that you answered one by one, in all tomograms, "
    "from 0 (bottom) to 1; the range is its 95 % interval (Wilson). The order of review matters: "
    "least sure first gives the precision where the model is least sure, well below that of all "
    "proposals; best first gives more. "
    f"More labelling is said to pay little when the last {WINDOW} answers and the {WINDOW} before "
    "differ by less than chance (1.96 standard errors of the difference of two shares) and "
    f"{100 * GOOD:.0f} % or more were right."
)


class ScoreCurve(QWidget):
    """A curve from the first answer to the last; dotted where a window is not full yet."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._curve: NDArray[np.float64] = np.zeros(0)
        self._full_from = 0
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        """Return what leaves the sentence its room in the narrowest dock."""
        return QSize(116, 52)

    def set_score(self, score: RunningScore) -> None:
        """Show another curve."""
        self._curve, self._full_from = score.curve(), score.window - 1
        self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the curve between lines at 0, one half and 1."""
        del event
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(AXIS, 5, -6, -5)
        line = QColor(style.MUTED)
        line.setAlpha(110)
        for share in (0.0, 0.5, 1.0):
            y = area.bottom() - share * area.height()
            painter.setPen(QPen(line, 1))
            painter.drawLine(QPointF(area.left(), y), QPointF(area.right(), y))
            painter.setPen(QColor(style.MUTED))
            box = QRectF(0, y - 7, AXIS - 4, 14)
            flags = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(box, int(flags), f"{share:g}")
        self._draw_curve(painter, area)
        painter.end()

    def _draw_curve(self, painter: QPainter, area: QRectF) -> None:
        count = len(self._curve)
        if not count:
            return
        kept = np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).round().astype(int))
        xs = area.left() + kept / max(count - 1, 1) * area.width()
        ys = area.bottom() - self._curve[kept] * area.height()
        points = [QPointF(float(x), float(y)) for x, y in zip(xs, ys, strict=True)]
        full = int(np.searchsorted(kept, self._full_from))
        painter.setPen(QPen(QColor(style.ACCENT), 1.5, Qt.PenStyle.DotLine))
        painter.drawPolyline(QPolygonF(points[: full + 1]))
        painter.setPen(QPen(QColor(style.ACCENT), 2))
        painter.drawPolyline(QPolygonF(points[full:]))
        painter.setBrush(QColor(style.ACCENT))
        painter.drawEllipse(points[-1], 2.5, 2.5)


class RunningScoreView(QWidget):
    """Curve and sentence; follows the answers by itself."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._answers = Answers.of(session)
        self.curve = ScoreCurve()
        self.words = QLabel()
        self.words.setWordWrap(True)
        self.setToolTip(TIP)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING)
        layout.addWidget(self.curve)
        layout.addWidget(self.words, 1)
        connect(self, self._answers.changed, self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the answers as they are."""
        score = self._answers.score
        self.curve.set_score(score)
        self.curve.setVisible(score.count > 1)
        self.words.setText(words_of(score))
