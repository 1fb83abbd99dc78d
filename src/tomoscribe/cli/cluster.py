"""`tomoscribe cluster`: scored membranes to oriented picks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, cast

import numpy as np
import typer
from rich.console import Console

from tomoscribe.coords import Geometry
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_columns import Flavour, PickColumns
from tomoscribe.io.pick_files import write_picks
from tomoscribe.membranes.clusters import (
    DEFAULT_MIN_SCORE,
    DEFAULT_RADIUS_A,
    MembranePicks,
    picks_from_scores,
)
from tomoscribe.membranes.mean_shift import DEFAULT_BANDWIDTH_A
from tomoscribe.membranes.mean_shift import DEFAULT_MIN_SCORE as SHIFT_SCORE
from tomoscribe.membranes.membrane import Membrane, load_membrane

STAR_FLAVOURS = ("relion3.0", "relion3.1", "relion4", "relion5")


Scored = Annotated[
    list[Path],
    typer.Argument(
        metavar="SCORED.h5...", help="Predicted membranes, of tomoscribe or MemBrain-pick."
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help="Lowest score of a pick, 0 to 1; with --mean-shift, of a vertex that takes part. "
        "MemBrain-pick's distances d count as 1 - d/10.",
        show_default=f"{DEFAULT_MIN_SCORE:g}; with --mean-shift {SHIFT_SCORE:g}",
    ),
]
RadiusA = Annotated[
    float,
    typer.Option(
        "--radius-A",
        min=0.0,
        help="Smallest distance in Å of two picks along the surface; usual: 0.6 diameters.",
    ),
]
SmoothingA = Annotated[
    float | None,
    typer.Option(
        "--smoothing-A",
        min=0.0,
        help="Gaussian in Å over neighbouring vertices before maxima are sought.",
        show_default="a third of the radius",
    ),
]
MeanShift = Annotated[
    bool, typer.Option("--mean-shift", help="Cluster as MemBrain-pick does instead.")
]
BandwidthA = Annotated[
    float,
    typer.Option("--bandwidth-A", min=0.1, help="Bandwidth of --mean-shift in Å."),
]
InPlane = Annotated[
    bool,
    typer.Option(
        "--in-plane",
        help="Seek rotations about the normals from the density; they stay 0 where two "
        "halves of the density do not agree.",
    ),
]
Format = Annotated[
    str,
    typer.Option(
        "--format",
        help=f"Format of the picks: {', '.join(STAR_FLAVOURS)}. The default is one block, "
        "which MemBrain-pick and surforama read as well.",
    ),
]
TomogramOption = Annotated[
    str | None, typer.Option(help="Their tomogram, where the files' own path is wrong.")
]
VoxelSizeA = Annotated[
    float | None,
    typer.Option(
        "--voxel-size-A",
        min=0.01,
        help="Voxel size in Å, where no file tells it.",
        show_default="from the file or its tomogram",
    ),
]


def cluster(
    scored: Scored,
    out: Annotated[Path, typer.Option(help="Folder for the picks (STAR); made if absent.")],
    threshold: Threshold = None,
    radius_A: RadiusA = DEFAULT_RADIUS_A,
    smoothing_A: SmoothingA = None,
    mean_shift: MeanShift = False,
    bandwidth_A: BandwidthA = DEFAULT_BANDWIDTH_A,
    in_plane: InPlane = False,
    format_: Format = STAR_FLAVOURS[0],
    tomogram: TomogramOption = None,
    voxel_size_A: VoxelSizeA = None,
) -> None:
    """Pick particles from the scores of membranes.

    For each membrane writes NAME_clusters.star for RELION: positions in voxels, angles that point
    +z outward, scores, classes and the tomogram's name.
    """
    if format_ not in STAR_FLAVOURS:
        raise TomoscribeError(f"'{format_}' is none of the formats {', '.join(STAR_FLAVOURS)}.")
    floor = threshold
    if floor is None:
        floor = SHIFT_SCORE if mean_shift else DEFAULT_MIN_SCORE
    console = Console(soft_wrap=True, highlight=False, markup=False)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TomoscribeError(f"The folder {out} cannot be made: {error.strerror}.") from error
    _refuse_same_names(scored)
    for path in scored:
        membrane = load_membrane(path, tomogram=tomogram, voxel_size_A=voxel_size_A)
        found = picks_from_scores(
            membrane,
            min_score=floor,
            radius_A=radius_A,
            smoothing_A=smoothing_A,
            bandwidth_A=bandwidth_A if mean_shift else None,
            in_plane=in_plane,
        )
        star = out / f"{membrane.name}_clusters.star"
        _write(star, membrane, found, cast("Flavour", format_))
        counts = ", ".join(f"{len(picks.scores)} {picks.class_name}" for picks in found)
        console.print(f"{star}  {counts}")
        for note in (*membrane.notes, *(n for picks in found for n in picks.notes)):
            console.print(f"  {path.name}: {note}")


def _refuse_same_names(paths: list[Path]) -> None:
    names = [path.stem for path in paths]
    for path in paths:
        if names.count(path.stem) > 1:
            raise TomoscribeError(
                f"Several membranes are named {path.stem}: cluster them into separate folders."
            )


def _write(star: Path, membrane: Membrane, found: list[MembranePicks], flavour: Flavour) -> None:
    if flavour == "relion5" and membrane.tomogram_shape_zyx is None:
        raise TomoscribeError(
            f"{membrane.name}: relion5 counts from the tomogram's centre; name the --tomogram."
        )
    columns = PickColumns(
        zyx=np.concatenate([picks.zyx for picks in found]),
        class_names=[picks.class_name for picks in found for _ in picks.scores],
        scores=np.concatenate([picks.scores for picks in found]).astype(np.float64),
        normals_zyx=np.concatenate([picks.normals_zyx for picks in found]),
        angles_deg=np.concatenate(
            [
                np.full(len(picks.scores), np.nan) if picks.angles_deg is None else picks.angles_deg
                for picks in found
            ]
        ),
    )
    shape = membrane.tomogram_shape_zyx or (0, 0, 0)
    name = membrane.name if membrane.tomogram is None else Path(membrane.tomogram).name
    write_picks(
        star,
        columns,
        geometry=Geometry(shape, membrane.voxel_size_A),
        tomogram_name=name,
        flavour=flavour,
    )
