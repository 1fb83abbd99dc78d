"""`tomoscribe evaluate`: picks against true positions; label volumes go to `evaluate_labels`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from tomoscribe.cli.evaluate_labels import evaluate_challenge, evaluate_labels
from tomoscribe.cli.label_volumes import (
    ClassOfValue,
    VoxelSizeNm,
    classes_by_value,
    edges_given,
)
from tomoscribe.errors import TomoscribeError
from tomoscribe.evaluation.label_figures import LabelOptions
from tomoscribe.evaluation.membranes import NormalErrors, normal_errors
from tomoscribe.evaluation.picks import PickEvaluation, evaluate_picks
from tomoscribe.io.pick_columns import PickColumns, tomogram_key
from tomoscribe.io.pick_files import read_picks
from tomoscribe.io.volumes import is_image, open_volume

ALL = "all"
"""Name of the row where classes are not told apart."""

LISTS = (".txt", ".json", ".csv")
"""Lists of positions here, though images may be listed in such files too."""

ToleranceA = Annotated[
    float | None,
    typer.Option(
        "--tolerance-A", min=0, help="Largest distance of a pair in Å; usual: half a diameter."
    ),
]
ToleranceVoxels = Annotated[
    float | None,
    typer.Option("--tolerance-voxels", min=0, help="The same in voxels; give one of both."),
]
VoxelSizeA = Annotated[
    float | None,
    typer.Option("--voxel-size-A", help="Voxel size in Å, where no file tells it."),
]
Tomogram = Annotated[
    Path | None,
    typer.Option(help="Their tomogram; needed for positions in Å, tells the voxel size."),
]
Objects = Annotated[
    bool, typer.Option("--objects", help="Labels: values number objects of one class.")
]
Unlabelled = Annotated[int | None, typer.Option(help="Labels: value of TRUTH that counts nowhere.")]
BySection = Annotated[
    bool | None,
    typer.Option(
        "--by-section/--through",
        help="Labels: match objects in each section, or through the volume.",
        show_default="in each section where one of both numbers objects anew in each",
    ),
]
Hausdorff = Annotated[
    bool,
    typer.Option(
        "--hausdorff", help="Labels: distances in nm and the CellMap challenge's score, too."
    ),
]
Challenge = Annotated[
    bool,
    typer.Option(
        "--challenge",
        help="Labels: the CellMap challenge's overall score of a crop. FOUND and TRUTH are folders "
        "with a file a class, NAME.*; each NAME is given with --class.",
    ),
]


@dataclasses.dataclass(frozen=True)
class _Figures:
    """What is told of one class; normals where both files have them."""

    picks: PickEvaluation
    normals: NormalErrors | None


def evaluate(
    picks: Annotated[
        Path,
        typer.Argument(help="Found picks (STAR, CSV, TXT), or a label volume.", metavar="FOUND"),
    ],
    truth: Annotated[Path, typer.Argument(help="True positions, or labels.", metavar="TRUTH")],
    tolerance_A: ToleranceA = None,
    tolerance_voxels: ToleranceVoxels = None,
    voxel_size_A: VoxelSizeA = None,
    tomogram: Tomogram = None,
    threshold: Annotated[
        float | None, typer.Option(help="Lowest score of a pick that counts; default: all.")
    ] = None,
    picks_class: Annotated[
        str | None, typer.Option(help="Class of PICKS that is compared; default: all.")
    ] = None,
    truth_class: Annotated[
        str | None, typer.Option(help="Class of TRUTH that is compared; default: all.")
    ] = None,
    classes: ClassOfValue = None,
    objects: Objects = False,
    unlabelled: Unlabelled = None,
    by_section: BySection = None,
    hausdorff: Hausdorff = False,
    challenge: Challenge = False,
    voxel_size_nm: VoxelSizeNm = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Compare picks, or a segmentation, with the truth.

    Picks are matched one to one: precision, recall, F1, average precision, error. Where both
    files tell orientations, also the angle between the normals. Classes that have the same names
    in both files are told apart.

    Label volumes: IoU and Dice by class, or with --objects how many objects are found: F1,
    average precision, panoptic quality, variation of information.
    """
    edges = edges_given(voxel_size_nm)
    if challenge:
        evaluate_challenge(str(picks), str(truth), classes or [], unlabelled, edges, as_json)
        return
    named = classes_by_value(classes or [])
    options = LabelOptions(named, objects, unlabelled, by_section, hausdorff)
    # What only labels have says what is meant where a file does not.
    if options != LabelOptions() or _are_label_volumes(picks, truth):
        evaluate_labels(str(picks), str(truth), options, edges, as_json)
        return
    if (tolerance_A is None) == (tolerance_voxels is None):
        raise TomoscribeError("Give the tolerance with --tolerance-A or with --tolerance-voxels.")
    geometry = None if tomogram is None else open_volume(tomogram, voxel_size_A).geometry
    found = read_picks(picks, geometry=geometry)
    true = read_picks(truth, geometry=geometry)
    size = voxel_size_A if geometry is None else geometry.require_voxel_size()
    size = _common_size(found, true) if size is None else size
    if size <= 0:
        raise TomoscribeError(f"A voxel size of {size:g} Å is not possible.")
    if threshold is not None and found.scores is None:
        raise TomoscribeError(f"{picks} has no scores: leave --threshold out.")
    found = _of_class(found, picks_class, picks)
    true = _of_class(true, truth_class, truth)
    tolerance = tolerance_voxels if tolerance_A is None else tolerance_A / size
    assert tolerance is not None
    rows = _evaluate(found, true, tolerance, threshold, picks, truth)
    if as_json:
        typer.echo(json.dumps({name: _figures(row, size) for name, row in rows.items()}, indent=2))
        return
    within = f"{tolerance_voxels:g} voxels" if tolerance_A is None else f"{tolerance_A:g} Å"
    Console().print(_table(rows, size, within))


