"""`tomoscribe mesh`: segmentations to membranes, meshes with the density along their normals."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import Volume, is_volume, open_volume
from tomoscribe.project.names import free_name, tomogram_stem


class SurfaceChoice(StrEnum):
    """What is meshed of a membrane."""

    closed = "closed"
    middle = "middle"


Segmentations = Annotated[
    list[Path],
    typer.Argument(
        metavar="SEGMENTATION...",
        help="Masks or label volumes (MRC, TIFF, HDF5, OME-Zarr), or folders of them.",
    ),
]
TomogramOption = Annotated[
    Path | None,
    typer.Option(
        help="The tomogram, or a folder of them, of which each segmentation takes the one "
        "whose name its own begins with. Without it meshes without densities are written (.obj).",
        show_default=False,
    ),
]
BandA = Annotated[
    tuple[float, float],
    typer.Option(
        "--band-A",
        metavar="LOW HIGH",
        help="Depths in Å, outward positive, of the densities that MemBrain-pick reads from "
        "the files; tomoscribe keeps ±150 Å beside them.",
    ),
]
StepA = Annotated[float, typer.Option("--step-A", min=0.01, help="Step in Å within --band-A.")]
AreaA2 = Annotated[
    float | None,
    typer.Option(
        "--area-A2",
        min=0.01,
        help="Surface in Å² a vertex.",
        show_default="4 voxels², 400 Å² at 10 Å",
    ),
]
VoxelSizeA = Annotated[
    float | None,
    typer.Option(
        "--voxel-size-A",
        min=0.01,
        help="Voxel size in Å, where no header tells it.",
        show_default="from the tomogram",
    ),
]
Surface = Annotated[
    SurfaceChoice,
    typer.Option(help="Both faces as one closed surface, or the sheet in the middle."),
]
Label = Annotated[
    list[int] | None,
    typer.Option(
        min=1,
        help="Value of the segmentation to be meshed, each of its components by itself; may "
        "be repeated.",
        show_default="all values, each as one mesh; the components of a mask",
    ),
]
Obj = Annotated[bool, typer.Option("--obj", help="Write each mesh as .obj (voxels) as well.")]


def mesh(
    segmentations: Segmentations,
    out: Annotated[Path, typer.Option(help="Folder for the membranes (.h5).")],
    tomogram: TomogramOption = None,
    band_A: BandA = (-22.5, 25.0),
    step_A: StepA = 2.5,
    area_A2: AreaA2 = None,
    voxel_size_A: VoxelSizeA = None,
    surface: Surface = SurfaceChoice.closed,
    label: Label = None,
    obj: Obj = False,
) -> None:
    """Mesh every membrane of segmentations and sample the tomogram along its normals."""
    # Meshing needs VTK, which a mistyped command need not wait for.
    from tomoscribe.membranes.batch import mesh_volume

    pairs = _pairs(segmentations, tomogram, voxel_size_A)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn())
    failed: list[str] = []
    stems: list[str] = []
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=1.0)
        # The segmentation's own size is only asked for where there is no tomogram.
        size_A = voxel_size_A if tomogram is None else None
        for segmentation, volume in pairs:
            name = segmentation.name
            # Files of one name from two folders must not overwrite each other's membranes.
            stems.append(free_name(tomogram_stem(name), stems))

            def show(share: float, what: str, name: str = name) -> None:
                progress.update(task, completed=share, description=f"{name}: {what}")

            try:
                result = mesh_volume(
                    open_volume(segmentation, size_A),
                    stems[-1],
                    volume,
                    out,
                    band_A=(*band_A, step_A),
                    area_A2=area_A2,
                    surface=surface.value,
                    only=label,
                    write_obj=obj,
                    on_progress=show,
                )
            except TomoscribeError as error:
                failed.append(str(error))
                continue
            for path, vertices in result.written:
                console.print(f"{path}  {vertices} vertices")
            for note in result.notes:
                console.print(f"  {note}", style="yellow")
    if failed:
        raise TomoscribeError("\n".join(failed))


def _pairs(
    segmentations: list[Path], tomogram: Path | None, voxel_size_A: float | None
) -> Sequence[tuple[Path, Volume | None]]:
    """Return each segmentation with its tomogram."""
    files: list[Path] = []
    for place in segmentations:
        if place.is_dir() and not is_volume(place):
            found = sorted(p for p in place.iterdir() if is_volume(p))
            if not found:
                raise TomoscribeError(f"{place} holds no segmentation that can be read.")
            files += found
        else:
            files.append(place)
    if tomogram is None:
        return [(f, None) for f in files]
    if is_volume(tomogram):
        volume = open_volume(tomogram, voxel_size_A)
        return [(f, volume) for f in files]
    if not tomogram.is_dir():
        raise TomoscribeError(f"There is no tomogram {tomogram}.")
    volumes = sorted(
        (p for p in tomogram.iterdir() if is_volume(p)), key=lambda p: -len(tomogram_stem(p.name))
    )
    opened = {p: open_volume(p, voxel_size_A) for p in volumes}
    return [(f, opened[_match(f, volumes, tomogram)]) for f in files]


def _match(segmentation: Path, tomograms: list[Path], folder: Path) -> Path:
    """Return the tomogram with the longest name that the segmentation's name begins with."""
    name = tomogram_stem(segmentation.name)
    for candidate in tomograms:
        rest = name.removeprefix(tomogram_stem(candidate.name))
        # "T1" is no beginning of "T10_mb1".
        if rest != name and not rest[:1].isalnum():
            return candidate
    if len(tomograms) == 1:
        return tomograms[0]
    raise TomoscribeError(
        f"No tomogram in {folder} has a name that '{segmentation.name}' begins with: "
        "name the tomogram itself with --tomogram."
    )
