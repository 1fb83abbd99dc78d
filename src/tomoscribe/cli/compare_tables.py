"""The tables of `tomoscribe compare`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

from tomoscribe.evaluation.judgement_words import how_measured
from tomoscribe.evaluation.segments.words import (
    FIGURES,
    agreement_text,
    figure_text,
    figures_of,
    how_judged,
    not_known,
    places_to_look,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tomoscribe.evaluation.judgement import Figures, Judgement
    from tomoscribe.training.checkpoint_ref import CheckpointRef
    from tomoscribe.training.compare import Comparison
    from tomoscribe.training.compare_segments import SegmentComparison


def print_segments(found: SegmentComparison) -> None:
    """Print how two segmentations are judged, how far they agree, and where to look."""
    judgement, names = found.judgement, ", ".join(one.name for one in found.images)
    _print_sides(found.sides)
    console = Console(markup=False)
    for name in judgement.classes:
        told = {k: figures_of(judgement.judged[k, name]) if (k, name) in judgement.judged else {}
                for k in found.sides}  # fmt: skip
        if any(told.values()):
            table = _table(f"{name} on {names}", found.sides)
            for figure in FIGURES:
                if any(figure in figures for figures in told.values()):
                    cells = (figure_text(figures.get(figure)) for figures in told.values())
                    table.add_row(figure, *cells)
            console.print(table)
    for sentence in (
        how_judged(judgement),
        *not_known(judgement),
        agreement_text(found.agreements),
    ):
        if sentence:
            typer.echo(sentence)
    places = places_to_look(judgement, found.agreements)
    if places:
        table = Table(title="Places to look at, voxels z, y, x from 0")
        for heading in ("image", "where", "what"):
            table.add_column(heading, overflow="fold")
        for place in places:
            table.add_row(place.sample, ", ".join(f"{v:.0f}" for v in place.zyx), place.text)
        console.print(table)


def print_picks(found: Comparison) -> None:
    """Print how two checkpoints that pick particles are judged."""
    names = ", ".join(sample.evidence.name for sample in found.samples)
    _print_sides(found.sides)
    console = Console(markup=False)
    for particle in found.classes:
        judged = {k: found.judgement(k, particle.name) for k in found.sides}
        table = _table(f"{particle.name} on {names}", found.sides)
        figures = {k: j.at(found.threshold(k, particle.name)) for k, j in judged.items()}
        for title, text in ROWS.items():
            table.add_row(title, *(text(figures[k], judged[k]) for k in found.sides))
        console.print(table)
        for sentence in dict.fromkeys(how_measured(j) for j in judged.values()):
            typer.echo(sentence)


def _print_sides(sides: Mapping[str, CheckpointRef]) -> None:
    for letter, ref in sides.items():
        typer.echo(f"{letter}: {ref.source}")


def _table(title: str, sides: Mapping[str, CheckpointRef]) -> Table:
    table = Table(title=title)
    table.add_column("")
    for letter in sides:
        table.add_column(letter, justify="right")
    return table


def _least(figures: Figures, value: float) -> str:
    if not figures.sought:
        return "-"
    return f"{value:.3f}" if figures.settled else f">= {value:.3f}"


def _best(judgement: Judgement) -> str:
    best = judgement.best
    return "-" if best is None else f"{best.f1:.3f} at {best.threshold:.3g}"


ROWS: dict[str, Callable[[Figures, Judgement], str]] = {
    "threshold": lambda f, _: f"{f.threshold:.3g}",
    "proposed": lambda f, _: str(f.proposed),
    "found": lambda f, _: f"{f.found} of {f.clicks}",
    "certainly wrong": lambda f, _: str(f.wrong),
    "not judged yet": lambda f, _: str(f.open),
    "precision": lambda f, _: _least(f, f.precision),
    "recall": lambda f, _: f"{f.recall:.3f}" if f.sought else "-",
    "F1": lambda f, _: _least(f, f.f1),
    "best F1": lambda _, j: _best(j),
}
"""Rows of the table."""
