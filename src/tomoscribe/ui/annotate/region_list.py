"""The regions that are declared complete: draw, depth range in slices, remove."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QLabel, QSpinBox, QVBoxLayout, QWidget

from tomoscribe.picks.table import positions_zyx
from tomoscribe.ui import style
from tomoscribe.ui.connections import connect
from tomoscribe.ui.widgets import button, enable, heading, hint, row

if TYPE_CHECKING:
    from tomoscribe.project.model import Region
    from tomoscribe.ui.annotate.region_layer import RegionLayer
    from tomoscribe.ui.session import Session

FIELD_WIDTH = 38
"""Pixels; four digits, so that a line fits a dock of 300 pixels."""

EMPTY = "In a region that you declare complete, whatever is not picked counts as background."
EMPTY_LABELS = "In a region that you declare complete, whatever is not painted is background."
DRAW = "Drag a box on a slice in which you picked every particle; then set its slices here"
DRAW_LABELS = "Drag a box on a section in which you painted everything; then set its sections here"


class RegionLine(QWidget):
    """First and last slice of one region, how many picks are in it, and a way to remove it."""

    def __init__(self, regions: RegionLayer, index: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._regions = regions
        self._index = index
        self.first = self._spin_box("First slice (z) of the region")
        self.last = self._spin_box("Last slice (z) of the region")
        self.full = button("all z", "Extend the region over all slices", self._extend)
        self.gone = button("✕", "Remove this region; the picks in it stay", self._remove)
        self.gone.setFixedWidth(26)
        self.count = QLabel()
        self.count.setToolTip("Picks in this region")
        self.setLayout(
            row(
                QLabel("z"),
                self.first,
                QLabel("–"),
                self.last,
                self.full,
                self.count,
                self.gone,
                stretch=5,
            )
        )

    def _spin_box(self, tip: str) -> QSpinBox:
        box = QSpinBox()
        box.setToolTip(tip)
        box.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        box.setKeyboardTracking(False)
        box.setButtonSymbols(QSpinBox.ButtonSymbols.NoButtons)
        # The viewer's theme gives spin boxes a wide minimum, which beats setFixedWidth.
        box.setStyleSheet(f"min-width: {FIELD_WIDTH}px; max-width: {FIELD_WIDTH}px;")
        box.valueChanged.connect(self._set_depth)
        return box

    def show_region(self, region: Region, depth: int) -> None:
        """Show a region of a volume of `depth` slices."""
        first, last = math.ceil(region.lo_zyx[0]), math.ceil(region.hi_zyx[0]) - 1
        for box, value in ((self.first, first), (self.last, last)):
            with QSignalBlocker(box):
                box.setRange(0, depth - 1)
                box.setValue(value)

    def _set_depth(self) -> None:
        self._regions.set_depth(self._index, self.first.value(), self.last.value())

    def _extend(self) -> None:
        self._regions.set_depth(self._index, 0, self.last.maximum())

    def _remove(self) -> None:
        self._regions.remove(self._index)


class RegionList(QWidget):
    """One line a region, with its first and last slice."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._labels = False
        self.draw = button(
            "Draw…",
            DRAW,
            session.regions.start_drawing,
        )
        self.help = hint(EMPTY)
        self.lines: list[RegionLine] = []
        self._box = QVBoxLayout()
        self._box.setSpacing(2)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING // 2)
        layout.addLayout(row(heading("Complete regions"), self.draw, stretch=0))
        layout.addWidget(self.help)
        layout.addLayout(self._box)
        connect(self, session.regions_changed, self.refresh)
        connect(self, session.current_changed, self.refresh)
        connect(self, session.project_changed, self.refresh)
        connect(self, session.picks_changed, self._refresh_counts)
        self.refresh()

    def speak_of_labels(self, on: bool) -> None:
        """Speak of what is painted, not of what is picked."""
        self.help.setText(EMPTY_LABELS if on else EMPTY)
        self.draw.setProperty("tip", DRAW_LABELS if on else DRAW)
        self._labels = on
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show the regions of the current tomogram."""
        regions = self._session.regions.regions
        depth = self._session.volume.shape_zyx[0] if self._session.volume else 1
        while len(self.lines) > len(regions):
            line = self.lines.pop()
            self._box.removeWidget(line)
            line.hide()
            line.deleteLater()
        while len(self.lines) < len(regions):
            line = RegionLine(self._session.regions, len(self.lines))
            self.lines.append(line)
            self._box.addWidget(line)
        for line, region in zip(self.lines, regions, strict=True):
            line.show_region(region, depth)
        self.help.setVisible(not regions)
        enable(self.draw, None if self._session.entry else "Open a tomogram first.")
        self._refresh_counts()

    def _refresh_counts(self) -> None:
        entry = self._session.entry
        if entry is None:
            return
        positions = positions_zyx(entry.picks)
        for line, region in zip(self.lines, entry.regions, strict=False):
            inside = int(np.count_nonzero(region.contains(positions)))
            line.count.setText(str(inside))
            line.count.setVisible(not self._labels)
