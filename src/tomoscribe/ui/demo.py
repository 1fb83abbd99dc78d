"""The demo: the viewer on the sample project with a training running live, or driven without hands.

`python -m tomoscribe.ui.demo` opens the viewer; with `--drive` it clicks particles, trains,
compares, reviews and exports by itself, and leaves pictures and the exported STAR.
The documentation's `docs/images/training.png` and `compare.png` are copies of its pictures
`demo_output/04_training.png` and `06_compare_b.png`, at most 600 kB each.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import napari
import typer
from qtpy.QtWidgets import QApplication
from rich.console import Console
from rich.table import Table

from tomoscribe.errors import TomoscribeError
from tomoscribe.simulate.project import make_sample_project
from tomoscribe.ui.app import open_viewer
from tomoscribe.ui.demo_drive import Drive
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.starter import Starter
from tomoscribe.ui.session import Session

if TYPE_CHECKING:
    from tomoscribe.ui.demo_drive import Summary

WINDOW = (1600, 1000)
CLICKS = 20

console = Console()


def main(
    out: Annotated[
        Path, typer.Option(help="Folder of the sample project and the pictures.")
    ] = Path("demo_output"),
    max_minutes: Annotated[float, typer.Option(help="Training time in minutes.")] = 1.5,
    drive: Annotated[
        bool, typer.Option("--drive", help="Do everything without hands, then close.")
    ] = False,
) -> None:
    """Show tomoscribe on a tomogram made in code."""
    try:
        if drive:
            driven(out, max_minutes)
        else:
            live(out, max_minutes)
    except TomoscribeError as error:
        console.print(f"[bold red]The demo failed:[/] {error}")
        raise typer.Exit(1) from error


def live(out: Path, max_minutes: float) -> None:
    """Open the viewer on a clicked sample project, start a training, and leave it to the user."""
    viewer = _viewer_on_sample(out, CLICKS)
    starter = Starter.of(Session.of(viewer))
    starter.settings = starter.settings.model_copy(update={"max_minutes": max_minutes})
    starter.start()
    napari.run()


def driven(out: Path, max_minutes: float) -> None:
    """Do what a user does in the first five minutes, and say how it went."""
    viewer = _viewer_on_sample(out, 0)
    try:
        summary = Drive(viewer, out, max_minutes, CLICKS).run()
    finally:
        RunMonitor.of(Session.of(viewer)).close()
        viewer.close()
        QApplication.processEvents()
    _print(summary)


def _viewer_on_sample(out: Path, clicks: int) -> napari.Viewer:
    folder = out / "sample_project"
    if folder.exists():
        shutil.rmtree(folder)
    out.mkdir(parents=True, exist_ok=True)
    with console.status("Making two tomograms with particles …"):
        make_sample_project(folder, clicks=clicks).close()
    with console.status("Opening the viewer …"):
        viewer = open_viewer()
        viewer.window._qt_window.resize(*WINDOW)
        QApplication.processEvents()
        Session.of(viewer).open_project(folder)
        QApplication.processEvents()
        viewer.reset_view()
    return viewer


def _print(summary: Summary) -> None:
    table = Table(title="tomoscribe demo", show_header=False, title_justify="left")
    for what, value in summary.rows():
        table.add_row(what, value)
    console.print(table)
    for path in (*summary.pictures, *summary.exported):
        console.print(f"  {path}", highlight=False)


if __name__ == "__main__":
    typer.run(main)
