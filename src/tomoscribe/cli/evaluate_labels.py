"""`tomoscribe evaluate` of label volumes: voxels right by class, or objects found."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from tomoscribe.cli.label_volumes import LabelVolume, classes_by_value, open_labels
from tomoscribe.errors import TomoscribeError
from tomoscribe.evaluation.cellmap_score import cellmap_instance_score
from tomoscribe.evaluation.segmentation import InstanceScores, instance_scores, voxel_scores
from tomoscribe.segmentation.labels import UNKNOWN


@dataclass(frozen=True)
class LabelOptions:
    """How two label volumes are compared.

    `classes` as `VALUE=NAME`; `objects`: values number objects of one class; `unlabelled`: value
    of the truth that counts nowhere; `by_section`: objects are matched in sections.
    """

    classes: tuple[str, ...] = ()
    objects: bool = False
    unlabelled: int | None = None
    by_section: bool = False
    hausdorff: bool = False
    voxel_size_nm: str | None = None


def evaluate_labels(found: str, truth: str, options: LabelOptions, as_json: bool) -> None:
    """Compare two label volumes and print the figures.

    Raises
    ------
    TomoscribeError
        If their shapes differ, or the truth has nothing to compare with.
    """
    mine = open_labels(found, options.voxel_size_nm)
    true = open_labels(truth, options.voxel_size_nm)
    if mine.values.shape != true.values.shape:
        shapes = [" x ".join(map(str, v.values.shape)) for v in (mine, true)]
        raise TomoscribeError(
            f"{found} has {shapes[0]} voxels (z y x), {truth} has {shapes[1]}: they must be equal."
        )
    known = _known(true, options.unlabelled)
    if not known.any():
        raise TomoscribeError(f"{truth} has no labelled voxel.")
    if options.objects:
        # Unsigned numbers have no place for what is unlabelled.
        figures = _objects(mine, np.where(known, true.values.astype(np.int64), UNKNOWN), options)
    else:
        figures = _classes(mine, true, known, options)
    if as_json:
        typer.echo(json.dumps(figures, indent=2))
    else:
        Console().print(_table(figures))


def _known(truth: LabelVolume, unlabelled: int | None) -> NDArray[np.bool_]:
    known = (
        np.ones(truth.values.shape, dtype=bool)
        if unlabelled is None
        else (truth.values != unlabelled)
    )
    if np.issubdtype(truth.values.dtype, np.signedinteger):
        known &= truth.values >= 0
    return known if truth.missing is None else known & ~truth.missing


def _classes(
    found: LabelVolume, truth: LabelVolume, known: NDArray[np.bool_], options: LabelOptions
) -> dict[str, dict[str, float]]:
    names = classes_by_value(list(options.classes))
    if not names:
        present = np.unique(truth.values[known])
        names = {int(v): f"class {v}" for v in present if v > 0}
    if not names:
        raise TomoscribeError(f"{truth.path} is all background: there is nothing to compare with.")
    figures = {}
    for value, name in names.items():
        true = np.where(known, (truth.values == value).astype(np.int8), np.int8(UNKNOWN))
        score = voxel_scores(true, found.values == value)
        figures[name] = {
            "IoU": score.iou,
            "Dice": score.dice,
            "precision": score.precision,
            "recall": score.recall,
        }
    if len(names) > 1:
        mean = {k: float(np.mean([f[k] for f in figures.values()])) for k in ("IoU", "Dice")}
        figures["mean"] = mean
    return figures


def _objects(
    found: LabelVolume, truth: NDArray[Any], options: LabelOptions
) -> dict[str, dict[str, float]]:
    voxels = voxel_scores(truth, found.values)
    figures = {
        **_instance_figures(instance_scores(truth, found.values, by_section=options.by_section)),
        "IoU of all voxels": voxels.iou,
        "Dice of all voxels": voxels.dice,
    }
    if options.hausdorff:
        size = found.require_voxel_size()
        score = cellmap_instance_score(truth, found.values, size)
        if score.hausdorff_nm:
            figures["median Hausdorff distance, nm"] = float(np.median(score.hausdorff_nm))
        figures |= {
            "challenge: F1": score.counts.f1,
            "challenge: Hausdorff score": score.hausdorff_score,
            "challenge: combined": score.combined,
        }
    name = next(iter(classes_by_value(list(options.classes)).values()), "objects")
    return {name: figures}


def _instance_figures(scores: InstanceScores) -> dict[str, float]:
    counts = dataclasses.asdict(scores.at_50)
    return {
        "found and true": counts["hits"],
        "found only": counts["extra"],
        "true only": counts["missed"],
        "F1 at IoU 0.5": scores.at_50.f1,
        "AP at IoU 0.5": scores.at_50.average_precision,
        "AP at IoU 0.75": scores.at_75.average_precision,
        "AP, mean of IoU 0.5 to 0.95": scores.average_precision,
        "panoptic quality": scores.at_50.panoptic_quality,
        "VOI split, bits": scores.voi_split,
        "VOI merge, bits": scores.voi_merge,
    }


def _table(figures: dict[str, dict[str, float]]) -> Table:
    """Return the figures as rows and the classes as columns, as for picks."""
    table = Table()
    table.add_column("class")
    for name in figures:
        table.add_column(name, justify="right")
    for row in next(iter(figures.values())):
        values = [each.get(row) for each in figures.values()]
        table.add_row(row, *("" if v is None else _text(v) for v in values))
    return table


def _text(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"
