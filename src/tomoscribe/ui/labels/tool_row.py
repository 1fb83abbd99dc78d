"""Brush, bucket, eraser and hand as buttons, the brush's size, and the lock of objects."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QCheckBox, QLabel, QPushButton, QSlider, QVBoxLayout, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.connections import connect
from tomoscribe.ui.labels.mode import LabelMode
from tomoscribe.ui.labels.painter import BRUSH_SIZE, LabelPainter
from tomoscribe.ui.project.read_only import READ_ONLY
from tomoscribe.ui.widgets import button, enable, row

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

TOOLS = (
    ("paint", "Brush", "Paint the chosen class (2 or P). Right button: encircle and fill"),
    ("fill", "Fill", "Fill an area that is closed by strokes (4 or F)"),
    ("erase", "Erase", "Take labels away: the voxels are unknown again (1 or E)"),
    ("pan_zoom", "Move", "Move the view (6 or Z); holding Space does so with any tool"),
)
LARGEST_BRUSH = 200


class ToolRow(QWidget):
    """Shows and sets the tool of the layer `labels`."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._painter = LabelPainter.of(session)
        self._mode = LabelMode.of(session)
        self.buttons: dict[str, QPushButton] = {}
        for tool, text, tip in TOOLS:
            made = button(text, tip, partial(self._painter.set_tool, tool))
            made.setCheckable(True)
            self.buttons[tool] = made
        self.brush = QSlider(Qt.Orientation.Horizontal)
        self.brush.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.brush.setRange(1, LARGEST_BRUSH)
        self.brush.setValue(BRUSH_SIZE)
        self.brush.setToolTip("Width of brush and eraser in voxels; keys [ and ], Alt+drag")
        self.voxels = QLabel()
        self.voxels.setMinimumWidth(self.voxels.fontMetrics().horizontalAdvance("999 vx"))
        self.locked = QCheckBox("Objects are locked")
        self.locked.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.locked.setChecked(True)
        self.locked.setToolTip(
            "Brush, bucket and eraser leave objects alone, but for the one that is chosen (5 picks)"
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING // 2)
        layout.addLayout(row(*self.buttons.values()))
        layout.addLayout(row(QLabel("Width"), self.brush, self.voxels, stretch=1))
        layout.addWidget(self.locked)
        self.brush.valueChanged.connect(self._set_size)
        self.locked.toggled.connect(self._lock)
        connect(self, self._painter.changed, self.refresh)
        connect(self, session.project_changed, self.refresh)
        self._followed: object = None
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show the layer's tool and size."""
        layer = self._painter.layer
        if layer is not None and layer is not self._followed:
            self._followed = layer
            layer.events.brush_size.connect(self.refresh)
        why = self._why_not()
        for tool, made in self.buttons.items():
            enable(made, why)
            made.setChecked(layer is not None and why is None and str(layer.mode) == tool)
        enable(self.brush, why)
        enable(self.locked, why)
        copy = self._painter.copy
        there_are = copy is not None and bool(copy.objects)
        self.locked.setVisible(self._mode.objects or there_are)
        size = BRUSH_SIZE if layer is None else int(layer.brush_size)
        with QSignalBlocker(self.brush):
            self.brush.setValue(size)
        self.voxels.setText(f"{size} vx")

    def _why_not(self) -> str | None:
        project = self._session.project
        if project is not None and project.read_only:
            return READ_ONLY
        if self._session.entry is None:
            return "Open a tomogram or an image stack first."
        return "The labels are being read." if self._painter.loading else None

    def _set_size(self, size: int) -> None:
        layer = self._painter.layer
        if layer is not None:
            layer.brush_size = size

    def _lock(self, on: bool) -> None:
        layer = self._painter.layer
        if layer is not None:
            layer.objects_locked = on
