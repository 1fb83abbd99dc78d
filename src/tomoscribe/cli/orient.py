"""`tomoscribe orient`: picks of any program get the outward normals of a membrane."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tomoscribe.coords import Geometry
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_columns import NeedsTomogramError, check_inside, tomogram_key
from tomoscribe.io.pick_files import Flavour, PickColumns, counts_in_A, read_picks
from tomoscribe.io.pick_formats import WRITABLE
from tomoscribe.io.volumes import open_volume
from tomoscribe.membranes.orient import OrientedPicks, open_surfaces, orient_picks
from tomoscribe.project.export_file import ExportReport, export_columns

_DEFAULT: Flavour = "relion3.1"


def orient(
    picks: Annotated[
        Path, typer.Argument(help="Picks, in any format that is read.", metavar="PICKS")
    ],
    mesh: Annotated[
        Path,
        typer.Option(help="Membrane: a container (.h5), or a mesh (.obj, .ply, .stl, .vtp, .vtk)."),
    ],
    out: Annotated[Path, typer.Option(help="File for the oriented picks.")],
    tomogram: Annotated[
        Path | None,
        typer.Option(
            help="Their tomogram: tells voxel size, origin and units, and chooses its picks; "
            "default: the one that a container names."
        ),
    ] = None,
    voxel_size_A: Annotated[
        float | None,
        typer.Option("--voxel-size-A", min=0.0, help="Voxel size in Å, where no file tells it."),
    ] = None,
    format_: Annotated[
        str | None,
        typer.Option(
            "--format",
            help=f"Format of the file: {', '.join(WRITABLE)}.",
            show_default=f"by the suffix of --out; {_DEFAULT} for .star",
        ),
    ] = None,
    snap_A: Annotated[
        float | None,
        typer.Option(
            "--snap-A",
            min=0.0,
            help="Move picks that are nearer than this many Å on to the surface; default: none.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write picks of which most are far from the mesh, too.")
    ] = False,
) -> None:
    """Give picks the outward normals of the nearest surface points; RELION's +z is the normal."""
    flavour = _flavour(out, format_)
    geometry = None if tomogram is None else open_volume(tomogram, voxel_size_A).geometry
    membrane = open_surfaces(mesh, geometry, voxel_size_A)
    grid = membrane.geometry
    if flavour == "relion5" and max(grid.shape_zyx) <= 1:
        raise TomoscribeError("relion5 counts from the tomogram's centre: give --tomogram.")
    columns, name = _read(picks, grid, mesh, tomogram)
    result = orient_picks(columns, membrane, snap_A, in_A=counts_in_A(picks), force=force)
    outside = None if max(grid.shape_zyx) <= 1 else check_inside(result.columns, grid)
    report = export_columns(
        result.columns, out, flavour, geometry=grid, tomogram_name=tomogram_key(name)
    )
    warnings = (*([outside] if outside else []), *result.notes)
    _print(report, result, (*columns.notes, *membrane.notes, *report.notes, *warnings))


def _read(
    picks: Path, grid: Geometry, mesh: Path, tomogram: Path | None
) -> tuple[PickColumns, str]:
    """Return the picks of one tomogram, and its name; the mesh's where none is given."""
    columns = read_picks(picks, geometry=_only_known(picks, grid))
    if tomogram is not None:
        return columns.for_tomogram(tomogram.name, str(picks)), tomogram.name
    names = sorted(set(columns.tomogram or ()))
    if len(names) > 1:
        raise TomoscribeError(
            f"{picks} holds picks of {len(names)} tomograms: choose one with --tomogram."
        )
    return columns, names[0] if names else mesh.stem


def _only_known(picks: Path, grid: Geometry) -> Geometry:
    """Return the geometry; raise if the file counts from the centre of an unknown box."""
    if max(grid.shape_zyx) <= 1:
        try:
            read_picks(picks)
        except NeedsTomogramError as error:
            if error.unit != "Å":
                raise TomoscribeError(
                    f"{picks} counts in {error.unit}: give --tomogram."
                ) from error
    return grid


def _print(report: ExportReport, result: OrientedPicks, notes: tuple[str, ...]) -> None:
    console = Console(soft_wrap=True, highlight=False)
    console.print(str(report.paths[0]), markup=False)
    for row in report.first_rows:
        console.print(f"  {row}", style="dim", markup=False)
    console.print(
        f"{report.sentence} Mean distance to the mesh {result.distances_A.mean():.1f} Å.",
        markup=False,
    )
    for note in notes:
        console.print(note, style="yellow", markup=False)


def _flavour(out: Path, name: str | None) -> Flavour:
    """Return the format to write; its suffix must be that of the file, so that it is read back."""
    suffix = out.suffix.lower()
    if name is None:
        fitting: list[Flavour] = [_DEFAULT] if suffix == ".star" else []
        fitting += [n for n, row in WRITABLE.items() if suffix in row.suffixes]
        if not fitting:
            raise TomoscribeError(f"There is no format for {out}: name it with --format.")
        return fitting[0]
    if name not in WRITABLE:
        raise TomoscribeError(f"There is no format '{name}'; formats are: {', '.join(WRITABLE)}.")
    flavour: Flavour = name
    if suffix not in WRITABLE[flavour].suffixes:
        raise TomoscribeError(
            f"{out} is no name for {name}: its files end in {WRITABLE[flavour].suffix}."
        )
    return flavour
