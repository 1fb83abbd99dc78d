"""The line of the dock for the brush that declares parts of a membrane complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QLabel, QSlider, QVBoxLayout, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.connections import connect, lend
from tomoscribe.ui.widgets import button, enable, hint, row

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

STEP_A = 10
LEAST_A, MOST_A = 50, 1000
PAINTING = "Drag over the mesh where every particle is picked. B ends it."
ERASING = "Drag over what is not complete after all. Shift+B ends it."


class BrushRow(QWidget):
    """Brush, eraser and radius; a line of help while one of them is on."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._tool = session.surfaces.brush
        self.paint = button("Brush", "Paints what is picked completely (B)", self.toggle_paint)
        self.erase = button("Eraser", "Takes painted parts back (Shift+B)", self.toggle_erase)
        for made in (self.paint, self.erase):
            made.setCheckable(True)
        self.radius = QSlider(Qt.Orientation.Horizontal)
        self.radius.setRange(LEAST_A // STEP_A, MOST_A // STEP_A)
        self.radius.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.radius.setToolTip("Radius of the brush along the surface")
        self.value = QLabel()
        self.value.setMinimumWidth(self.value.fontMetrics().horizontalAdvance("100 nm"))
        self.help = hint()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING // 2)
        layout.addLayout(row(self.paint, self.erase, self.radius, self.value, stretch=2))
        layout.addWidget(self.help)
        self.radius.valueChanged.connect(self._set_radius)
        connect(self, self._tool.changed, self.refresh)
        connect(self, session.membrane_changed, self.refresh)
        connect(self, session.membranes.shown_changed, self.refresh)
        lend(self, session, {"toggle_brush": self.toggle_paint, "toggle_eraser": self.toggle_erase})
        self.refresh()

    def toggle_paint(self) -> None:
        """Take the brush, or lay it down."""
        self._tool.set_mode("off" if self._tool.mode == "paint" else "paint")

    def toggle_erase(self) -> None:
        """Take the eraser, or lay it down."""
        self._tool.set_mode("off" if self._tool.mode == "erase" else "erase")

    def refresh(self, *_: object) -> None:
        """Show the brush as it is."""
        tool = self._tool
        why_not = None if self._session.membrane else "Choose a membrane first."
        for made, mode in ((self.paint, "paint"), (self.erase, "erase")):
            with QSignalBlocker(made):
                made.setChecked(tool.mode == mode)
            enable(made, why_not)
        with QSignalBlocker(self.radius):
            self.radius.setValue(round(tool.radius_A / STEP_A))
        self.value.setText(f"{tool.radius_A / 10:.0f} nm")
        self.help.setText({"paint": PAINTING, "erase": ERASING}.get(tool.mode, ""))
        self.help.setVisible(tool.mode != "off")

    def _set_radius(self, steps: int) -> None:
        self._tool.set_radius(float(steps * STEP_A))
