"""`tomoscribe info`: what is in a file, and how it is understood."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from tomoscribe.cli.info_maps import describe_maps
from tomoscribe.cli.info_membrane import describe_membrane, describe_mesh
from tomoscribe.cli.info_project import describe_project
from tomoscribe.coords import Geometry, zyx_to_xyz
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_columns import NeedsTomogramError
from tomoscribe.io.pick_files import read_picks
from tomoscribe.io.registry import kind_of
from tomoscribe.io.volumes import open_volume, sample_slices

_ANGSTROM_GRID = Geometry((0, 0, 0), 1.0)
"""A grid on which coordinates in Å stay as they are in the file."""

_TABLES = (".csv", ".tsv", ".txt", ".coords")
_TABLE_UNIT = "in the file's unit (voxels unless told otherwise)"

_SENTENCES = {
    "run": "a training run: see `tomoscribe runs`.",
    "checkpoint": "a checkpoint: use it with `tomoscribe predict`.",
    "training folder": "a folder of training data: give it to `tomoscribe train`.",
}


def info(
    files: Annotated[
        list[str],
        typer.Argument(
            help="Volumes (MRC, TIFF, HDF5, OME-Zarr, also s3://...), pick files (STAR, Dynamo, "
            "EM, IMOD, copick, CSV, ...), or folders of tomoscribe.",
            metavar="FILE...",
        ),
    ],
) -> None:
    """Show shape, voxel size in Å, origin and oddities of volumes, and what pick files hold."""
    console = Console(highlight=False, markup=False, soft_wrap=True)
    errors = []
    for path in files:
        try:
            lines = describe(path)
        except TomoscribeError as error:
            errors.append(str(error))
            continue
        console.print("\n".join(lines))
    if errors:
        raise TomoscribeError("\n".join(errors))


def describe(path: str) -> list[str]:
    """Return what is known about a path, one line each.

    Raises
    ------
    TomoscribeError
        If it is missing, broken, or nothing that tomoscribe reads.
    """
    kind = kind_of(path)
    if kind == "volume":
        return describe_maps(path) or _describe_volume(path)
    if kind == "picks":
        return _describe_picks(path)
    if kind == "membrane":
        return describe_membrane(path)
    if kind == "mesh":
        return describe_mesh(path)
    if kind == "project":
        return describe_project(path)
    if kind is not None:
        return [f"{path}: {_SENTENCES[kind]}"]
    if Path(path).is_file():
        # The pick reader knows the formats that are refused, and says why.
        read_picks(path)
    if not Path(path).exists():
        raise TomoscribeError(f"There is no file {path}.")
    raise TomoscribeError(f"{path} is nothing that tomoscribe reads.")


def _describe_volume(path: str) -> list[str]:
    volume = open_volume(path)
    sample = sample_slices(volume)
    finite = sample[np.isfinite(sample)].astype(np.float64)
    size = "unknown" if volume.voxel_size_A is None else f"{volume.voxel_size_A:g} Å"
    if volume.hint_A is not None:
        size += f" (likely {volume.hint_A:g} Å)"
    lines = [
        f"{path}: volume",
        f"  shape (z y x)   {' x '.join(map(str, volume.shape_zyx))}",
        f"  type            {np.dtype(volume.data.dtype).name}",
        f"  voxel size      {size}",
        f"  origin (z y x)  {', '.join(f'{o + 0.0:g}' for o in volume.origin_zyx_A)} Å",
    ]
    if finite.size:
        lines.append(
            f"  values          mean {finite.mean():.4g}, std {finite.std():.4g}, "
            f"{finite.min():.4g} to {finite.max():.4g} ({len(sample)} slices looked at)"
        )
    if finite.size < sample.size:
        lines.append(f"  problem         {sample.size - finite.size} of these voxels are NaN")
    return [*lines, *(f"  note            {note}" for note in volume.notes)]


def _describe_picks(path: str) -> list[str]:
    unit = _TABLE_UNIT if Path(path).suffix.lower() in _TABLES else "voxels"
    try:
        columns = read_picks(path)
    except NeedsTomogramError as error:
        unit = error.unit
        columns = read_picks(path, geometry=_ANGSTROM_GRID)
    lines = [f"{path}: {len(columns)} picks"]
    if columns.class_names is not None:
        counts = Counter(columns.class_names).most_common()
        lines.append(f"  classes         {', '.join(f'{name} {n}' for name, n in counts)}")
    if columns.tomogram is not None:
        counts = Counter(columns.tomogram).most_common()
        shown = ", ".join(f"{name} {n}" for name, n in counts[:5])
        more = f", and {len(counts) - 5} more" if len(counts) > 5 else ""
        lines.append(f"  tomograms       {shown}{more}")
    if len(columns):
        xyz = zyx_to_xyz(columns.zyx)
        for axis, values in zip("xyz", xyz.T, strict=True):
            lines.append(f"  {axis}               {values.min():.1f} to {values.max():.1f} {unit}")
    if columns.scores is not None and np.isfinite(columns.scores).any():
        low, high = np.nanmin(columns.scores), np.nanmax(columns.scores)
        lines.append(f"  scores          {low:.4g} to {high:.4g}")
    if columns.normals_zyx is not None:
        lines.append("  orientations    yes")
    if unit in (
        "voxels",
        _TABLE_UNIT,
    ):  # Otherwise they tell of a conversion that was not wanted here.
        lines += [f"  note            {note}" for note in columns.notes]
    return lines
