"""Figures of a label volume against the true one: voxels by class, objects, CellMap's challenge."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.evaluation.cellmap_score import cellmap_instance_score, cellmap_scores
from tomoscribe.evaluation.segmentation import (
    InstanceScores,
    VoxelScores,
    instance_scores,
    voxel_scores,
)
from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.segmentation.sections import numbered_by_section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tomoscribe.io.label_files import LabelVolume

    Figures = dict[str, dict[str, float | str]]

MATCHED = "objects matched"
IN_SECTIONS, THROUGH = "in each section", "through volume"
"""How, as the figures tell it."""
_MOST_CLASSES = 10
"""More values without a name are hardly classes, and fit no table."""


@dataclass(frozen=True)
class LabelOptions:
    """How two label volumes are compared.

    Parameters
    ----------
    classes : mapping of int to str
        Names by value; of none all values are classes. Of objects the one name.
    objects : bool
        Values number objects of one class.
    unlabelled : int, optional
        Value of the truth that counts nowhere.
    by_section : bool, optional
        Objects are matched in each section, or through the volume; None: as both are numbered.
    hausdorff : bool
        Distances in nm, and the challenge's score of objects, too.
    """

    classes: Mapping[int, str] = field(default_factory=dict)
    objects: bool = False
    unlabelled: int | None = None
    by_section: bool | None = None
    hausdorff: bool = False


@dataclass(frozen=True)
class LabelFigures:
    """Figures by class, each by its name, and sentences about how the labels were read.

    NaN is what nothing tells: precision where nothing is found, recall where nothing is true.
    """

    of_class: Figures
    notes: tuple[str, ...] = ()


def label_figures(found: LabelVolume, truth: LabelVolume, options: LabelOptions) -> LabelFigures:
    """Compare labels with the truth.

    Raises
    ------
    TomoscribeError
        If their shapes differ, or there is nothing to compare, or the truth has so many values
        that they are hardly classes.
    """
    known = _known_in(found, truth, options.unlabelled)
    if not options.objects:
        return _classes(found, truth, known, options)
    true = _with_unknown(truth, known)
    by_section = options.by_section
    notes: tuple[str, ...] = ()
    if by_section is None:
        anew = [
            volume.path
            for volume, labels in ((found, found.values), (truth, true))
            if numbered_by_section(labels)
        ]
        by_section, notes = bool(anew), _matched_by(anew)
    if not (true > 0).any():
        notes += (_without_truth(found, truth, known),)
    return LabelFigures(_objects(found, true, options, by_section), notes)


def _without_truth(found: LabelVolume, truth: LabelVolume, known: NDArray[np.bool_]) -> str:
    """Say what figures without a true object are worth; refuse where none was found either."""
    if not (found.values[known] > 0).any():
        raise TomoscribeError(
            f"Neither {truth.path} nor {found.path} has an object where the truth is labelled: "
            "there is nothing to compare."
        )
    return (
        f"{truth.path} has no object where it is labelled: all that was found counts as wrong, and "
        "what of true objects is split or merged cannot be told."
    )


def _matched_by(anew: list[str]) -> tuple[str, ...]:
    """Say why objects are matched in each section: of these volumes they are of sections."""
    if not anew:
        return ()
    each = "numbers its objects" if len(anew) == 1 else "number their objects"
    return (
        f"{' and '.join(anew)} {each} anew in each section, so objects are matched in each "
        "section; --through (by_section=False in a script) matches them through the volume.",
    )


def challenge_figures(
    pairs: Mapping[str, tuple[LabelVolume, LabelVolume]], unlabelled: int | None
) -> Figures:
    """Return the figures of a crop as the CellMap Segmentation Challenge ranks it.

    Parameters
    ----------
    pairs : mapping of str to (LabelVolume, LabelVolume)
        What was found and the truth, by class.
    unlabelled : int or None
        Value of the truth that counts nowhere.

    Raises
    ------
    TomoscribeError
        If shapes or voxel sizes differ, or there is nothing to compare with.
    """
    volumes, sizes = {}, set()
    for name, (mine, true) in pairs.items():
        known = _known_in(mine, true, unlabelled)
        volumes[name] = (_with_unknown(true, known), _found_in(mine))
        sizes.add(true.require_voxel_size())
    if len(sizes) > 1:
        files = ", ".join(true.path for _, true in pairs.values())
        raise TomoscribeError(f"The classes have different voxel sizes: {files}.")
    scores = cellmap_scores(volumes, sizes.pop())
    figures: Figures = {name: {"IoU": iou} for name, iou in scores.semantic.items()}
    for name, score in scores.instance.items():
        figures[name] = {
            "F1": score.counts.f1,
            "Hausdorff score": score.hausdorff_score,
            "combined": score.combined,
        }
    return {**figures, "all": {"overall": scores.overall}}


def _known_in(found: LabelVolume, truth: LabelVolume, unlabelled: int | None) -> NDArray[np.bool_]:
    """Return where the truth is labelled."""
    if found.values.shape != truth.values.shape:
        shapes = [" x ".join(map(str, v.values.shape)) for v in (found, truth)]
        raise TomoscribeError(
            f"{found.path} has {shapes[0]} voxels (z y x), {truth.path} has {shapes[1]}: they must "
            "be equal."
        )
    known = _known(truth, unlabelled)
    if not known.any():
        raise TomoscribeError(f"{truth.path} has no labelled voxel.")
    return known


def _with_unknown(truth: LabelVolume, known: NDArray[np.bool_]) -> NDArray[np.int64]:
    # Unsigned numbers have no place for what is unlabelled.
    return np.where(known, truth.values.astype(np.int64), UNKNOWN)


def _found_in(found: LabelVolume) -> NDArray[np.integer[Any]]:
    # What other programs leave out has a number below 0 in their files: there nothing is found.
    values: NDArray[np.integer[Any]] = np.maximum(found.values, 0)
    return values


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
) -> LabelFigures:
    names = dict(options.classes)
    notes: tuple[str, ...] = ()
    if not names:
        names = _values_as_classes(truth, known)
        if len(names) > 1:
            notes = ("Values are taken for classes; --objects takes them for numbers of objects.",)
    figures: Figures = {}
    for value, name in names.items():
        true = np.where(known, (truth.values == value).astype(np.int8), np.int8(UNKNOWN))
        score = voxel_scores(true, found.values == value)
        if score == VoxelScores():
            notes += (f"{name} (value {value}) is nowhere in {truth.path} nor found: not judged.",)
            continue
        figures[name] = {
            "IoU": score.iou,
            "Dice": score.dice,
            "precision": score.precision,
            "recall": score.recall,
        }
    if not figures:
        raise TomoscribeError(
            f"No class that is named is in {truth.path} or was found: there is nothing to compare."
        )
    if len(figures) > 1:
        mean = {k: float(np.mean([f[k] for f in figures.values()])) for k in ("IoU", "Dice")}
        figures["mean"] = {**mean}
    return LabelFigures(figures, notes)


def _values_as_classes(truth: LabelVolume, known: NDArray[np.bool_]) -> dict[int, str]:
    present = np.unique(truth.values[known])
    names = {int(v): f"class {v}" for v in present if v > 0}
    if not names:
        raise TomoscribeError(f"{truth.path} is all background: there is nothing to compare with.")
    if len(names) > _MOST_CLASSES:
        raise TomoscribeError(
            f"{truth.path} has {len(names)} values above 0: if they number objects, compare those "
            "with --objects (objects=True in a script); if they are classes, name those that count "
            "with --class (classes)."
        )
    return names


def _objects(
    found: LabelVolume, truth: NDArray[Any], options: LabelOptions, by_section: bool
) -> Figures:
    mine = _found_in(found)
    voxels = voxel_scores(truth, mine)
    figures: dict[str, float | str] = {
        MATCHED: IN_SECTIONS if by_section else THROUGH,
        **_instance_figures(instance_scores(truth, mine, by_section=by_section)),
        "IoU of all voxels": voxels.iou,
        "Dice of all voxels": voxels.dice,
    }
    if options.hausdorff:
        size = found.require_voxel_size()
        score = cellmap_instance_score(truth, mine, size)
        if score.hausdorff_nm:
            figures["median Hausdorff distance, nm"] = float(np.median(score.hausdorff_nm))
        figures |= {
            "challenge: F1": score.counts.f1,
            "challenge: Hausdorff score": score.hausdorff_score,
            "challenge: combined": score.combined,
        }
    name = next(iter(options.classes.values()), "objects")
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
