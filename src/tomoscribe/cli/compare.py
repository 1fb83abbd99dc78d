"""`tomoscribe compare`: two checkpoints on the picks of a project, as a table and as a page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from tomoscribe.errors import TomoscribeError
from tomoscribe.evaluation.judgement_words import how_measured
from tomoscribe.evaluation.report import write_report
from tomoscribe.project.file import is_project

if TYPE_CHECKING:
    from tomoscribe.evaluation.judgement import Figures, Judgement
    from tomoscribe.training.compare import Comparison

Checkpoint = "Checkpoint file, run folder or name of a run (its best), or RUN/step_000120."

SideA = Annotated[str, typer.Argument(metavar="A", help=Checkpoint)]
SideB = Annotated[str, typer.Argument(metavar="B", help="The same for the other side.")]
ProjectFolder = Annotated[
    Path, typer.Option(help="Project with the picks that both are judged by.")
]
Samples = Annotated[
    list[str] | None,
    typer.Option(
        "--sample",
        help="Tomogram or membrane of the project; may be given several times.",
        show_default="those with picks that validate, else all with picks",
    ),
]
ReportFile = Annotated[
    Path | None,
    typer.Option(
        "--report",
        help="Page (HTML) with curves, pictures and settings, whole in one file.",
        show_default=False,
    ),
]
Device = Annotated[str, typer.Option(help="Where to compute: auto, cpu, cuda, cuda:1 or mps.")]


def compare(
    a: SideA,
    b: SideB,
    project: ProjectFolder,
    sample: Samples = None,
    report: ReportFile = None,
    device: Device = "auto",
) -> None:
    """Compare two checkpoints: precision, recall and F1 on the picks of a project.

    What they have not predicted yet is predicted now. Where no region or patch is declared
    complete, an extra proposal is not wrong but not judged yet: precision and F1 are then the
    least they can be.
    """
    if not is_project(project):
        raise TomoscribeError(f"There is no project in '{project}'; check the path.")
    if report is not None and report.is_dir():
        raise TomoscribeError(f"'{report}' is a folder: name a file in it for the report.")
    if report is not None and not report.absolute().parent.is_dir():
        raise TomoscribeError(
            f"There is no folder '{report.parent}' for the report; make it first."
        )
    # Loading torch takes seconds, which a mistyped path need not wait for.
    from tomoscribe.project.store import Project
    from tomoscribe.training.compare import compare as compare_checkpoints
    from tomoscribe.training.find_checkpoint import find_checkpoint
    from tomoscribe.training.report_facts import make_report

    sides = {"A": find_checkpoint(a, project), "B": find_checkpoint(b, project)}
    opened = Project.open(project, read_only=True)
    with _progress() as show:
        found = compare_checkpoints(opened, sides, sample, device=device, on_progress=show)
    _print(found)
    if report is not None:
        page = make_report(opened.name, found.sides, found.samples, found.classes)
        write_report(report, page)
        typer.echo(f"Report written: {report}")


def _print(found: Comparison) -> None:
    names = ", ".join(sample.evidence.name for sample in found.samples)
    for letter, ref in found.sides.items():
        typer.echo(f"{letter}: {ref.source}")
    console = Console(markup=False)
    for particle in found.classes:
        judged = {k: found.judgement(k, particle.name) for k in found.sides}
        table = Table(title=f"{particle.name} on {names}")
        table.add_column("")
        for letter in found.sides:
            table.add_column(letter, justify="right")
        figures = {k: j.at(found.threshold(k, particle.name)) for k, j in judged.items()}
        for title, text in ROWS.items():
            table.add_row(title, *(text(figures[k], judged[k]) for k in found.sides))
        console.print(table)
        for sentence in dict.fromkeys(how_measured(j) for j in judged.values()):
            typer.echo(sentence)


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


@contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """Show a bar for each prediction; yields `show(what, share done)`."""
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        console=Console(stderr=True),
    ) as progress:
        bars: dict[str, TaskID] = {}

        def show(what: str, done: float) -> None:
            if what not in bars:
                bars[what] = progress.add_task(what, total=1.0)
            progress.update(bars[what], completed=done)

        yield show
