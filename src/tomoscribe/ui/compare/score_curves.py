"""Precision against recall; F1 and the number of proposals against the threshold; of A and B."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QVBoxLayout, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.compare.sides import LETTERS
from tomoscribe.ui.plots import quiet
from tomoscribe.ui.scores.difference import SIDE_COLORS
from tomoscribe.ui.scores.histogram import TICKS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.ui.compare.judge import Judge
    from tomoscribe.ui.compare.judge_work import JudgedSide
    from tomoscribe.ui.compare.sides import Letter

DASHES: dict[Letter, Qt.PenStyle] = {"a": Qt.PenStyle.SolidLine, "b": Qt.PenStyle.DashLine}
SYMBOLS: dict[Letter, str] = {"a": "o", "b": "s"}
"""A is solid with round marks, B dashed with square ones: colour is never the only sign."""

HEIGHT = 190
TIP = (
    "Left: precision against recall. Right: F1, and below it the number of proposals, against the "
    "threshold. A: solid line, round mark. B: dashed line, square mark. The marks are at the "
    "thresholds that are set. “≥”: nothing is declared complete, so it is the least it can be."
)


class ScoreCurves(QWidget):
    """Three small plots with a line for each side and a mark at its threshold."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        view = pg.GraphicsLayoutWidget(parent=self)
        view.setBackground(None)
        view.setFixedHeight(HEIGHT)
        view.ci.layout.setContentsMargins(0, 0, 0, 0)
        view.ci.layout.setSpacing(2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(view)
        self.setToolTip(TIP)
        self._pr = view.addPlot(row=0, col=0, rowspan=2)
        self._f1 = view.addPlot(row=0, col=1)
        self._count = view.addPlot(row=1, col=1)
        for plot in (self._pr, self._f1, self._count):
            _plain(plot)
        halves = [[(value, f"{value:g}") for value in (0, 0.5, 1)]]
        for plot in (self._pr, self._f1):
            plot.setYRange(0, 1, padding=0.05)
            plot.getAxis("left").setTicks(halves)
        self._pr.getAxis("bottom").setTicks(halves)
        self._pr.setXRange(0, 1, padding=0.05)
        self._pr.setLabel("bottom", "recall")
        self._f1.setXRange(0, 1, padding=0.05)
        self._f1.getAxis("bottom").setStyle(showValues=False)
        self._count.setXLink(self._f1)
        self._count.setLabel("bottom", "threshold")
        self._count.setLabel("left", "proposed")
        self._count.setLimits(yMin=0)
        ticks = [(value**0.5, f"{value:g}") for value in TICKS if value != 0.05]
        for plot in (self._f1, self._count):
            plot.getAxis("bottom").setTicks([ticks])
        self._lines = {
            (letter, name): plot.plot(
                pen=pg.mkPen(SIDE_COLORS[letter], width=2, style=DASHES[letter])
            )
            for letter in LETTERS
            for name, plot in self._plots().items()
        }
        self._marks = {
            (letter, name): plot.plot(
                pen=None,
                symbol=SYMBOLS[letter],
                symbolSize=9,
                symbolBrush=SIDE_COLORS[letter],
                symbolPen=style.MUTED,
            )
            for letter in LETTERS
            for name, plot in self._plots().items()
        }

    def show_judgement(self, judge: Judge) -> None:
        """Draw both sides anew."""
        sides = [side for side in map(judge.side, LETTERS) if side is not None]
        exact = all(side.judgement.exact for side in sides)
        at_least = "" if exact else " ≥"
        self._pr.setLabel("left", f"precision{at_least}")
        self._f1.setLabel("left", f"F1{at_least}")
        for letter in LETTERS:
            side = judge.side(letter)
            for name, (x, y) in _curves(side).items():
                self._lines[(letter, name)].setData(x, y)
        self._count.enableAutoRange(axis="y")
        self.show_thresholds(judge)

    def show_thresholds(self, judge: Judge) -> None:
        """Move the marks."""
        for letter in LETTERS:
            figures, side = judge.figures(letter), judge.side(letter)
            places: dict[str, tuple[float, float]] = {}
            if figures is not None and side is not None:
                x = figures.threshold**0.5
                places = {"count": (x, figures.proposed)}
                if figures.sought:
                    places |= {"pr": (figures.recall, figures.precision), "f1": (x, figures.f1)}
            for name in self._plots():
                point = places.get(name)
                self._marks[(letter, name)].setData(*([], []) if point is None else zip(point))

    def line(self, letter: Letter, name: str) -> tuple[list[float], list[float]]:
        """Return what is drawn of a side in the plot `pr`, `f1` or `count`."""
        x, y = self._lines[(letter, name)].getData()
        return ([], []) if x is None else (list(x), list(y))

    def _plots(self) -> dict[str, pg.PlotItem]:
        return {"pr": self._pr, "f1": self._f1, "count": self._count}


def _curves(side: JudgedSide | None) -> dict[str, tuple[NDArray[Any], NDArray[Any]]]:
    """Return the lines of a side; the threshold's axis is a square root, as in the histogram."""
    nothing = (np.zeros(0), np.zeros(0))
    found: dict[str, tuple[NDArray[Any], NDArray[Any]]] = dict.fromkeys(
        ("pr", "f1", "count"), nothing
    )
    if side is None:
        return found
    curve, scores = side.judgement.curve, side.judgement.scores
    found["count"] = (np.sqrt(scores), np.arange(len(scores), 0, -1))
    if side.judgement.clicks:
        found["pr"] = (curve.recall, curve.precision)
        found["f1"] = (np.sqrt(curve.thresholds), curve.f1)
    return found


def _plain(plot: pg.PlotItem) -> None:
    quiet(plot)
    plot.setMouseEnabled(False, False)
    plot.showGrid(x=True, y=True, alpha=0.15)
