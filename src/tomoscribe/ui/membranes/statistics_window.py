"""The window *Statistics*: how the picks lie on the membrane in view, as a table and two plots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyqtgraph as pg
from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import atomic_path
from tomoscribe.membranes.sites import make_domain
from tomoscribe.membranes.statistics_tables import StatisticsTables, statistics_tables
from tomoscribe.picks.table import PickState, positions_zyx
from tomoscribe.ui import style
from tomoscribe.ui.background import Background
from tomoscribe.ui.connections import connect
from tomoscribe.ui.plots import quiet
from tomoscribe.ui.widgets import button, enable, hint, row

if TYPE_CHECKING:
    from tomoscribe.ui.session import Session

SIZE = (760, 560)
COLUMNS = {
    "class": "class",
    "count": "picks",
    "area_um2": "area, µm²",
    "per_um2": "per µm²",
    "median_neighbour_A": "nearest, Å (median)",
}
NO_MEMBRANE = "Choose a membrane in the Annotate dock; a large one takes a moment to be read."
NO_PICKS = "There are no accepted picks on this membrane yet."
ABOUT = (
    "Distances run along the surface. The area of a closed mesh counts both faces. In the right "
    "plot a curve above the grey band is clustered, below it kept apart, within it random."
)


class StatisticsWindow(QDialog):
    """Follows the session; computes in a thread."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._background = Background(self)
        self.tables: StatisticsTables | None = None
        self.setWindowTitle("Statistics of the picks on this membrane")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(*SIZE)
        self.patches = QCheckBox("only in complete patches")
        self.patches.toggled.connect(lambda _: self.refresh())
        self.table = QTableWidget(0, len(COLUMNS))
        self.table.setHorizontalHeaderLabels(list(COLUMNS.values()))
        self.table.verticalHeader().hide()
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.table.setFixedHeight(110)
        self.pair = QComboBox()
        self.pair.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.pair.setToolTip("From picks of the first class to picks of the second")
        self.pair.activated.connect(lambda _: self._draw())
        view = pg.GraphicsLayoutWidget()
        view.setBackground(None)
        self._near = _plot(view, 0, "distance to the nearest, Å", "picks")
        self._ripley = _plot(view, 1, "radius r, Å", "L(r) − r, Å")
        self.message = QLabel()
        self.message.setWordWrap(True)
        self.save = button("Save as CSV…", "Writes three tables", self._ask_file)
        layout = QVBoxLayout(self)
        layout.setSpacing(style.SPACING)
        layout.addLayout(row(self.message, self.patches, stretch=0))
        layout.addWidget(self.table)
        layout.addLayout(row(QLabel("Between"), self.pair, QWidget(), stretch=2))
        layout.addWidget(view, 1)
        layout.addWidget(hint(ABOUT))
        layout.addLayout(row(QWidget(), button("Close", "", self.close), self.save, stretch=0))
        connect(self, session.membrane_changed, self.refresh)
        connect(self, session.picks_changed, self.refresh)
        connect(self, session.patches_changed, self.refresh)
        self.refresh()

    @property
    def busy(self) -> bool:
        """Whether numbers are on their way."""
        return self._background.busy

    def refresh(self, *_: object) -> None:
        """Compute anew what is in view."""
        shelved, entry = self._session.surfaces.shelved, self._session.entry
        mask = self._session.surfaces.complete_mask()
        complete = mask if mask is not None and mask.any() else None
        enable(self.patches, None if complete is not None else "No patch is declared complete.")
        name = self._session.membrane_name
        picks = [] if entry is None else entry.picks.select(state=PickState.ACCEPTED)
        picks = [p for p in picks if p.membrane == name]
        if shelved is None or not picks:
            self._background.drop()
            self._show(None, NO_PICKS if shelved is not None else NO_MEMBRANE)
            return
        places, classes = positions_zyx(picks), [p.class_name for p in picks]
        only = complete if self.patches.isChecked() else None
        self.message.setText("Measuring along the surface …")

        def measure() -> StatisticsTables:
            membrane = shelved.membrane
            domain = make_domain(membrane.mesh, membrane.voxel_size_A, only, shelved.graph)
            return statistics_tables({shelved.name: domain}, places, classes)

        self._background.run(measure, lambda tables: self._show(tables, ""), self._failed)

    def write(self, path: Path) -> list[Path]:
        """Write the tables beside `path`; return the files.

        Raises
        ------
        TomoscribeError
            If they cannot be written.
        """
        import pandas as pd  # see `pick_style`

        assert self.tables is not None
        written = []
        for suffix, rows in (
            ("", self.tables.densities),
            ("_neighbours", self.tables.neighbours),
            ("_ripley", self.tables.ripley),
        ):
            target = path.with_name(f"{path.stem}{suffix}.csv")
            try:
                with atomic_path(target) as temporary:
                    pd.DataFrame(rows).to_csv(temporary, index=False, float_format="%.6g")
            except OSError as error:
                raise TomoscribeError(f"{target} cannot be written: {error.strerror}.") from error
            written.append(target)
        return written

    def done(self, result: int) -> None:
        """End the thread with the window."""
        self._background.close()
        super().done(result)

    def _show(self, tables: StatisticsTables | None, said: str) -> None:
        self.tables = tables if tables is not None and tables.densities else None
        rows = [] if self.tables is None else self.tables.densities
        self.table.setRowCount(len(rows))
        for line, values in enumerate(rows):
            for place, key in enumerate(COLUMNS):
                value = values[key]
                text = f"{value:.4g}" if isinstance(value, float) else str(value)
                self.table.setItem(line, place, QTableWidgetItem(text))
        self._offer_pairs()
        notes = " ".join(tables.notes) if tables is not None else ""
        nothing = NO_PICKS if self.tables is None else ""
        name = self._session.membrane_name or ""
        self.message.setText(" ".join(filter(None, (f"<b>{name}</b>", said or nothing, notes))))
        enable(self.save, None if self.tables is not None else NO_PICKS)
        self._draw()

    def _offer_pairs(self) -> None:
        chosen = self.pair.currentData()
        self.pair.clear()
        rows = [] if self.tables is None else self.tables.ripley
        for one, other in dict.fromkeys((r["class"], r["other_class"]) for r in rows):
            self.pair.addItem(f"{one} → {other}", (one, other))
        self.pair.setCurrentIndex(max(self.pair.findData(chosen), 0))

    def _draw(self) -> None:
        self._near.clear()
        self._ripley.clear()
        pair = self.pair.currentData()
        if self.tables is None or pair is None:
            return
        self._draw_distances(pair)
        rows = [r for r in self.tables.ripley if (r["class"], r["other_class"]) == tuple(pair)]
        columns = {k: np.array([float(r[k]) for r in rows]) for k in ("radius_A", "low", "high")}
        radii, ratio = columns["radius_A"], np.array([float(r["ratio"]) for r in rows])
        low, high = (np.sqrt(columns[k]) * radii - radii for k in ("low", "high"))
        edges = [pg.PlotCurveItem(radii, y, pen=None) for y in (low, high)]
        band = pg.FillBetweenItem(*edges, brush=pg.mkBrush(128, 134, 146, 90))
        for item in (*edges, band):
            self._ripley.addItem(item)
        self._ripley.addLine(y=0, pen=pg.mkPen(style.MUTED, style=Qt.PenStyle.DashLine))
        self._ripley.plot(
            radii, np.sqrt(ratio) * radii - radii, pen=pg.mkPen(style.ACCENT, width=2)
        )

    def _draw_distances(self, pair: tuple[str, str]) -> None:
        assert self.tables is not None
        rows = self.tables.neighbours
        found = [
            float(r["distance_A"]) for r in rows if (r["class"], r["other_class"]) == tuple(pair)
        ]
        distances = np.array([d for d in found if np.isfinite(d)])
        if len(distances):
            bins = min(30, max(5, len(distances) // 3))
            span = float(distances.min()) - 1, float(distances.max()) + 1  # also if all are equal
            counts, edges = np.histogram(distances, bins, span)
            self._near.addItem(
                pg.BarGraphItem(
                    x0=edges[:-1], x1=edges[1:], height=counts, brush=style.ACCENT,
                    pen=pg.mkPen(None),
                )
            )  # fmt: skip

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, TomoscribeError):
            raise error
        self._show(None, str(error))

    def _ask_file(self) -> None:
        project = self._session.project
        folder = project.path if project is not None else Path.cwd()
        name = f"{self._session.membrane_name}_statistics.csv"
        chosen, _ = QFileDialog.getSaveFileName(self, "Save", str(folder / name), "CSV (*.csv)")
        if not chosen:
            return
        try:
            written = self.write(Path(chosen))
        except TomoscribeError as error:
            self.message.setText(str(error))
        else:
            self.message.setText("Written: " + ", ".join(path.name for path in written))


def _plot(view: pg.GraphicsLayoutWidget, column: int, below: str, left: str) -> pg.PlotItem:
    plot = view.addPlot(row=0, col=column)
    quiet(plot, bottom=below, left=left)
    return plot