def _are_label_volumes(*files: Path) -> bool:
    return all(is_image(p) and p.suffix.lower() not in LISTS for p in files)


def _common_size(found: PickColumns, true: PickColumns) -> float:
    """Return the voxel size that the files tell; without a tomogram they must agree."""
    sizes = [c.pixel_size_A for c in (found, true) if c.pixel_size_A is not None]
    if not sizes:
        raise TomoscribeError(
            "The voxel size is unknown: give it in Å with --voxel-size-A, or the --tomogram."
        )
    if not np.allclose(sizes, sizes[0], rtol=0.01):
        raise TomoscribeError(
            f"The picks count in voxels of {sizes[0]:g} Å, the truth in voxels of {sizes[1]:g} Å: "
            "give the --tomogram that both are about."
        )
    return sizes[0]


def _of_class(columns: PickColumns, name: str | None, path: Path) -> PickColumns:
    if name is None:
        return columns
    mine = np.array([c == name for c in columns.class_names or []], dtype=bool)
    if not mine.any():
        known = ", ".join(sorted(set(columns.class_names or []))) or "none"
        raise TomoscribeError(f"{path} has no picks of class '{name}'; its classes are: {known}.")
    return columns.take(mine)


def _evaluate(
    found: PickColumns,
    true: PickColumns,
    tolerance: float,
    threshold: float | None,
    found_path: Path,
    true_path: Path,
) -> dict[str, _Figures]:
    offsets = _offsets(found, true, tolerance, found_path, true_path)
    found_zyx, true_zyx = (c.zyx + o for c, o in zip((found, true), offsets, strict=True))
    found_classes = np.array(found.class_names or [""] * len(found))
    true_classes = np.array(true.class_names or [""] * len(true))
    common = sorted({*found_classes} & {*true_classes} - {""})
    rows = {}
    for name in common or [ALL]:
        of_found = found_classes == name if common else np.ones(len(found), bool)
        of_true = true_classes == name if common else np.ones(len(true), bool)
        scores = None if found.scores is None else found.scores[of_found]
        figures = evaluate_picks(
            found_zyx[of_found], scores, true_zyx[of_true], tolerance, threshold
        )
        normals = None
        if found.normals_zyx is not None and true.normals_zyx is not None:
            if threshold is not None and found.scores is not None:
                of_found = of_found & (np.nan_to_num(found.scores, nan=1.0) >= threshold)
            normals = normal_errors(
                found_zyx[of_found],
                found.normals_zyx[of_found],
                true_zyx[of_true],
                true.normals_zyx[of_true],
                tolerance,
            )
        rows[name] = _Figures(figures, normals)
    return rows


