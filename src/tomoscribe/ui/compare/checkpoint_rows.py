"""The table of checkpoints as plain data: columns, their texts, sorting, filter. No Qt."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tomoscribe.training.run_summary import ESTIMATED
from tomoscribe.ui.compare.side_words import age
from tomoscribe.ui.runs.run_words import minutes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tomoscribe.training.checkpoint_list import CheckpointRow
    from tomoscribe.training.checkpoint_ref import CheckpointRef

CURRENT = "★"
"""Marks the project's current model."""


@dataclass(frozen=True)
class Column:
    """One column: heading, what a cell says, what it is sorted by, what it means.

    `key` returns None where a row has no such value; these come last either way.
    """

    title: str
    text: Callable[[CheckpointRow], str]
    key: Callable[[CheckpointRow], object]
    tip: str
    number: bool = True


def _figure(name: str, title: str, tip: str) -> Column:
    def text(row: CheckpointRow) -> str:
        value = getattr(row, name)
        return "" if value is None else f"{value:.2f}"

    return Column(title, text, lambda row: getattr(row, name), tip)


def _score_text(row: CheckpointRow) -> str:
    if row.f1 is not None:
        return f"{row.f1:.2f}"
    if row.score is None:
        return ""
    estimated = row.score_name in ("", ESTIMATED)
    return f"≈ {row.score:.2f}" if estimated else f"{row.score_name} {row.score:.2f}"


COLUMNS: tuple[Column, ...] = (
    Column("Run", lambda r: r.run or "(file)", lambda r: r.run, "The training, or a file", False),
    Column("Step", lambda r: str(r.step) if r.run else r.ref.name, lambda r: r.step,
           "Optimizer steps"),
    Column("Score", _score_text, lambda r: r.score if r.f1 is None else r.f1,
           "F1 of the training's validation on held-out clicks, mean over the classes; ≈ where it "
           "could only be estimated; of segmentations their IoU, ≈ where little is labelled. It "
           "ranks the checkpoints of one "
           "run; runs that hold out other clicks cannot be compared by it"),
    _figure("recall", "Recall", "Share of the held-out clicks that were found"),
    _figure("precision", "Precision", "Share of right proposals in declared regions"),
    Column("Time", lambda r: "" if math.isnan(r.elapsed_s) else minutes(r.elapsed_s),
           lambda r: None if math.isnan(r.elapsed_s) else r.elapsed_s,
           "Training time up to here, minutes and seconds"),
    Column("Epoch", lambda r: str(r.epoch) if r.run else "", lambda r: r.epoch,
           "How often as many patches were seen as there are clicks"),
    Column("Age", lambda r: "" if math.isnan(r.written) else age(time.time() - r.written),
           lambda r: None if math.isnan(r.written) else -r.written, "When it was written"),
    Column("From", lambda r: r.parent, lambda r: r.parent or None,
           "The run or checkpoint that its training went on from", False),
    Column("Kept", lambda r: "yes" if r.kept else "previews", lambda r: not r.kept,
           "Whether the weights are on disk; else only its previews can be looked at", False),
)  # fmt: skip


@dataclass
class CheckpointRows:
    """All rows, and those to show in the order to show them.

    Attributes
    ----------
    rows : tuple of CheckpointRow
        Everything there is.
    run : str or None
        Only this run is shown; None: all.
    column, descending : int or None, bool
        What they are sorted by; None: by run and step, as they come.
    """

    rows: tuple[CheckpointRow, ...] = ()
    run: str | None = None
    column: int | None = None
    descending: bool = False
    shown: list[CheckpointRow] = field(default_factory=list)

    def arrange(self) -> None:
        """Fill `shown` anew."""
        chosen = [r for r in self.rows if self.run is None or r.run == self.run]
        if self.column is None:
            self.shown = chosen
            return
        key = COLUMNS[self.column].key
        known = [r for r in chosen if key(r) is not None]
        unknown = [r for r in chosen if key(r) is None]
        known.sort(key=key, reverse=self.descending)  # type: ignore[arg-type]
        self.shown = known + unknown

    @property
    def runs(self) -> list[str]:
        """Names of the runs, as they come."""
        return list(dict.fromkeys(row.run for row in self.rows if row.run))

    def row_of(self, ref: CheckpointRef | None) -> int | None:
        """Return where a checkpoint is shown; None if it is not."""
        return next((i for i, row in enumerate(self.shown) if row.ref == ref), None)


def marks_of(
    row: CheckpointRow, sides: Mapping[str, CheckpointRef | None], model: Path | None
) -> str:
    """Return what is said before a row: whether it is A, B, the project's current model."""
    marks = [letter.upper() for letter, ref in sides.items() if ref == row.ref]
    if model is not None and row.ref.where == model:
        marks.insert(0, CURRENT)
    return " ".join(marks)
