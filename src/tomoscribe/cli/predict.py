"""`tomoscribe predict`: what a checkpoint says of tomograms, membranes or images to segment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from tomoscribe.cli import prediction_options as options
from tomoscribe.cli.decode_notes import tell_nothing_found
from tomoscribe.cli.label_volumes import VoxelSizeNm, edges_given
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.registry import kind_of
from tomoscribe.io.score_maps import open_score_maps
from tomoscribe.project.file import is_project

if TYPE_CHECKING:
    from tomoscribe.io.voxel_size import VoxelSize
    from tomoscribe.prediction.segmentation_files import SegmentationFiles

CheckpointOrRun = Annotated[
    Path,
    typer.Argument(
        metavar="PROJECT_OR_CHECKPOINT",
        help="Checkpoint file, RUN/step_000120, a run folder for its best checkpoint, or a project "
        "for its current model.",
    ),
]
Files = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE...",
        help="Tomograms (MRC, TIFF, HDF5 or OME-Zarr, also s3://), or membranes (.h5) for a "
        "training on membranes; a folder stands for what it holds. For segmentations also "
        "pictures, lists of them (.txt) and tiles (.json).",
    ),
]
Out = Annotated[
    Path,
    typer.Option(
        "--out",
        "-o",
        help="Folder for heatmaps (MRC) or scored membranes (.h5), and picks; or for maps and "
        "labels of segmentations, of one image also a file: maps (.zarr, .h5) or labels (.tif, "
        ".mrc).",
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help="Lowest score of a pick, 0 to 1.",
        show_default="the checkpoint's own, calibrated on held-out clicks",
    ),
]
Device = Annotated[str, typer.Option(help="Where to compute: auto, cpu, cuda, cuda:1 or mps.")]
VoxelSizeA = Annotated[
    float | None,
    typer.Option(
        "--voxel-size-A",
        min=0.01,
        help="Voxel size of the tomograms in Å, where their headers do not tell it.",
        show_default="from the header",
    ),
]
TomogramOption = Annotated[
    str | None,
    typer.Option(
        help="Tomogram of the membranes, where their files do not lead to it.",
        show_default=False,
    ),
]


def predict(
    checkpoint_or_run: CheckpointOrRun,
    files: Files,
    out: Out,
    threshold: Threshold = None,
    device: Device = "auto",
    voxel_size_A: VoxelSizeA = None,
    voxel_size_nm: VoxelSizeNm = None,
    tomogram: TomogramOption = None,
    decode: options.Decode = True,
    window: options.Window = None,
    stride: options.Stride = None,
    pad: options.Pad = None,
    views: options.Views = None,
    merge: options.MergeViews = None,
    batch: options.Batch = None,
    decode_voxels: options.DecodeVoxels = None,
) -> None:
    """Predict scores and picks, or segment.

    For each tomogram writes the heatmap as MRC, which overlays the tomogram; for each
    membrane its container with the scores of all vertices. The picks follow as STAR and
    CSV, with scores, on membranes with directions. A file that fails is told, the others
    go on.

    A checkpoint of a segmentation streams its maps into OME-Zarr or HDF5, whatever the
    size of the image, and decodes them into labels. Killed and called again, it goes on.
    """
    settings = options.settings_of(
        window_zyx=window,
        stride_zyx=stride,
        pad_zyx=pad,
        views=views,
        merge=merge,
        batch=batch,
        decode_voxels=decode_voxels,
    )
    size = _size_A(voxel_size_A, voxel_size_nm)
    checkpoint = chosen_checkpoint(checkpoint_or_run)
    sources = _expand(files)
    # Loading torch takes seconds, which a mistyped path need not wait for.
    from tomoscribe.prediction.batch import predict_files

    failed = []
    with _progress(sources) as show:
        for result in predict_files(
            checkpoint,
            sources,
            out,
            device=device,
            threshold=threshold,
            voxel_size_A=size,
            tomogram=tomogram,
            settings=settings,
            decode=decode,
            on_progress=show,
        ):
            if isinstance(result, TomoscribeError):
                failed.append(str(result))
                continue
            if hasattr(result, "maps"):
                # Its class comes with torch.
                _tell_segmentation(cast("SegmentationFiles", result))
                continue
            count = "1 pick" if result.pick_count == 1 else f"{result.pick_count} picks"
            typer.echo(f"{result.source}: {count} in {result.star} and {result.csv}")
            typer.echo(f"  scores in {result.scores}")
    if failed:
        raise TomoscribeError("\n".join(failed))


def _size_A(voxel_size_A: float | None, voxel_size_nm: str | None) -> VoxelSize | None:
    edges = edges_given(voxel_size_nm)
    if edges is None:
        return voxel_size_A
    if voxel_size_A is not None:
        raise TomoscribeError("Give the voxel size with --voxel-size-A or with --voxel-size-nm.")
    return edges[0] * 10, edges[1] * 10, edges[2] * 10


def _tell_segmentation(result: SegmentationFiles) -> None:
    for note in result.notes:
        typer.echo(note, err=True)
    typer.echo(f"{result.source}: maps in {result.maps}")
    for each in result.decoded:
        typer.echo(f"  {each.told} in {each.path}")
    if result.decoded:
        with closing(open_score_maps(result.maps)) as maps:
            tell_nothing_found(
                maps, result.settings, result.decoded, f"tomoscribe decode {result.maps}"
            )


def _expand(files: list[str]) -> list[str]:
    """Return the files, with folders replaced by the membranes or else the tomograms in them."""
    found: list[str] = []
    for name in files:
        place = Path(name)
        if "://" not in name and "::" not in name and not place.exists():
            raise TomoscribeError(f"There is no file '{name}'; check the path.")
        if not place.is_dir() or kind_of(place) == "volume":
            found.append(name)
            continue
        kinds = {str(p): kind_of(p) for p in sorted(place.iterdir()) if not p.name.startswith(".")}
        kind = "membrane" if "membrane" in kinds.values() else "volume"
        inside = [path for path, of in kinds.items() if of == kind]
        if not inside:
            raise TomoscribeError(f"'{name}' holds neither tomograms nor membranes.")
        found += inside
    return found


@contextmanager
def _progress(sources: list[str]) -> Iterator[Callable[[str, float], None]]:
    """Show a bar for each file; yields `show(file, share done)`."""
    with Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    ) as progress:
        bars = {s: progress.add_task(Path(s).name, total=1.0, start=False) for s in sources}

        def show(source: str, done: float) -> None:
            progress.start_task(bars[source])
            progress.update(bars[source], completed=done)

        yield show


def chosen_checkpoint(path: Path) -> Path:
    """Return the checkpoint that a file, a run or a project stands for; what was chosen is said.

    Raises
    ------
    TomoscribeError
        If there is none, or its weights were not kept.
    """
    if is_project(path):
        from tomoscribe.training.current_model import model_of_project

        model = model_of_project(path)
        typer.echo(f"Predicting with {model.ref.source}, {model.why}.", err=True)
        return model.ref.where
    from tomoscribe.training.find_checkpoint import find_checkpoint

    ref = find_checkpoint(path)
    if ref.file is None:
        raise TomoscribeError(
            f"The weights of {ref.source} were not kept: predict with another checkpoint."
        )
    return ref.file
