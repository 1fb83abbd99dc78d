"""The density along the normal: at the clicks and elsewhere, the band, the depth in view.

Draws what it is given and says what is dragged; computes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from psygnal import Signal
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.plots import quiet

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from qtpy.QtGui import QMouseEvent, QResizeEvent

    from tomoscribe.membranes.slab import Profile

NO_CLICKS = (
    "Click particles on the membranes: here you will see how the density below your clicks "
    "differs from elsewhere, and which depths the training will look at."
)

CLICK_COLOR, BACKGROUND_COLOR, BAND_COLOR = style.ACCENT, style.MUTED, style.GOOD
FILL_ALPHA = 70
HINT_WIDTH = 460


class ProfilePlot(QWidget):
    """Mean ± spread by depth; a shaded band and a line that can be dragged.

    Emits `depth_dragged(Å)` while the line moves, and `band_dragged(low, high)` when the band
    was let go.
    """

    depth_dragged = Signal(float)
    band_dragged = Signal(float, float)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.plot = pg.PlotWidget(background=None)
        self.plot.setToolTip(
            "Density along the outward normal: orange at your clicks, grey elsewhere, "
            "mean ± standard deviation. Green: the depths that a training looks at; drag its "
            "edges. White: the depth that is painted on the mesh; drag it."
        )
        item = self.plot.getPlotItem()
        _plain(item)
        self._background = _Curve(item, BACKGROUND_COLOR)
        self._clicks = _Curve(item, CLICK_COLOR)
        self.band = _band(item)
        self._slice = _thickness(item)
        self.line = pg.InfiniteLine(
            angle=90, movable=True, pen=pg.mkPen("w", width=2), hoverPen=pg.mkPen("w", width=4)
        )
        self.line.setCursor(Qt.CursorShape.SizeHorCursor)
        item.addItem(self.line, ignoreBounds=True)
        self._thickness_A = 0.0
        self._known: NDArray[np.float64] | None = None
        self.line.sigDragged.connect(lambda line: self.depth_dragged.emit(float(line.value())))
        self.band.sigRegionChangeFinished.connect(self._on_band)
        self.hint = QLabel(NO_CLICKS, self.plot)
        self.hint.setWordWrap(True)
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setStyleSheet(
            "color: #d0d3da; background: rgba(38, 41, 48, 215); border-radius: 4px; padding: 4px;"
        )
        self.hint.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.plot)

    def show_profile(self, profile: Profile | None, clicks: int) -> None:
        """Show a profile of so many clicks; None while there is no membrane."""
        known = profile is not None and clicks > 0
        self.hint.setVisible(profile is not None and not clicks)
        self._clicks.show(profile if known else None, "mean", "spread")
        self._background.show(profile, "background_mean", "background_spread")
        if profile is None:
            return
        depths = profile.depths_A
        if self._known is None or not np.array_equal(self._known, depths):
            self._known = depths
            limits = float(depths.min()), float(depths.max())
            self.plot.setXRange(*limits, padding=0.0)
            self.line.setBounds(limits)
            self.band.setBounds(limits)
        self.plot.setYRange(*_range(profile, known), padding=0.05)

    def set_depth(self, depth_A: float, thickness_A: float) -> None:
        """Show which layer of density is painted."""
        with QSignalBlocker(self.line):
            self.line.setValue(depth_A)
        half = thickness_A / 2
        self._slice.setRegion((depth_A - half, depth_A + half))

    def set_band(self, band_A: tuple[float, float] | None) -> None:
        """Show the band that a training looks at."""
        self.band.setVisible(band_A is not None)
        if band_A is not None and tuple(self.band.getRegion()) != band_A:
            with QSignalBlocker(self.band):
                self.band.setRegion(band_A)

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        """Keep the hint in the middle of the plot."""
        super().resizeEvent(event)
        width = min(HINT_WIDTH, max(self.width() - 80, 10))
        height = self.hint.heightForWidth(width)
        left, top = (self.width() + 52 - width) // 2, (self.height() - 40 - height) // 2
        self.hint.setGeometry(left, max(top, 2), width, height)

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        """Take the mouse from the dock around, which would be moved."""
        if event is not None:
            event.accept()

    def _on_band(self) -> None:
        low, high = self.band.getRegion()
        self.band_dragged.emit(float(low), float(high))


class _Curve:
    """A mean and the shade of its spread."""

    def __init__(self, item: pg.PlotItem, color: str) -> None:
        faint = pg.mkColor(color)
        faint.setAlpha(FILL_ALPHA)
        self._low, self._high = pg.PlotCurveItem(pen=None), pg.PlotCurveItem(pen=None)
        self._fill = pg.FillBetweenItem(self._low, self._high, brush=pg.mkBrush(faint))
        self._mean = pg.PlotCurveItem(pen=pg.mkPen(color, width=2), antialias=True)
        for part in (self._low, self._high, self._fill, self._mean):
            item.addItem(part)

    def show(self, profile: Profile | None, mean: str, spread: str) -> None:
        visible = profile is not None and bool(np.isfinite(getattr(profile, mean)).all())
        for part in (self._low, self._high, self._fill, self._mean):
            part.setVisible(visible)
        if profile is not None and visible:
            depths, middle = profile.depths_A, getattr(profile, mean)
            width = getattr(profile, spread)
            self._low.setData(depths, middle - width)
            self._high.setData(depths, middle + width)
            self._mean.setData(depths, middle)


def _range(profile: Profile, known: bool) -> tuple[float, float]:
    pairs: list[tuple[Any, Any]] = [(profile.background_mean, profile.background_spread)]
    if known:
        pairs.append((profile.mean, profile.spread))
    ends = np.concatenate([np.r_[m - s, m + s] for m, s in pairs])
    ends = ends[np.isfinite(ends)]
    return (float(ends.min()), float(ends.max())) if len(ends) else (0.0, 1.0)


def _plain(item: pg.PlotItem) -> None:
    quiet(item, bottom="depth in Å:  inside  ◂  0 = mesh  ▸  outside", left="density")
    item.setMouseEnabled(x=False, y=False)
    item.showGrid(x=True, y=False, alpha=0.12)
    item.getAxis("left").setWidth(52)


def _band(item: pg.PlotItem) -> pg.LinearRegionItem:
    shade = pg.mkColor(BAND_COLOR)
    shade.setAlpha(45)
    edge = pg.mkPen(BAND_COLOR, width=2)
    band = pg.LinearRegionItem(brush=shade, hoverBrush=shade, pen=edge, swapMode="sort")
    band.setZValue(-10)
    for line in band.lines:
        line.setHoverPen(pg.mkPen(BAND_COLOR, width=4))
        line.setCursor(Qt.CursorShape.SizeHorCursor)
    item.addItem(band, ignoreBounds=True)
    return band


def _thickness(item: pg.PlotItem) -> pg.LinearRegionItem:
    made = pg.LinearRegionItem(
        brush=pg.mkBrush(255, 255, 255, 28), pen=pg.mkPen(None), movable=False
    )
    made.setZValue(-5)
    item.addItem(made, ignoreBounds=True)
    return made
