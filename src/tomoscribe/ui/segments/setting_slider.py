"""One setting of a decoder: what it is, a slider with the tuned value marked, a number to type."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QPainter, QPen
from qtpy.QtWidgets import (
    QDoubleSpinBox,
    QLabel,
    QSlider,
    QStyle,
    QStyleOptionSlider,
    QVBoxLayout,
    QWidget,
)

from tomoscribe.ui import style
from tomoscribe.ui.widgets import row

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent

STEPS = 1000
DECADES = 6
"""Sizes reach from one voxel to a million."""
LARGEST = 1e15


class Scale:
    """Scores 0..1: a step of the slider is a thousandth."""

    suffix, decimals, most, step = "", 2, 1.0, 0.01

    def place(self, value: float) -> int:
        """Return the slider's place of a value."""
        return round(value * STEPS)

    def value(self, place: int) -> float:
        """Return the value at a place."""
        return place / STEPS


class SizeScale(Scale):
    """Sizes: none at the left end, then by the logarithm from one voxel on.

    Parameters
    ----------
    unit : str
        nm² or nm³.
    smallest : float
        Of one voxel, in that unit.
    """

    decimals, most = 0, LARGEST

    def __init__(self, unit: str, smallest: float) -> None:
        self.suffix = f" {unit}"
        self._smallest = smallest
        self.step = max(1.0, round(smallest))

    def place(self, value: float) -> int:
        """Return the slider's place of a value."""
        if value < self._smallest / 2:
            return 0
        return min(1 + round(math.log10(value / self._smallest) / DECADES * (STEPS - 1)), STEPS)

    def value(self, place: int) -> float:
        """Return the value at a place, to three digits."""
        if place <= 0:
            return 0.0
        value = self._smallest * 10 ** ((place - 1) / (STEPS - 1) * DECADES)
        return float(f"{value:.3g}")


class MarkedSlider(QSlider):
    """A slider with a tick below the place that is suggested."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self.setRange(0, STEPS)
        self.setPageStep(STEPS // 20)
        self.setSingleStep(STEPS // 100)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMinimumHeight(22)
        self._mark: int | None = None

    @property
    def mark(self) -> int | None:
        """The place that is marked."""
        return self._mark

    def set_mark(self, place: int | None) -> None:
        """Mark a place, or none."""
        if place != self._mark:
            self._mark = place
            self.update()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        """Draw the tick below the slider."""
        super().paintEvent(event)
        if self._mark is None:
            return
        option = QStyleOptionSlider()
        self.initStyleOption(option)
        drawn = self.style()
        assert drawn is not None
        handle = drawn.subControlRect(
            QStyle.ComplexControl.CC_Slider, option, QStyle.SubControl.SC_SliderHandle, self
        )
        room = self.width() - handle.width()
        x = handle.width() // 2 + room * self._mark // STEPS
        painter = QPainter(self)
        painter.setPen(QPen(QColor(style.ACCENT), 3))
        painter.drawLine(x, self.height() - 5, x, self.height())
        painter.end()


class SettingSlider(QWidget):
    """Emits `moved` with the value when the user has changed it.

    Parameters
    ----------
    title, tip : str
        What the setting is, and what it means.
    scale : Scale
        Of its values.
    """

    moved = Signal(float)

    def __init__(self, title: str, tip: str, scale: Scale, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scale = scale
        self._showing = False
        self.title = QLabel(title)
        self.slider = MarkedSlider()
        self.number = QDoubleSpinBox()
        self.number.setKeyboardTracking(False)
        self.number.setMinimumWidth(120)
        self.number.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.number.setGroupSeparatorShown(True)
        self.slider.setAccessibleName(title)
        self.set_scale(scale)
        for widget in (self.title, self.slider, self.number):
            widget.setToolTip(tip)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(row(self.title, self.number, stretch=0))
        layout.addWidget(self.slider)
        self.slider.valueChanged.connect(self._on_slider)
        self.number.valueChanged.connect(self._on_number)

    def set_scale(self, scale: Scale) -> None:
        """Count otherwise, as for another voxel size."""
        self._scale = scale
        self._showing = True
        self.number.setDecimals(scale.decimals)
        self.number.setRange(0, scale.most)
        self.number.setSingleStep(scale.step)
        self.number.setSuffix(scale.suffix)
        self._showing = False

    @property
    def value(self) -> float:
        """The value in view."""
        return self.number.value()

    def show_value(self, value: float, tuned: float | None) -> None:
        """Show a value, and mark the tuned one."""
        self._showing = True
        self.number.setValue(value)
        self.slider.setValue(self._scale.place(value))
        self.slider.set_mark(None if tuned is None else self._scale.place(tuned))
        self._showing = False

    def _on_slider(self, place: int) -> None:
        if not self._showing:
            value = self._scale.value(place)
            self._showing = True
            self.number.setValue(value)
            self._showing = False
            self.moved.emit(value)

    def _on_number(self, value: float) -> None:
        if not self._showing:
            self._showing = True
            self.slider.setValue(self._scale.place(value))
            self._showing = False
            self.moved.emit(value)
