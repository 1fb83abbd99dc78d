"""How good the segmentations A and B are, by what their trainings measured on held-out labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from tomoscribe.ui.compare.sides import LETTERS, Sides
from tomoscribe.ui.connections import connect
from tomoscribe.ui.scores.difference import SIDE_COLORS
from tomoscribe.ui.scores.score_library import ScoreLibrary
from tomoscribe.ui.widgets import hint

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tomoscribe.ui.session import Session

NAMES = {
    "iou": "IoU",
    "dice": "Dice",
    "precision": "Precision",
    "recall": "Recall",
    "ap50": "AP of objects",
}
"""Figures that are told, in this order."""

ABOUT = (
    "Measured by the training on labels held out from it: IoU and Dice are overlaps of voxels; AP "
    "counts objects that overlap by more than half. 1 is perfect."
)
NOTHING = "A and B were not validated yet: no labels were held out, or the training has just begun."


class SegmentFigures(QWidget):
    """A table with a line a figure and class, a column a side."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sides = Sides.of(session)
        self._library = ScoreLibrary.of(session)
        self.table = QLabel()
        self.table.setTextFormat(Qt.TextFormat.RichText)
        self.table.setToolTip("Best of both in bold")
        self.about = hint()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        layout.addWidget(self.about)
        connect(self, self._sides.changed, self.refresh)
        connect(self, self._library.listed, self.refresh)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show the figures of both sides."""
        catalog = self._library.catalog
        metrics: dict[str, Mapping[str, float]] = {}
        for letter in LETTERS:
            ref = self._sides.a if letter == "a" else self._sides.b
            if ref is not None and catalog is not None:
                metrics[letter] = catalog.metrics(ref)
        told = any(metrics.values())
        self.table.setText(_table(metrics, self._sides) if told else "")
        self.table.setVisible(told)
        self.about.setText(ABOUT if told else NOTHING)


def _table(metrics: Mapping[str, Mapping[str, float]], sides: Sides) -> str:
    heads = "".join(
        f"<th align='right' style='padding-left: 14px'>"
        f"<span style='color: {SIDE_COLORS[letter]}'>■</span> {letter.upper()}</th>"
        for letter in metrics
    )
    lines = [f"<tr><th></th>{heads}</tr>"]
    for key in _in_order({key for of in metrics.values() for key in of}):
        values = [of.get(key) for of in metrics.values()]
        best = max((v for v in values if v is not None), default=None)
        cells = ""
        for value in values:
            text = "–" if value is None else f"{value:.2f}"
            text = f"<b>{text}</b>" if value is not None and value == best else text
            cells += f"<td align='right' style='padding-left: 14px'>{text}</td>"
        of_class, _, name = key.rpartition("/")
        lines.append(f"<tr><td>{f'{of_class}: ' if of_class else ''}{NAMES[name]}</td>{cells}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _in_order(keys: set[str]) -> list[str]:
    """Return the figures to tell: of all classes first, then class by class."""
    known = [key for key in keys if key.rpartition("/")[2] in NAMES]
    order = list(NAMES)
    return sorted(known, key=lambda k: (k.rpartition("/")[0], order.index(k.rpartition("/")[2])))
