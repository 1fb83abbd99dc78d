"""`tomoscribe runs`, `stop` and `resume`: trainings that exist already."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from tomoscribe.cli import set_options
from tomoscribe.cli.run_progress import summarise, watch
from tomoscribe.errors import TomoscribeError
from tomoscribe.project.file import is_project, runs_folder
from tomoscribe.training import launch
from tomoscribe.training.run import RunFolder
from tomoscribe.training.run_table import RunTable, differences

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomoscribe.training.run_summary import RunRow

MESSAGE_WIDTH = 24
"""Characters of a message in one line at least."""

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")]


def runs(
    folder: Annotated[
        Path,
        typer.Argument(metavar="[PROJECT_OR_DIR]", help="Project, or folder that holds runs."),
    ] = Path(),
) -> None:
    """List trainings: state, steps, best score, last sign of life, settings that differ."""
    if not folder.is_dir():
        raise TomoscribeError(f"There is no folder '{folder}'; check the path.")
    try:
        found = [] if is_project(folder) else RunTable(folder).poll()
        found = found or RunTable(runs_folder(folder)).poll()
    except OSError as error:
        raise TomoscribeError(
            f"{error.filename or folder} cannot be read: {error.strerror or error}."
        ) from error
    if not found:
        typer.echo(f"There are no runs in {folder}.")
        return
    table = _table(found)
    console = Console(markup=False)
    needed = Console(width=10_000).measure(table).minimum
    console.width = max(console.width, needed)
    console.print(table)


def _table(found: Sequence[RunRow]) -> Table:
    """Return the table: what is cut off is of no use, so only settings and messages wrap."""
    rows = [
        (
            row.name,
            row.state,
            str(row.steps),
            "" if row.best_score is None else f"{row.best_name} {row.best_score:.3f}",
            _ago(row.heartbeat),
        )
        for row in found
    ]
    told = [[f"{key}={_text(value)}" for key, value in one.items()] for one in differences(found)]
    table = Table()
    for title, *cells in zip(("run", "state", "steps", "best", "last sign"), *rows, strict=True):
        table.add_column(title, no_wrap=True, min_width=max(map(len, [title, *cells])))
    longest = max((len(text) for one in told for text in one), default=0)
    table.add_column("differs in", min_width=longest + 1)  # and its comma
    table.add_column("message", min_width=MESSAGE_WIDTH if any(row.message for row in found) else 0)
    for row, figures, differs in zip(found, rows, told, strict=True):
        table.add_row(*figures, ", ".join(differs), row.message)
    return table


def stop(
    run: Run,
    timeout: Annotated[
        float,
        typer.Option(min=0.0, help="Seconds to wait for the checkpoint before it is ended."),
    ] = launch.STOP_S,
) -> None:
    """Stop a training: write a checkpoint, then exit."""
    folder = _open(run)
    launch.stop(folder, timeout)
    state = launch.effective_state(folder.status())
    if state.alive:
        raise TomoscribeError(
            f"{run} did not answer within {timeout:g} s and runs on another machine; "
            "end it there, or wait."
        )
    typer.echo(summarise(folder))


def resume(
    run: Run,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return at once; the training goes on by itself.")
    ] = False,
    max_minutes: Annotated[
        float | None,
        typer.Option(
            help="Training time in minutes, in all, with what RUN had.",
            show_default="that of RUN, or as much again where it is used up",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A setting to change, as in train.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Go on with a stopped or lost training, as a new run beside it."""
    parsed = set_options.parse_settings(settings or [], max_minutes=max_minutes)
    changes = parsed.model_dump(exclude_unset=True)
    parent = _open(run)
    child = launch.resume_as_child(parent, settings=changes)
    if minutes := changes.get("max_minutes"):
        had = parent.trained_s() / 60
        typer.echo(
            f"Trains {minutes - had:.2f} of {minutes:g} minutes, as {parent.name} had {had:.2f}.",
            err=True,
        )
    if detach:
        typer.echo(str(child.path))
        return
    watch(child)
    typer.echo(summarise(child))


def _open(path: Path) -> RunFolder:
    run = RunFolder(path)
    if not run.exists:
        raise TomoscribeError(f"'{path}' is not a run folder: it has no config.yaml.")
    return run


def _text(value: object) -> str:
    return "auto" if value is None else str(value)


def _ago(heartbeat: float) -> str:
    if not heartbeat:
        return ""
    seconds = max(0.0, time.time() - heartbeat)
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"
