"""`tomoscribe simulate`: write a simulated case, membranes, or labels, with exact truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from tomoscribe.cli.voxel_source import parse_edges_nm
from tomoscribe.simulate.case import CLICK_JITTER, write_case
from tomoscribe.simulate.labels import SHAPE_ZYX, VOXEL_ZYX_NM
from tomoscribe.simulate.labels_files import write_labels_case
from tomoscribe.simulate.membrane_sample import simulate_membranes, write_membranes
from tomoscribe.simulate.sample import PRESETS, make_scene

Kind = Annotated[
    Literal["particles", "membranes", "labels"],
    typer.Option(
        help="particles: a training folder of three tomograms; membranes: one tomogram of "
        "four vesicles that carry particles, with their segmentation, which knows --seed only; "
        "labels: training folders semantic/ and instance/ of EM volumes with mitochondria and "
        "membranes, which know --seed, --shape and --voxel-size-nm."
    ),
]
Shape = Annotated[
    tuple[int, int, int] | None,
    typer.Option(
        help="Size of each tomogram in voxels; default the preset's. "
        "Particle numbers follow the volume.",
        metavar="Z Y X",
    ),
]
Snr = Annotated[
    float | None,
    typer.Option(
        help="Variance of the signal in the targets' boxes over that of the noise, both "
        "after the missing wedge; default the preset's."
    ),
]
VoxelSizeA = Annotated[
    float | None,
    typer.Option("--voxel-size-A", help="Voxel size in Å; default the preset's, 10 Å."),
]
VoxelSizeNm = Annotated[
    str | None,
    typer.Option(
        "--voxel-size-nm",
        metavar="Z,Y,X",
        help="Voxel edges of labels in nm; 40,8,8 as of serial sections.",
        show_default="8,8,8",
    ),
]


def simulate(
    out: Annotated[Path, typer.Argument(help="New folder for the case.", metavar="OUT")],
    kind: Kind = "particles",
    preset: Annotated[
        str, typer.Option(help=f"What is in it: {', '.join(PRESETS)}.")
    ] = "particles",
    seed: Annotated[int, typer.Option(help="Same seed and options, same case.")] = 0,
    shape: Shape = None,
    snr: Snr = None,
    voxel_size_A: VoxelSizeA = None,
    voxel_size_nm: VoxelSizeNm = None,
    clicks: Annotated[
        int,
        typer.Option(min=1, help="Clicks in the training tomogram, half in the validation one."),
    ] = 20,
    jitter: Annotated[
        float, typer.Option(min=0, help="Error of a click: standard deviation in voxels per axis.")
    ] = CLICK_JITTER,
) -> None:
    """Write a simulated case: train/, val/ and test/ tomograms, sparse clicks, exact truth."""
    if kind == "membranes":
        _simulate_membranes(out, seed)
        return
    if kind == "labels":
        _simulate_labels(out, seed, shape, voxel_size_nm)
        return
    scene = make_scene(preset, shape, snr, voxel_size_A)
    console = Console()
    with console.status(f"Simulating into {out}"):
        write_case(out, scene, seed, clicks=clicks, jitter=jitter)
    target = scene.species[0]
    console.print(
        f"Wrote train, val and test tomograms of {' × '.join(map(str, scene.shape_zyx))} voxels at "
        f"{scene.voxel_size_A:g} Å with the target '{target.name}' ({target.diameter_A:g} Å) "
        f"to {out}; the truth is in {out / 'truth'}.",
        highlight=False,
        soft_wrap=True,
    )


def _simulate_membranes(out: Path, seed: int) -> None:
    console = Console()
    with console.status(f"Simulating into {out}"):
        made = simulate_membranes(seed)
        write_membranes(made, out)
    console.print(
        f"Wrote membranes.mrc of {' × '.join(map(str, made.volume.shape))} voxels at "
        f"{made.scene.voxel_size_A:g} Å, the labels of its four membranes in "
        f"membranes_labels.mrc and {len(made.zyx)} particles in membranes_truth.csv to {out}.",
        highlight=False,
        soft_wrap=True,
    )


def _simulate_labels(
    out: Path, seed: int, shape: tuple[int, int, int] | None, voxel_size_nm: str | None
) -> None:
    console = Console()
    shape_zyx = shape or SHAPE_ZYX
    voxel = VOXEL_ZYX_NM if voxel_size_nm is None else parse_edges_nm(voxel_size_nm)
    with console.status(f"Simulating into {out}"):
        write_labels_case(out, seed, shape_zyx, voxel)
    console.print(
        f"Wrote train/ and val/ with em.mrc of {' × '.join(map(str, shape_zyx))} voxels at "
        f"{' × '.join(f'{edge:g}' for edge in voxel)} nm (z y x) and em_labels.tif to "
        f"{out / 'semantic'} (1 mitochondrion, 2 membrane) and {out / 'instance'} (numbers of "
        "mitochondria).",
        highlight=False,
        soft_wrap=True,
    )
