"""`tomoscribe export`: picks of a project as files of other programs, or as a training folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import typer
from rich.console import Console

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_files import Flavour
from tomoscribe.picks.table import PickState
from tomoscribe.project.export import SUFFIXES, export_picks
from tomoscribe.project.export_file import ExportReport
from tomoscribe.project.export_folder import export_training_folder
from tomoscribe.project.store import Project


def export(
    project: Annotated[Path, typer.Argument(help="Project folder.", metavar="PROJECT")],
    out: Annotated[Path, typer.Option(help="Folder for the files; made if absent.")],
    format_: Annotated[
        str,
        typer.Option("--format", help=f"Format of the picks: {', '.join(SUFFIXES)}."),
    ] = "relion5",
    state: Annotated[
        list[PickState] | None,
        typer.Option(help="Review state of the picks; may be repeated; default: accepted."),
    ] = None,
    class_: Annotated[
        list[str] | None,
        typer.Option("--class", help="Class of the picks; may be repeated; default: all."),
    ] = None,
    tilt_series_pixel_size_A: Annotated[
        float | None,
        typer.Option(
            "--tilt-series-pixel-size-A",
            help="Pixel size in Å of the unbinned tilt series, in which relion4 counts; "
            "default: the tomogram's voxel size.",
        ),
    ] = None,
    training_folder: Annotated[
        bool,
        typer.Option(
            "--training-folder",
            help="Write train/ and val/ with links to the tomograms, or containers of the "
            "membranes, and the accepted picks instead, as `tomoscribe train` takes it.",
        ),
    ] = False,
    task: Annotated[
        str | None,
        typer.Option(
            help="What the training folder is for: tomogram or membrane.",
            show_default="membrane where picks lie on membranes",
        ),
    ] = None,
) -> None:
    """Write the picks of a project: a file for each tomogram, one for all, read back to check."""
    opened = Project.open(project, read_only=True)
    if training_folder:
        _refuse_choice(state, class_, tilt_series_pixel_size_A)
        report = export_training_folder(opened, out, task)
    else:
        states = tuple(state) if state else (PickState.ACCEPTED,)
        flavour = cast("Flavour", format_)
        report = export_picks(
            opened,
            out,
            flavour,
            states=states,
            class_names=class_ or None,
            tilt_series_pixel_size_A=tilt_series_pixel_size_A,
        )
    _print_report(report, opened.notes)


def _refuse_choice(
    state: list[PickState] | None, class_: list[str] | None, pixel_size_A: float | None
) -> None:
    """Raise where options are given that a training folder has no use for."""
    if state or class_:
        raise TomoscribeError(
            "--training-folder holds all accepted picks: leave --state and --class out."
        )
    if pixel_size_A is not None:
        raise TomoscribeError(
            "--training-folder counts in voxels: leave --tilt-series-pixel-size-A out."
        )


def _print_report(report: ExportReport, project_notes: list[str]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    for path in report.paths:
        console.print(str(path), markup=False)
    for row in report.first_rows:
        console.print(f"  {row}", style="dim", markup=False)
    console.print(report.sentence, markup=False)
    for note in (*project_notes, *report.notes):
        console.print(note, style="yellow", markup=False)
