"""The whole learning curve of a run: quality above, training loss below, over the same steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.plots import quiet
from tomoscribe.ui.runs.run_record import SCORE_TIP, quality_of

if TYPE_CHECKING:
    from qtpy.QtCore import QPointF

    from tomoscribe.ui.runs.run_record import Quality, RunRecord


class LearningCurve(QWidget):
    """Two plots over steps; the mouse reads the values of the upper one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        view = pg.GraphicsLayoutWidget(parent=self)
        view.setBackground(None)
        view.setMinimumHeight(180)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(view)
        self._top = _plot(view, 0, "score")
        self._top.setToolTip(SCORE_TIP)
        self._bottom = _plot(view, 1, "loss")
        self._bottom.setLabel("bottom", "step")
        self._top.setXLink(self._bottom)  # the loss is there from the first step on
        self._top.getAxis("bottom").setStyle(showValues=False)
        self._top.setYRange(0, 1, padding=0.05)
        self._quality = self._top.plot(
            pen=pg.mkPen(style.ACCENT, width=2), symbol="o", symbolSize=4
        )
        self._quality.setSymbolBrush(style.ACCENT)
        self._quality.setSymbolPen(None)
        self._best = self._top.plot(pen=None, symbol="star", symbolSize=13, symbolPen=None)
        self._best.setSymbolBrush(style.ACCENT)
        self._loss = self._bottom.plot(pen=pg.mkPen(style.MUTED, width=1.3))
        self._loss.setDownsampling(auto=True, method="mean")
        self._points: list[Quality] = []
        view.scene().sigMouseMoved.connect(self._read)

    def show_record(self, record: RunRecord) -> None:
        """Show a run's curves as far as it has come."""
        self._points = record.qualities
        self._quality.setData([q.step for q in self._points], [q.value for q in self._points])
        best = None if record.best is None else quality_of(record.best)
        self._best.setData(
            [] if best is None else [best.step], [] if best is None else [best.value]
        )
        # Before the first validation nobody knows which score it will be.
        self._top.setLabel("left", self._points[-1].name if self._points else "score")
        self._loss.setData(record.loss_steps, record.loss_values)

    def _read(self, position: QPointF) -> None:
        if not self._points or not self._top.sceneBoundingRect().contains(position):
            self.setToolTip("")
            return
        step = self._top.vb.mapSceneToView(position).x()
        nearest = min(self._points, key=lambda q: abs(q.step - step))
        self.setToolTip(f"step {nearest.step}: {nearest.name} {nearest.value:.3f}")


def _plot(view: pg.GraphicsLayoutWidget, row: int, label: str) -> pg.PlotItem:
    plot = view.addPlot(row=row, col=0)
    plot.setLimits(xMin=0)  # a curve of few steps is not drawn among steps below none
    quiet(plot, left=label)
    plot.showGrid(y=True, alpha=0.15)
    plot.setCursor(Qt.CursorShape.CrossCursor)
    plot.getAxis("left").setWidth(48)
    return plot
