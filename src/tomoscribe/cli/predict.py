"""`tomoscribe predict`: heatmaps and picks of tomograms from a checkpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tomoscribe.errors import TomoscribeError


def predict(
    checkpoint_or_run: Annotated[
        Path,
        typer.Argument(
            metavar="CHECKPOINT_OR_RUN",
            help="Checkpoint file, or a run folder for its best checkpoint.",
        ),
    ],
    tomograms: Annotated[
        list[str],
        typer.Argument(
            metavar="TOMOGRAM...", help="Tomograms: MRC, TIFF, HDF5 or OME-Zarr, also s3://."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder for heatmaps (MRC) and picks (STAR, CSV).")],
    threshold: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="Lowest score of a pick, 0 to 1.",
            show_default="the checkpoint's own, calibrated on held-out clicks",
        ),
    ] = None,
    device: Annotated[
        str, typer.Option(help="Where to compute: auto, cpu, cuda, cuda:1 or mps.")
    ] = "auto",
    voxel_size_A: Annotated[
        float | None,
        typer.Option(
            "--voxel-size-A",
            min=0.01,
            help="Voxel size of the tomograms in Å, where their headers do not tell it.",
            show_default="from the header",
        ),
    ] = None,
) -> None:
    """Predict heatmaps and picks.

    For each tomogram writes the heatmap as MRC, which overlays the tomogram,
    and the picks with their scores as STAR and CSV.
    """
    checkpoint = _find_checkpoint(checkpoint_or_run)
    for tomogram in tomograms:
        if "://" not in tomogram and not Path(tomogram).exists():
            raise TomoscribeError(f"There is no tomogram '{tomogram}'; check the path.")
    # Loading torch takes seconds, which a mistyped path need not wait for.
    from tomoscribe.prediction.batch import predict_tomograms

    with _progress(tomograms) as show:
        results = predict_tomograms(
            checkpoint,
            tomograms,
            out,
            device=device,
            threshold=threshold,
            voxel_size_A=voxel_size_A,
            on_progress=show,
        )
    for files in results:
        typer.echo(f"{files.tomogram}: {files.pick_count} picks in {files.star} and {files.csv}")
        typer.echo(f"  heatmap in {files.heatmap}")


@contextmanager
def _progress(tomograms: list[str]) -> Iterator[Callable[[str, float], None]]:
    """Show a bar for each tomogram; yields `show(tomogram, share done)`."""
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as progress:
        bars = {t: progress.add_task(Path(t).name, total=1.0, start=False) for t in tomograms}

        def show(tomogram: str, done: float) -> None:
            progress.start_task(bars[tomogram])
            progress.update(bars[tomogram], completed=done)

        yield show


def _find_checkpoint(path: Path) -> Path:
    if not path.exists():
        raise TomoscribeError(f"There is no checkpoint or run '{path}'; check the path.")
    if path.is_file():
        return path
    from tomoscribe.training.run import RunFolder

    return RunFolder(path).best_checkpoint()
