"""How good the segmentations A and B are: by labels that neither saw, else by their trainings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QSizePolicy, QVBoxLayout, QWidget

from tomoscribe.evaluation.segments.words import (
    agreement_text,
    better_low,
    figure_text,
    figures_of,
    how_judged,
    not_known,
)
from tomoscribe.ui.compare.sides import LETTERS, Sides
from tomoscribe.ui.connections import connect
from tomoscribe.ui.scores.difference import SIDE_COLORS
from tomoscribe.ui.scores.score_library import ScoreLibrary
from tomoscribe.ui.segments.segment_judge import SegmentJudge
from tomoscribe.ui.widgets import hint

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tomoscribe.evaluation.segments.judgement import SegmentJudgement
    from tomoscribe.ui.session import Session

    Row = tuple[str, Sequence[float | None], bool | None]
    """Name, figures of the sides, and whether a low one is better (None: neither is).

    Without figures it is the heading of a class.
    """

SHOWN = (
    "IoU", "Dice", "precision", "recall", "objects found", "objects missed", "objects extra",
    "F1 of objects", "AP at IoU 0.5", "VOI split, bits", "VOI merge, bits",
)  # fmt: skip
FEW = ("IoU", "Dice", "F1 of objects", "AP at IoU 0.5")
"""Of several classes: a dock is narrow and low."""
NAMES = {
    "iou": "IoU",
    "dice": "Dice",
    "precision": "precision",
    "recall": "recall",
    "ap50": "AP of objects",
    "labelled": "labelled, of what judged",
}
"""Figures of trainings that are told, in this order."""

ABOUT = (
    "Measured by the training on labels held out from it: IoU and Dice are overlaps of voxels; AP "
    "counts objects that overlap by more than half. 1 is perfect."
)
NOTHING = "A and B were not validated yet: no labels were held out, or the training has just begun."
JUDGING = "Judging …"


class SegmentFigures(QWidget):
    """A table with a line a figure and class, a column a side, and how they were counted."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._sides = Sides.of(session)
        self._library = ScoreLibrary.of(session)
        self._judge = SegmentJudge.of(session)
        self.table = QLabel()
        self.table.setTextFormat(Qt.TextFormat.RichText)
        self.table.setToolTip("Best of both in bold")
        self.table.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.sides = QLabel()
        self.sides.setWordWrap(True)
        self.sides.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self.about = hint()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self.sides, self.table, self.about):
            layout.addWidget(widget)
        connect(self, self._sides.changed, self.refresh)
        connect(self, self._library.listed, self.refresh)
        connect(self, self._judge.changed, self.refresh)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show the figures of both sides."""
        judgement = None if self._judge.found is None else self._judge.found.judgement
        rows = [] if judgement is None else _judged(judgement)
        letters = [] if judgement is None else [k.lower() for k in judgement.known]
        said = self._said(judgement)
        if not rows:
            letters, rows = self._by_training()
            said.append(ABOUT if rows else NOTHING)
        self.sides.setText("<br>".join(self._side(letter) for letter in LETTERS))
        self.table.setText(_table(letters, rows))
        self.table.setVisible(bool(rows))
        self.about.setText(" ".join(filter(None, said)))

    def _side(self, letter: str) -> str:
        ref = self._sides.a if letter == "a" else self._sides.b
        name = "no checkpoint yet" if ref is None else ref.source
        return f"{_sign(letter)} <b>{letter.upper()}</b> {name}"

    def _said(self, judgement: SegmentJudgement | None) -> list[str]:
        if self._judge.problem:
            return [self._judge.problem]
        if judgement is None or self._judge.found is None:
            return [JUDGING] if self._judge.busy else []
        apart = agreement_text(self._judge.found.agreements)
        return [how_judged(judgement), *not_known(judgement), apart]

    def _by_training(self) -> tuple[list[str], list[Row]]:
        """Return what the trainings measured themselves."""
        catalog = self._library.catalog
        metrics: dict[str, Mapping[str, float]] = {}
        for letter in LETTERS:
            ref = self._sides.a if letter == "a" else self._sides.b
            if ref is not None and catalog is not None:
                metrics[letter] = catalog.metrics(ref)
        rows: list[Row] = []
        for key in _in_order({key for of in metrics.values() for key in of}):
            of_class, _, name = key.rpartition("/")
            title = f"{f'{of_class}: ' if of_class else ''}{NAMES[name]}"
            rows.append((title, [of.get(key) for of in metrics.values()], False))
        return list(metrics), rows


def _judged(judgement: SegmentJudgement) -> list[Row]:
    few = len(judgement.classes) > 2
    rows: list[Row] = []
    for name in judgement.classes:
        told = [
            figures_of(judgement.judged[k, name]) if (k, name) in judgement.judged else {}
            for k in judgement.known
        ]
        if any(told):
            rows.append((f"<b>{name}</b>", [], None))
        for figure in FEW if few else SHOWN:
            values = [figures.get(figure) for figures in told]
            if any(value is not None for value in values):
                rows.append((figure, values, better_low(figure)))
    return rows


def _table(letters: Sequence[str], rows: Sequence[Row]) -> str:
    heads = "".join(
        f"<th align='right' style='padding-left: 14px'>{_sign(letter)} {letter.upper()}</th>"
        for letter in letters
    )
    lines = [f"<tr><th></th>{heads}</tr>"]
    for title, values, low in rows:
        known = [value for value in values if value is not None]
        best = None if low is None or len(set(known)) < 2 else (min if low else max)(known)
        cells = ""
        for value in values:
            text = figure_text(value)
            text = f"<b>{text}</b>" if value is not None and value == best else text
            cells += f"<td align='right' style='padding-left: 14px'>{text}</td>"
        lines.append(f"<tr><td>{title}</td>{cells}</tr>")
    return f"<table>{''.join(lines)}</table>"


def _sign(letter: str) -> str:
    return f"<span style='color: {SIDE_COLORS[letter]}'>■</span>"


def _in_order(keys: set[str]) -> list[str]:
    """Return the figures to tell: of all classes first, then class by class."""
    known = [key for key in keys if key.rpartition("/")[2] in NAMES]
    order = list(NAMES)
    return sorted(known, key=lambda k: (k.rpartition("/")[0], order.index(k.rpartition("/")[2])))
