"""`tomoscribe compare`: two checkpoints on picks or labels that are known, as table and page."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from tomoscribe.cli import voxel_source
from tomoscribe.cli.compare_tables import print_picks, print_segments
from tomoscribe.cli.predict import Device
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import write_text_atomic
from tomoscribe.project.chosen_source import find_source
from tomoscribe.project.file import is_project
from tomoscribe.project.source import DataSource, LabelFiles
from tomoscribe.training.compare_segments import SegmentComparison
from tomoscribe.training.seen import data_of

if TYPE_CHECKING:
    from tomoscribe.training.checkpoint_ref import CheckpointRef

Checkpoint = "Checkpoint file, run folder or name of a run (its best), or RUN/step_000120."

SideA = Annotated[str, typer.Argument(metavar="A", help=Checkpoint)]
SideB = Annotated[str, typer.Argument(metavar="B", help="The same for the other side.")]
ProjectFolder = Annotated[
    Path | None,
    typer.Option(
        help="Project with the picks or labels that both are judged by.",
        show_default="what A was trained on",
    ),
]
Data = Annotated[
    Path | None,
    typer.Option(
        help="Folder of images with labels, or a datasplit (.csv), that both are judged by.",
        show_default=False,
    ),
]
Samples = Annotated[
    list[str] | None,
    typer.Option(
        "--sample",
        help="Tomogram, membrane or image by its name; may be given several times.",
        show_default="those with picks or labels that validate, else all with any",
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


def compare(
    a: SideA,
    b: SideB,
    project: ProjectFolder = None,
    data: Data = None,
    image: voxel_source.Image = None,
    labels: voxel_source.Labels = None,
    classes: voxel_source.Classes = None,
    unlabelled: voxel_source.Unlabelled = None,
    background: voxel_source.Background = None,
    objects: voxel_source.Objects = None,
    voxel_size_nm: voxel_source.VoxelSizeNm = None,
    scale_nm: voxel_source.ScaleNm = None,
    sample: Samples = None,
    report: ReportFile = None,
    device: Device = "auto",
) -> None:
    """Compare two checkpoints by what is known: picks of a project, or labels of voxels.

    What they have not predicted yet is predicted now. They are judged on the data that A was
    trained on, unless a project, data, or an image with labels is named.

    Pickers: precision, recall and F1. Where no region or patch is declared complete, an extra
    proposal is not wrong but not judged yet: precision and F1 are then the least they can be.

    Segmentations: overlap of voxels, and objects found, by labels that no training of either
    learned from, if there are such; where nothing is labelled, how far they agree; and places to
    look at.
    """
    if project is not None and not is_project(project):
        raise TomoscribeError(f"There is no project in '{project}'; check the path.")
    _check_report(report)
    # Loading torch takes seconds, which a mistyped path need not wait for.
    from tomoscribe.project.store import Project
    from tomoscribe.training.compare import compare as compare_checkpoints
    from tomoscribe.training.compare_labels import compare_on_labels
    from tomoscribe.training.comparison_page import comparison_page
    from tomoscribe.training.find_checkpoint import find_checkpoint

    sides = {"A": find_checkpoint(a, project), "B": find_checkpoint(b, project)}
    files = voxel_source.label_files(
        image, labels, classes, unlabelled, background, objects, voxel_size_nm, scale_nm
    )
    source = _source(sides["A"], project, data, files)
    opened = None
    if source.kind == "project" and source.path is not None:
        opened = Project.open(source.path, read_only=True)
    with _progress() as show:
        found = (
            compare_on_labels(source, sides, sample, device=device, on_progress=show)
            if opened is None
            else compare_checkpoints(opened, sides, sample, device=device, on_progress=show)
        )
    name = "" if opened is None else opened.name
    if isinstance(found, SegmentComparison):
        print_segments(found)
    else:
        print_picks(found)
    if report is not None:
        write_text_atomic(report, comparison_page(name, found))
        typer.echo(f"Report written: {report}")


def _check_report(report: Path | None) -> None:
    if report is not None and report.is_dir():
        raise TomoscribeError(f"'{report}' is a folder: name a file in it for the report.")
    if report is not None and not report.absolute().parent.is_dir():
        raise TomoscribeError(
            f"There is no folder '{report.parent}' for the report; make it first."
        )


def _source(
    a: CheckpointRef, project: Path | None, data: Path | None, files: LabelFiles
) -> DataSource:
    """Return what both are judged by: what is named, else the data of A's training."""
    if project is not None and data is not None:
        raise TomoscribeError("Give --project or --data, not both.")
    if project is not None or data is not None or files.image is not None:
        return find_source(project or data, None, None, None, None, files)
    found = data_of(a)
    if found is None:
        raise TomoscribeError(
            f"Nobody knows what {a.source} was trained on: name what both are judged by, with "
            "--project, --data, or --image and --labels."
        )
    if files != LabelFiles():
        raise TomoscribeError("Options about labels need --data, or --image and --labels.")
    return found


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
