"""`tomoscribe statistics`: density, neighbours and Ripley's function of picks on membranes."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import atomic_path
from tomoscribe.io.pick_files import counts_in_A, read_picks
from tomoscribe.membranes.membrane import load_membrane
from tomoscribe.membranes.sites import make_domain
from tomoscribe.membranes.statistics import SIMULATIONS
from tomoscribe.membranes.statistics_tables import Row, statistics_tables
from tomoscribe.membranes.units import judge_readings, pick_readings
from tomoscribe.project.membrane_files import distances_A, geometry_of

ONE_CLASS = "particle"


Picks = Annotated[
    Path, typer.Argument(metavar="PICKS", help="Picks on the membranes: STAR, CSV, ...")
]
Mesh = Annotated[
    list[Path],
    typer.Option(
        help="Membrane (.h5) or mesh; may be repeated. A pick counts for the nearest one."
    ),
]
Out = Annotated[
    Path,
    typer.Option(
        help="CSV of densities; NAME_neighbours.csv and NAME_ripley.csv are written beside."
    ),
]
MaxRadiusA = Annotated[
    float | None,
    typer.Option(
        "--max-radius-A",
        min=1.0,
        help="Largest radius in Å of Ripley's function.",
        show_default="a quarter of the membrane's width, at most 1000",
    ),
]
Simulations = Annotated[
    int, typer.Option(min=0, help="Random arrangements for the envelope of Ripley's function.")
]
TomogramOption = Annotated[
    str | None, typer.Option(help="Their tomogram, where the files do not tell it.")
]
VoxelSizeA = Annotated[
    float | None,
    typer.Option("--voxel-size-A", min=0.01, help="Voxel size in Å, where no file tells it."),
]


def statistics(
    picks: Picks,
    mesh: Mesh,
    out: Out,
    max_radius_A: MaxRadiusA = None,
    simulations: Simulations = SIMULATIONS,
    tomogram: TomogramOption = None,
    voxel_size_A: VoxelSizeA = None,
) -> None:
    """Tell how particles lie on membranes.

    Particles per area, distances to the nearest neighbour along the surface within and between
    classes, and Ripley's function against complete randomness on the same surface. A closed mesh
    has both faces of a membrane, and its area counts both.
    """
    if out.suffix.lower() != ".csv":
        raise TomoscribeError(f"{out}: statistics are written as CSV; give a name that ends so.")
    membranes = [load_membrane(m, tomogram=tomogram, voxel_size_A=voxel_size_A) for m in mesh]
    names = [membrane.name for membrane in membranes]
    if len(set(names)) < len(names):
        raise TomoscribeError("Two of the meshes have the same name: rename one of them.")
    first = membranes[0]
    geometry = geometry_of(first)
    columns = read_picks(picks, geometry=geometry)
    judged = judge_readings(
        pick_readings(columns.zyx, geometry, counts_in_A(picks)),
        lambda points: np.min([distances_A(m, points) for m in membranes], axis=0),
        first.voxel_size_A,
    )
    zyx = columns.zyx if judged.reading is None else judged.reading.zyx
    domains = {m.name: make_domain(m.mesh, m.voxel_size_A) for m in membranes}
    radii = None if max_radius_A is None else np.linspace(max_radius_A / 20, max_radius_A, 20)
    tables = statistics_tables(
        domains,
        zyx,
        columns.class_names or [ONE_CLASS] * len(columns),
        radii_A=radii,
        simulations=simulations,
    )
    if not tables.densities:
        raise TomoscribeError(
            f"No pick of {picks} lies on {', '.join(names)}: are they of another tomogram?"
        )
    _write(out, tables.densities)
    _write(out.with_name(f"{out.stem}_neighbours.csv"), tables.neighbours)
    _write(out.with_name(f"{out.stem}_ripley.csv"), tables.ripley)
    console = Console(soft_wrap=True, highlight=False)
    console.print(_table(tables.densities))
    far = () if judged.reading else (f"{judged.said}: are they on these membranes?",)
    for note in (*columns.notes, *judged.notes, *far, *tables.notes):
        console.print(note, markup=False)
    console.print(f"{out}, {out.stem}_neighbours.csv, {out.stem}_ripley.csv", markup=False)


def _write(path: Path, rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(
            {key: f"{v:.6g}" if isinstance(v, float) else v for key, v in row.items()}
            for row in rows
        )


def _table(rows: list[Row]) -> Table:
    table = Table()
    heads = ("membrane", "class", "count", "area µm²", "per µm²", "median neighbour")
    for head in heads:
        table.add_column(head, justify="left" if head in heads[:2] else "right")
    for row in rows:
        table.add_row(
            str(row["membrane"]),
            str(row["class"]),
            str(row["count"]),
            f"{row['area_um2']:.4g}",
            f"{row['per_um2']:.4g}",
            f"{row['median_neighbour_A']:.1f} Å" if int(row["count"]) > 1 else "-",
        )
    return table
