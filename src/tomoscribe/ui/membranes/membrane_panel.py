"""The panel below the canvas while a membrane is shown: what is painted, profile and band."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.connections import connect, lend
from tomoscribe.ui.membranes.click_profile import ClickProfile, band_words
from tomoscribe.ui.membranes.depth_control import DepthControl
from tomoscribe.ui.membranes.mesh_paint import MeshPaint
from tomoscribe.ui.membranes.meshing_form import MeshingForm
from tomoscribe.ui.membranes.profile_plot import ProfilePlot
from tomoscribe.ui.membranes.statistics_window import StatisticsWindow
from tomoscribe.ui.runs.starter import Starter
from tomoscribe.ui.widgets import button, hint, main_window, row

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

HEIGHT = 128
"""Low enough for a window of 800 pixels beside napari's controls, which do not shrink."""

LEFT_WIDTH = 400


class MembranePanel(QWidget):
    """Puts depth control and profile together; the band goes into the next training's settings."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._starter = Starter.of(session)
        self._paint = MeshPaint.of(session)
        self._clicked = ClickProfile.of(session)
        self.controls = DepthControl(session)
        self.plot = ProfilePlot()
        self.band = hint()
        self.statistics = button(
            "Statistics…", "Picks per area, distances, clustering", self.show_statistics
        )
        self.automatic = button("Auto", "Lets the clicks choose the band again", self._automatic)
        self._lay_out()
        self.plot.depth_dragged.connect(self._paint.set_depth)
        self.plot.band_dragged.connect(self._take_band)
        connect(self, self._paint.changed, self._show_depth)
        connect(self, self._starter.changed, self._show_band)
        connect(self, self._clicked.changed, self.refresh)
        lend(self, session, {
            "make_membranes": self._meshing, "statistics": self._statistics,
        })  # fmt: skip
        self.refresh()

    def refresh(self) -> None:
        """Show the profile of the membrane at its clicks."""
        self.plot.show_profile(self._clicked.profile, self._clicked.clicks)
        self._show_band()
        self._show_depth()

    def show_meshing(self) -> MeshingForm:
        """Open the dialog that makes membranes from a segmentation."""
        form = MeshingForm(self._session, main_window(self))
        form.show()
        return form

    def show_statistics(self) -> StatisticsWindow:
        """Open the window with density, neighbours and Ripley's function."""
        window = StatisticsWindow(self._session, main_window(self))
        window.show()
        return window

    def _meshing(self) -> None:
        self.show_meshing()

    def _statistics(self) -> None:
        self.show_statistics()

    def _show_depth(self) -> None:
        self.plot.set_depth(self._paint.depth_A, self._paint.thickness_A)

    def _show_band(self) -> None:
        own = self._starter.own_band
        known = self._clicked.profile is not None
        self.plot.set_band((own or self._clicked.suggested) if known else None)
        self.automatic.setVisible(own is not None)
        self.band.setText(band_words(own, self._clicked))

    def _take_band(self, low: float, high: float) -> None:
        self._starter.set_band((round(low, 1), round(high, 1)))

    def _automatic(self) -> None:
        self._starter.set_band(None)

    def _lay_out(self) -> None:
        left = QWidget()
        left.setFixedWidth(LEFT_WIDTH)
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(style.SPACING)
        column.addWidget(self.controls)
        column.addLayout(row(self.band, self.automatic, self.statistics, stretch=0))
        column.addStretch(1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(*(style.SPACING,) * 4)
        layout.setSpacing(2 * style.SPACING)
        layout.addWidget(left)
        layout.addWidget(self.plot, 1)
        self.setFixedHeight(HEIGHT)
