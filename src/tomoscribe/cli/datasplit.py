"""`tomoscribe datasplit`: which crops train and which validate, as the CellMap toolbox lists it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.datasplit_make import (
    CROP_NAME,
    RAW_NAME,
    S3_SEARCH_PATH,
    SEARCH_PATH,
    Force,
    make_datasplit,
)

Classes = Annotated[
    str, typer.Option("--classes", "-c", help="Classes to learn, with commas between them.")
]
Scale = Annotated[
    tuple[float, float, float] | None,
    typer.Option(
        "--scale",
        "-s",
        metavar="Z Y X",
        help="Only crops whose finest voxels are at most so large, nm, as in -s 8 8 8.",
        show_default="any",
    ),
]
ForceAll = Annotated[
    bool, typer.Option("--force-all-classes", "-fa", help="Leave crops out that lack a class.")
]
ForceTrain = Annotated[
    bool,
    typer.Option(
        "--force-all-classes-train",
        "-ft",
        help="Crops that lack a class validate; with -fv too they are left out.",
    ),
]
ForceValidate = Annotated[
    bool,
    typer.Option("--force-all-classes-validate", "-fv", help="Crops that lack a class train."),
]
ValidationProb = Annotated[
    float,
    typer.Option(
        "--validation-prob",
        "--validate-ratio",
        "-vr",
        min=0.0,
        max=0.99,
        help="Chance of a crop to validate; of two crops or more one always does.",
    ),
]
Datasets = Annotated[
    list[str],
    typer.Option(
        "--datasets", "-ds", help="Names of data sets, with commas between them or repeated."
    ),
]
Crops = Annotated[
    list[str],
    typer.Option("--crops", "-cr", help="Names of crops, with commas between them or repeated."),
]
SearchPath = Annotated[
    str | None,
    typer.Option(
        "--search-path",
        "--search_path",
        "-sp",
        help="Where data sets lie, with {dataset} and {name}.",
        show_default=f"{SEARCH_PATH}, with --s3 {S3_SEARCH_PATH}",
    ),
]
RawName = Annotated[
    str, typer.Option("--raw-name", "--raw_name", "-rn", help="Raw image within a data set.")
]
CropName = Annotated[
    str,
    typer.Option(
        "--crop-name",
        "--crop_name",
        "-cn",
        help="Labels within a data set, with {crop} and {label}.",
    ),
]
CsvPath = Annotated[
    Path, typer.Option("--csv-path", "--csv_path", "-cp", help="The datasplit that is written.")
]
S3 = Annotated[
    bool, typer.Option("--s3", "--use_s3", "-s3", help="Look into the public bucket of CellMap.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the table, write nothing.")]
Seed = Annotated[int, typer.Option(help="Same seed and same data, same datasplit.")]


def datasplit(
    classes: Classes = "nuc,mito",
    scale: Scale = None,
    force_all_classes: ForceAll = False,
    force_train: ForceTrain = False,
    force_validate: ForceValidate = False,
    validation_prob: ValidationProb = 0.1,
    datasets: Datasets = ["*"],  # noqa: B006  (typer shows it and gives a new one)
    crops: Crops = ["*"],  # noqa: B006
    search_path: SearchPath = None,
    raw_name: RawName = RAW_NAME,
    crop_name: CropName = CROP_NAME,
    csv_path: CsvPath = Path("datasplit.csv"),
    s3: S3 = False,
    dry_run: DryRun = False,
    seed: Seed = 42,
) -> None:
    """List crops of labels with their raw images, and which of them train or validate."""
    names = _parts([classes])
    if not names:
        raise TomoscribeError("Name the classes, as in --classes mito,nuc.")
    made = make_datasplit(
        names,
        scale_zyx_nm=scale,
        force_all_classes=_force(force_all_classes, force_train, force_validate),
        validation_prob=validation_prob,
        datasets=_parts(datasets),
        crops=_parts(crops),
        search_path=search_path,
        raw_name=raw_name,
        crop_name=crop_name,
        csv_path=csv_path,
        dry_run=dry_run,
        s3=s3,
        seed=seed,
    )
    table = Table("use", "crop", *names)
    for row in made.rows:
        table.add_row(row.usage, row.name, *("labelled" if c in row.classes else "" for c in names))
    Console().print(table)
    for note in made.notes:
        typer.echo(note, err=True)
    counts = {use: sum(row.usage == use for row in made.rows) for use in ("train", "validate")}
    done = "Nothing is written" if dry_run else f"Written to {csv_path}"
    typer.echo(f"{done}: {counts['train']} crops train, {counts['validate']} validate.")


def _parts(given: list[str]) -> list[str]:
    return [part.strip() for text in given for part in text.split(",") if part.strip()]


def _force(everywhere: bool, train: bool, validate: bool) -> Force:
    if everywhere or (train and validate):
        return True
    return "train" if train else "validate" if validate else False
