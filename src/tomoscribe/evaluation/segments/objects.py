"""Objects of one class in one image against those that are labelled: pairs, places, information."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import scipy

from tomoscribe.evaluation.judgement import Standing
from tomoscribe.evaluation.segmentation import variation_of_information
from tomoscribe.evaluation.segments.marks import Mark, Marks, touching
from tomoscribe.evaluation.segments.places import Spot, spot_in
from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.segmentation.matching import pair_objects
from tomoscribe.segmentation.sections import numbered_by_section

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tomoscribe.evaluation.segments.maps import LabelledImage, SegmentMaps
    from tomoscribe.segmentation.labels import Triple
    from tomoscribe.segmentation.matching import ObjectPairs

MARGIN = (8, 32, 32)
"""Voxels around the labels in which objects are decoded too: those at the edge need them."""
MOST_VOXELS = 200_000_000
"""A larger box is decoded no more: its objects would not fit into memory beside the maps."""
IOU = 0.5
"""Least IoU of a match."""
MARK_OF = {
    Standing.MATCHED: Mark.MATCHED,
    Standing.MISSED: Mark.MISSED,
    Standing.WRONG: Mark.EXTRA,
    Standing.OPEN: Mark.OPEN,
}


@dataclass(frozen=True, eq=False)
class ObjectsJudged:
    """Pairs of true and found objects with their split and merge information, and the places.

    `pairs` and `vois` are of each section where objects are matched in each (`by_section`).
    """

    pairs: tuple[ObjectPairs, ...]
    vois: tuple[tuple[float, float], ...]
    spots: tuple[Spot, ...]
    marks: Marks
    by_section: bool = False


def judge_objects(
    image: LabelledImage,
    maps: SegmentMaps,
    name: str,
    truth_of: Callable[[Triple, Triple], NDArray[np.int32]],
    between: Callable[[], None] = lambda: None,
    *,
    by_section: bool = False,
) -> ObjectsJudged | None:
    """Return how the objects of a class are found in what is labelled.

    Parameters
    ----------
    image : LabelledImage
    maps : SegmentMaps
        On it.
    name : str
        The class.
    truth_of : callable
        Labels (z, y, x) of a box that judge.
    between : callable
        Called between the steps; what it raises ends the work.
    by_section : bool
        Objects are matched in each section; so they are where labels number them anew in each.

    Returns
    -------
    ObjectsJudged or None
        None where objects are not numbered in the labels, or the labels span too large a box.
    """
    bounds = image.bounds()
    if bounds is None:
        return None
    lo, hi = bounds
    if np.prod([b - a for a, b in zip(lo, hi, strict=True)], dtype=float) > MOST_VOXELS:
        return None
    truth = truth_of(lo, hi)
    if truth.max(initial=0) < 2:  # all of the class is one: nobody told its objects apart
        return None
    first = tuple(max(0, a - m) for a, m in zip(lo, MARGIN, strict=True))
    last = tuple(min(n, b + m) for n, b, m in zip(image.shape_zyx, hi, MARGIN, strict=True))
    found = maps.objects(name, first, last, between)  # type: ignore[arg-type]
    inner = tuple(slice(a - f, b - f) for a, b, f in zip(lo, hi, first, strict=True))
    found = found[inner]
    computed = maps.of_class(name)[tuple(slice(a, b) for a, b in zip(lo, hi, strict=True))] > 0
    truth = np.where(computed, truth, np.int32(UNKNOWN))
    sections = len(truth) > 1 and (by_section or numbered_by_section(truth))
    parts = [slice(z, z + 1) for z in range(len(truth))] if sections else [slice(None)]
    pairs, vois, spots = [], [], []
    marks = np.zeros(truth.shape, np.uint8)
    for part in parts:
        between()
        one = _Part.of(truth[part], found[part])
        pairs.append(one.counted())
        if (one.truth > 0).any():
            vois.append(variation_of_information(one.truth, one.found))
        marks[part] = one.marks()
        spots += one.spots(image.name, name, (lo[0] + (part.start or 0), lo[1], lo[2]))
    at = Marks(image.name, lo, marks)
    return ObjectsJudged(tuple(pairs), tuple(vois), tuple(spots), at, sections)


@dataclass(frozen=True, eq=False)
class _Part:
    """Objects that are matched with each other; ids of both sides as in `pairs`."""

    truth: NDArray[np.int32]
    found: NDArray[np.int32]
    pairs: ObjectPairs
    truth_standing: list[Standing]
    found_standing: list[Standing]

    @classmethod
    def of(cls, truth: NDArray[np.int32], found: NDArray[np.int32]) -> _Part:
        """Match the objects of a part of an image."""
        pairs = pair_objects(truth, found)
        matched = pairs.matched(IOU)
        true = [Standing.MISSED] * len(pairs.truth_ids)
        for index in pairs.truth[matched].tolist():
            true[index] = Standing.MATCHED
        sizes, known = _sizes(found, truth, pairs.found_ids)
        mine = [
            Standing.WRONG if share >= IOU else Standing.OPEN
            for share in (known / np.maximum(sizes, 1)).tolist()
        ]
        for index in pairs.found[matched].tolist():
            mine[index] = Standing.MATCHED
        return cls(truth, found, pairs, true, mine)

    def counted(self) -> ObjectPairs:
        """Return the pairs without found objects that nobody can judge: mostly unlabelled ones."""
        pairs = self.pairs
        judged = np.array([s is not Standing.OPEN for s in self.found_standing], bool)
        kept = judged[pairs.found] if len(pairs.found) else np.zeros(0, bool)
        place = np.cumsum(judged) - 1
        return replace(
            pairs,
            truth=pairs.truth[kept],
            found=place[pairs.found[kept]],
            iou=pairs.iou[kept],
            found_ids=pairs.found_ids[judged],
        )

    def marks(self) -> NDArray[np.uint8]:
        """Return how the voxels stand; a missed object is shown whole, whatever lies over it.

        Between objects that touch is a line of voxels without a mark.
        """
        ours = np.array([Mark.OPEN, *(MARK_OF[s] for s in self.found_standing)], np.uint8)
        true = np.array([Mark.NONE, *(MARK_OF[s] for s in self.truth_standing)], np.uint8)
        marks = np.zeros(self.truth.shape, np.uint8)
        for z, (of_truth, of_found) in enumerate(zip(self.truth, self.found, strict=True)):
            mine = ours[_places(of_found, self.pairs.found_ids)]
            mine[of_found == 0] = Mark.NONE
            mine[touching(of_found)] = Mark.NONE
            missed = true[_places(of_truth, self.pairs.truth_ids)] == Mark.MISSED
            marks[z] = np.where(missed, np.uint8(Mark.MISSED), mine)
        return marks

    def spots(self, sample: str, name: str, lo: Triple) -> list[Spot]:
        """Return the objects as places; a match is told once, as the true object."""
        pairs, spots = self.pairs, []
        for labels, ids, members, standings in (
            (self.truth, pairs.truth_ids, pairs.truth, self.truth_standing),
            (self.found, pairs.found_ids, pairs.found, self.found_standing),
        ):
            best = np.zeros(len(ids))
            np.maximum.at(best, members, pairs.iou)
            numbered = np.stack([_places(section, ids) for section in labels])
            for index, box in enumerate(scipy.ndimage.find_objects(numbered, max_label=len(ids))):
                standing = standings[index]
                if box is None or (labels is self.found and standing is Standing.MATCHED):
                    continue
                mask = numbered[box] == index + 1
                at, size = spot_in(mask, box, lo), int(mask.sum())
                deep = box[0].stop - box[0].start
                spots.append(Spot(standing, sample, name, at, size, float(best[index]), True, deep))
        return spots


def _places(section: NDArray[np.int32], ids: NDArray[np.int64]) -> NDArray[np.int32]:
    """Return the place from 1 on of each number among sorted ids; 0 for all others."""
    if not len(ids):
        return np.zeros(section.shape, np.int32)
    at = np.searchsorted(ids, section).clip(max=len(ids) - 1).astype(np.int32)
    return np.where(ids[at] == section, at + 1, np.int32(0))


def _sizes(
    found: NDArray[np.int32], truth: NDArray[np.int32], ids: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the voxels of each object, and those of them that are labelled."""
    sizes, known = np.zeros((2, len(ids) + 1), np.int64)
    for of_found, of_truth in zip(found, truth, strict=True):
        at = _places(of_found, ids)
        sizes += np.bincount(at.ravel(), minlength=len(ids) + 1)
        known += np.bincount(at[of_truth != UNKNOWN], minlength=len(ids) + 1)
    return sizes[1:], known[1:]