def _offsets(
    found: PickColumns, true: PickColumns, tolerance: float, found_path: Path, true_path: Path
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return shifts along z that keep picks of different tomograms from being matched."""
    if found.tomogram is None or true.tomogram is None:
        return np.zeros((1, 3)), np.zeros((1, 3))
    keys = [[tomogram_key(name) for name in c.tomogram or []] for c in (found, true)]
    if keys[0] and keys[1] and not {*keys[0]} & {*keys[1]}:
        raise TomoscribeError(
            f"{found_path} is about {found.tomogram[0]}, {true_path} about {true.tomogram[0]}: "
            "give picks and truth of the same tomogram."
        )
    index = {key: i for i, key in enumerate(sorted({*keys[0], *keys[1]}))}
    extent = max((float(np.ptp(c.zyx, axis=0).max()) for c in (found, true) if len(c)), default=0.0)
    step = 10 * (extent + tolerance) + 1
    shifts = [np.zeros((len(k), 3)) for k in keys]
    for shift, names in zip(shifts, keys, strict=True):
        shift[:, 0] = [index[name] * step for name in names]
    return shifts[0], shifts[1]


def _figures(row: _Figures, voxel_size_A: float) -> dict[str, float | int | None]:
    figures = dataclasses.asdict(row.picks)
    distance = figures.pop("median_distance")
    figures["median_distance_A"] = None if distance is None else distance * voxel_size_A
    if row.normals is not None:
        figures["median_normal_error_deg"] = row.normals.median_deg
        figures["flipped_normals"] = row.normals.flipped
    return figures


def _table(rows: dict[str, _Figures], voxel_size_A: float, within: str) -> Table:
    """Return the figures as rows and the classes as columns, which fits a narrow terminal."""
    table = Table(title=f"one-to-one within {within}")
    table.add_column("class")
    for name in rows:
        table.add_column(name, justify="right")
    figures: dict[str, Callable[[PickEvaluation], str]] = {
        "picks": lambda r: str(r.found_count),
        "truth": lambda r: str(r.truth_count),
        "precision": lambda r: f"{r.precision:.3f}",
        "recall": lambda r: f"{r.recall:.3f}",
        "F1": lambda r: f"{r.f1:.3f}",
        "best F1": lambda r: f"{r.best_f1:.3f}",
        "best threshold": lambda r: f"{r.best_threshold:.3g}",
        "average precision": lambda r: f"{r.average_precision:.3f}",
        "median error": lambda r: (
            "none" if r.median_distance is None else f"{r.median_distance * voxel_size_A:.1f} Å"
        ),
    }
    for label, figure in figures.items():
        table.add_row(label, *(figure(row.picks) for row in rows.values()))
    if any(row.normals is not None for row in rows.values()):
        table.add_row("median normal error", *(_angle(row.normals) for row in rows.values()))
    return table


def _angle(normals: NormalErrors | None) -> str:
    if normals is None or normals.median_deg is None:
        return "none"
    flipped = f", {normals.flipped:.0%} flipped" if normals.flipped else ""
    return f"{normals.median_deg:.1f}°{flipped}"
