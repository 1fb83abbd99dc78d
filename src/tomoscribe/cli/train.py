"""`tomoscribe train`: a training in the foreground, by the same worker as the viewer's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tomoscribe.cli import set_options, voxel_source
from tomoscribe.cli.run_progress import summarise, train_in_foreground, watch
from tomoscribe.cli.train_config import is_config, train_config
from tomoscribe.errors import TomoscribeError
from tomoscribe.project.chosen_source import find_source
from tomoscribe.project.default_task import MEMBRANE, chosen_task
from tomoscribe.project.file import runs_folder
from tomoscribe.project.source import DataSource, LabelFiles
from tomoscribe.tasks.voxels.settings import PRESETS
from tomoscribe.training import launch
from tomoscribe.training import sweep as sweeps
from tomoscribe.training.config import RunConfig
from tomoscribe.training.run import RunFolder
from tomoscribe.training.training_request import check_data, of_preset

Data = Annotated[
    Path | None,
    typer.Argument(
        help="Project folder, or folder with train/ and optionally val/ that hold "
        "X.mrc and X.star, X.h5 and X.star for membranes, or X.tif and X_labels.tif for "
        "segmentations; or a datasplit (.csv), or a configuration of the CellMap toolbox (.py, "
        ".yaml). Not needed with --images and --coordinates, or "
        "with --image and --labels.",
        show_default=False,
    ),
]
Run = Annotated[
    Path | None,
    typer.Option(
        help="New folder of the run.",
        show_default="date, task and number, in runs/ of the project or of this folder",
    ),
]
Images = Annotated[
    Path | None,
    typer.Option(help="List of image_name, rec_path (MiLoPYP).", show_default=False),
]
Coordinates = Annotated[
    Path | None,
    typer.Option(
        help="List of image_name, x_coord, y_coord, z_coord (MiLoPYP).", show_default=False
    ),
]
Diameter = Annotated[
    float | None,
    typer.Option(
        "--diameter-A",
        min=0.01,
        help="Particle diameter in Å, where the data do not tell it.",
        show_default=False,
    ),
]
VoxelSize = Annotated[
    float | None,
    typer.Option(
        "--voxel-size-A",
        min=0.01,
        help="Voxel size in Å, where the headers do not tell it.",
        show_default="from the headers",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="A setting, see below.", show_default=False),
]
Device = Annotated[
    str | None, typer.Option(help="auto, cpu, cuda, cuda:1 or mps.", show_default="auto")
]
MaxMinutes = Annotated[
    float | None, typer.Option(help="Training time in minutes.", show_default="5")
]
TaskName = Annotated[
    str | None,
    typer.Option(
        help="What is learned: picks in a tomogram or on a membrane, semantic (classes of voxels) "
        "or instance (objects).",
        show_default="membrane where the data hold membranes, semantic where they are label "
        "files or a project that has classes of voxels only, else tomogram",
    ),
]
Complete = Annotated[
    bool,
    typer.Option(
        "--complete",
        help="All particles of the membranes are picked, as MemBrain-pick assumes; otherwise what "
        "is not picked is unlabelled outside of annotated patches.",
    ),
]
ContinueFrom = Annotated[
    Path | None,
    typer.Option(help="Checkpoint whose weights are the first ones.", show_default=False),
]
Sweep = Annotated[
    str | None,
    typer.Option(
        metavar="KEY=V1,V2,…",
        help="Train once for each value, one after the other: a setting (bin=2,3), "
        "diameter=0.8,1,1.25 (factors on all diameters), or band_A=-20:60,-60:100 (depths on "
        "membranes, Å).",
        show_default=False,
    ),
]
TrustConfig = Annotated[
    bool,
    typer.Option(
        "--trust-config",
        help="Execute CONFIG.py to get its values; without it only what stands there is read.",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        help="AutoSeg's configurations, task and dimension of a segmentation: "
        f"{', '.join(PRESETS)}.",
        show_default=False,
    ),
]


def train(
    data: Data = None,
    run: Run = None,
    task: TaskName = None,
    preset: Preset = None,
    images: Images = None,
    coordinates: Coordinates = None,
    diameter_A: Diameter = None,
    voxel_size_A: VoxelSize = None,
    complete: Complete = False,
    image: voxel_source.Image = None,
    labels: voxel_source.Labels = None,
    classes: voxel_source.Classes = None,
    unlabelled: voxel_source.Unlabelled = None,
    background: voxel_source.Background = None,
    objects: voxel_source.Objects = None,
    voxel_size_nm: voxel_source.VoxelSizeNm = None,
    scale_nm: voxel_source.ScaleNm = None,
    settings: Settings = None,
    device: Device = None,
    max_minutes: MaxMinutes = None,
    continue_from: ContinueFrom = None,
    sweep: Sweep = None,
    trust_config: TrustConfig = False,
) -> None:
    """Train on picks or labelled voxels, in the foreground; Ctrl-C stops with a checkpoint."""
    files = voxel_source.label_files(
        image, labels, classes, unlabelled, background, objects, voxel_size_nm, scale_nm
    )
    if data is not None and is_config(data):
        others = (images, coordinates, diameter_A, voxel_size_A, continue_from, sweep, preset)
        if complete or files != LabelFiles() or any(option is not None for option in others):
            raise TomoscribeError(
                f"{data} says itself what is trained on: leave the options about data away."
            )
        train_config(data, trust_config, run, task, settings or [], device, max_minutes)
        return
    if preset is not None:
        task, dimension = of_preset(preset, task)
        settings = [f"voxels.dimension={dimension}", *(settings or [])]
    source = find_source(data, images, coordinates, diameter_A, voxel_size_A, files)
    source = source.model_copy(update={"complete": complete})
    if continue_from is not None and not continue_from.is_file():
        raise TomoscribeError(f"There is no checkpoint '{continue_from}'; check the path.")
    config = RunConfig(
        task=_chosen(task, source),
        data=source,
        settings=set_options.parse_settings(settings or [], device=device, max_minutes=max_minutes),
        start_from=None if continue_from is None else str(continue_from.absolute()),
    )
    # Bad data are told now, not after the device was waited for, and leave no run behind.
    check_data(config)
    set_options.check_optimization(config)
    folder = source.path if source.kind == "project" and source.path else Path()
    if sweep is not None:
        if run is not None:
            raise TomoscribeError("A sweep names its runs itself: leave --run away.")
        train_sweep(config, runs_folder(folder), sweep)
        return
    train_in_foreground(config, runs_folder(folder), run)


def _chosen(task: str | None, source: DataSource) -> str:
    chosen = chosen_task(task, source)
    if task is None and chosen == MEMBRANE:
        typer.echo(f"The {source.kind} holds membranes: training on membranes.", err=True)
    if source.complete and chosen != MEMBRANE:
        raise TomoscribeError("--complete is about membranes; in tomograms draw regions instead.")
    return chosen


def train_sweep(config: RunConfig, runs_dir: Path, text: str) -> None:
    """Train the variants of a sweep; an interrupt stops the one that trains and those behind it.

    Raises
    ------
    TomoscribeError
        If the text is no sweep, or all trainings failed.
    """
    key, _, values = text.partition("=")
    variants = sweeps.parse(key.strip(), values)
    configs = sweeps.configurations(config, variants, sweeps.sweep_name(key.strip()))
    runs = sweeps.launch_all(configs, runs_dir)
    try:
        failed = _watch_each(key, variants, runs)
    except KeyboardInterrupt:
        for run in reversed(runs):  # so that none begins meanwhile
            launch.request_stop(run)
        raise
    if len(failed) == len(runs):
        raise TomoscribeError(f"All trainings of the sweep failed; the first: {failed[0]}")


def _watch_each(
    key: str, variants: Sequence[sweeps.Variant], runs: Sequence[RunFolder]
) -> list[str]:
    """Watch the runs of a sweep to their ends; return what went wrong, a sentence each."""
    failed = []
    for variant, run in zip(variants, runs, strict=True):
        typer.echo(f"{key}={variant.text}: {run.name}", err=True)
        try:
            stopped = watch(run)
        except TomoscribeError as error:
            failed.append(f"{key}={variant.text}: {error}")
            typer.echo(failed[-1], err=True)
            continue
        typer.echo(f"{key}={variant.text}: {summarise(run)}")
        if stopped:
            raise KeyboardInterrupt
    return failed


train.__doc__ = f"{train.__doc__}\n\n{set_options.help_text()}"
