"""`tomoscribe stats`: a table of the objects of a label volume, their meshes and point clouds."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from tomoscribe.cli.label_volumes import (
    ClassOfValue,
    VoxelSizeNm,
    classes_by_value,
    edges_given,
)
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.label_files import open_label_array
from tomoscribe.segmentation.object_meshes import write_object_meshes, write_object_points
from tomoscribe.segmentation.statistics import (
    ObjectRow,
    object_table,
    with_classes,
    write_object_table,
)


class MeshKind(StrEnum):
    """Formats of meshes."""

    ply = "ply"
    stl = "stl"
    obj = "obj"


class CloudKind(StrEnum):
    """Formats of point clouds."""

    ply = "ply"
    csv = "csv"


def stats(
    labels: Annotated[str, typer.Argument(help="Label volume; 0 is background.", metavar="LABELS")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="CSV.", show_default="LABELS_objects.csv")
    ] = None,
    classes: ClassOfValue = None,
    meshes: Annotated[
        MeshKind | None, typer.Option(help="Also a mesh an object, in nm, as ply, stl or obj.")
    ] = None,
    points: Annotated[
        CloudKind | None, typer.Option(help="Also a point cloud an object, in nm, as ply or csv.")
    ] = None,
    voxel_size_nm: VoxelSizeNm = None,
) -> None:
    """Measure the objects of a segmentation: volume, surface, centroid, box; one row each, in nm.

    The background is never a row. Meshes and point clouds go into folders beside the table.
    """
    table = _beside(labels) if out is None else out
    if table.suffix.lower() != ".csv":
        raise TomoscribeError(f"{table}: the table is written as CSV; give a name that ends so.")
    values, size = open_label_array(labels, edges_given(voxel_size_nm))
    rows = with_classes(object_table(values, size), _classes(classes or []))
    write_object_table(table, rows)
    if rows and not classes:
        typer.echo(
            f"{labels} names no class, so that column is empty: name the one class of all objects "
            "with --class mito, or those of values with --class 1=mito.",
            err=True,
        )
    typer.echo(_summary(rows))
    typer.echo(f"{table}")
    if meshes is not None:
        folder = table.with_name(f"{table.stem}_meshes")
        files = write_object_meshes(folder, values, rows, size, meshes.value)
        typer.echo(f"{folder}: {len(files)} meshes")
    if points is not None:
        folder = table.with_name(f"{table.stem}_points")
        clouds = write_object_points(folder, values, rows, size, points.value)
        typer.echo(f"{folder}: {len(clouds)} point clouds")


def _classes(given: list[str]) -> str | dict[int, str]:
    """Return class names by number; one name without a value is that of all objects."""
    by_value = classes_by_value(given)
    return by_value[1] if len(given) == 1 and "=" not in given[0] else by_value


def _beside(labels: str) -> Path:
    place = labels.partition("::")[0]
    if "://" in place:
        raise TomoscribeError(f"Name the table of {labels} with --out.")
    return Path(place).with_name(f"{Path(place).stem}_objects.csv")


def _summary(rows: list[ObjectRow]) -> str:
    if not rows:
        return "No objects: all is background."
    volumes = np.array([r.volume_nm3 for r in rows])
    border = sum(r.touches_border for r in rows)
    return (
        f"{len(rows)} objects, {border} at the border. Volume in nm³: median "
        f"{np.median(volumes):.4g}, mean {volumes.mean():.4g}, {volumes.min():.4g} to "
        f"{volumes.max():.4g}, in all {volumes.sum():.4g}."
    )
