"""`tomoscribe evaluate` of label volumes: voxels right by class, objects, CellMap's challenge."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from tomoscribe.cli.label_volumes import LabelVolume, classes_by_value, open_labels
from tomoscribe.errors import TomoscribeError
from tomoscribe.evaluation.cellmap_score import cellmap_instance_score, cellmap_scores
from tomoscribe.evaluation.segmentation import InstanceScores, instance_scores, voxel_scores
from tomoscribe.io.volumes import is_image
from tomoscribe.segmentation.labels import UNKNOWN


@dataclass(frozen=True)
class LabelOptions:
    """How two label volumes are compared.

    `classes` as `VALUE=NAME`, names alone for the challenge; `objects`: values number objects of
    one class; `unlabelled`: value of the truth that counts nowhere; `by_section`: objects are
    matched in sections.
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
    mine, true, known = _pair(found, truth, options)
    if options.objects:
        figures = _objects(mine, _with_unknown(true, known), options)
    else:
        figures = _classes(mine, true, known, options)
    _show(figures, as_json)


def evaluate_challenge(found: str, truth: str, options: LabelOptions, as_json: bool) -> None:
    """Compare one crop, a file a class, as the CellMap Segmentation Challenge ranks it.

    Parameters
    ----------
    found, truth : str
        Folders; a class is `NAME`, an OME-Zarr group, or a file `NAME.*` in them. Of classes that
        the challenge judges by objects the values number them; of others all but 0 is the class.
    options : LabelOptions
        Names of the classes, what is unlabelled, voxel size.
    as_json : bool

    Raises
    ------
    TomoscribeError
        If a class is missing or not named, shapes or voxel sizes differ, or there is nothing to
        compare with.
    """
    if not options.classes:
        raise TomoscribeError("Name each class that counts: --challenge --class mito --class er.")
    pairs, sizes = {}, set()
    for name in options.classes:
        mine, true, known = _pair(_file_of_class(found, name), _file_of_class(truth, name), options)
        pairs[name] = (_with_unknown(true, known), mine.values)
        sizes.add(true.require_voxel_size())
    if len(sizes) > 1:
        raise TomoscribeError(f"The classes in {truth} have different voxel sizes.")
    scores = cellmap_scores(pairs, sizes.pop())
    figures = {name: {"IoU": iou} for name, iou in scores.semantic.items()}
    for name, score in scores.instance.items():
        figures[name] = {
            "F1": score.counts.f1,
            "Hausdorff score": score.hausdorff_score,
            "combined": score.combined,
        }
    _show({**figures, "all": {"overall": scores.overall}}, as_json)


def _file_of_class(folder: str, name: str) -> str:
    place = Path(folder)
    if not place.is_dir():
        raise TomoscribeError(f"{folder} is no folder; --challenge needs one with a file a class.")
    files = [p for p in sorted(place.iterdir()) if p.name == name or p.name.startswith(f"{name}.")]
    files = [p for p in files if is_image(p)]
    if len(files) != 1:
        many = f"{len(files)} files" if files else "no file"
        raise TomoscribeError(f"{folder} has {many} of labels of '{name}'; it needs one, {name}.*.")
    return str(files[0])


def _pair(
    found: str, truth: str, options: LabelOptions
) -> tuple[LabelVolume, LabelVolume, NDArray[np.bool_]]:
    """Return both volumes, and where the truth is labelled."""
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
    return mine, true, known


def _with_unknown(truth: LabelVolume, known: NDArray[np.bool_]) -> NDArray[np.int64]:
    # Unsigned numbers have no place for what is unlabelled.
    return np.where(known, truth.values.astype(np.int64), UNKNOWN)


def _show(figures: dict[str, dict[str, float]], as_json: bool) -> None:
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
    for row in dict.fromkeys(row for each in figures.values() for row in each):
        values = [each.get(row) for each in figures.values()]
        table.add_row(row, *("" if v is None else _text(v) for v in values))
    return table


def _text(value: float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"
