"""Checkpoints that segment voxels, judged by the labels of some images.

All sides are judged by the same voxels: those that are labelled and that no training behind any
side learned from. Where there are none, by all that are labelled; `Basis` tells which.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.evaluation.score_bytes import decode_scores
from tomoscribe.evaluation.segmentation import VoxelScores, pooled_instances, voxel_scores
from tomoscribe.evaluation.segments.maps import in_pieces
from tomoscribe.evaluation.segments.marks import Marks, marks_of_voxels
from tomoscribe.evaluation.segments.objects import ObjectsJudged, judge_objects
from tomoscribe.evaluation.segments.places import Spot, spots_of_errors
from tomoscribe.segmentation.labels import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from tomoscribe.evaluation.segmentation import InstanceScores
    from tomoscribe.evaluation.segments.maps import LabelledImage, SegmentMaps, Unseen
    from tomoscribe.segmentation.labels import Triple

    Between = Callable[[], None]

DENSE = 0.5
"""Share of labelled voxels from which on objects can be counted: of strokes none is whole."""


class Basis(StrEnum):
    """Which labelled voxels judge."""

    NEVER_SEEN = "never seen"
    ALL = "all"
    NONE = "none"


@dataclass(frozen=True, eq=False)
class ImageOnSides:
    """An image, the maps of each side on it, and what the trainings behind a side saw of it.

    `unseen` by letter; None where nobody knows.
    """

    image: LabelledImage
    maps: Mapping[str, SegmentMaps]
    unseen: Mapping[str, Unseen | None]


@dataclass(frozen=True)
class LabelCounts:
    """How many voxels are labelled, how many of them no side learned from, and out of how many."""

    labelled: int = 0
    never_seen: int = 0
    within: int = 0

    def __add__(self, other: LabelCounts) -> LabelCounts:
        return LabelCounts(
            self.labelled + other.labelled,
            self.never_seen + other.never_seen,
            self.within + other.within,
        )

    @property
    def dense(self) -> bool:
        """Whether most of what is within the boxes of labels is labelled."""
        return self.labelled >= DENSE * max(self.within, 1)


@dataclass(frozen=True)
class ScoreCurve:
    """Figures at each of the scores that count as the class from there on, ascending."""

    thresholds: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]
    iou: NDArray[np.float64]

    def best(self) -> tuple[float, float]:
        """Return the highest IoU and its threshold."""
        at = int(np.argmax(self.iou))
        return float(self.iou[at]), float(self.thresholds[at])


@dataclass(frozen=True, eq=False)
class JudgedClass:
    """One class of one side, over all images.

    Parameters
    ----------
    voxels : VoxelScores
        At the settings of the side's decoder.
    counts : (2, 256) array of int
        Labelled voxels by their stored score: of the class, and not of it.
    objects : tuple of ObjectsJudged
        Of each image where objects are told apart and labels are dense.
    spots : tuple of Spot
        What was missed and what is extra, the largest first; then objects that match.
    marks : tuple of Marks
        How the voxels stand that were judged, and those of objects, part by part.
    """

    voxels: VoxelScores
    counts: NDArray[np.int64]
    objects: tuple[ObjectsJudged, ...] = ()
    spots: tuple[Spot, ...] = ()
    marks: tuple[Marks, ...] = ()

    @cached_property
    def curve(self) -> ScoreCurve:
        """Precision, recall and IoU at every threshold."""
        # Stored 0 is not computed: it is counted nowhere.
        hits, extra = (np.cumsum(row[:0:-1])[::-1].astype(float) for row in self.counts)
        positive = max(float(self.counts[0, 1:].sum()), 1.0)
        found = hits + extra
        return ScoreCurve(
            decode_scores(np.arange(1, 256, dtype=np.uint8)).astype(float),
            np.divide(hits, found, out=np.ones_like(hits), where=found > 0),
            hits / positive,
            hits / (positive + extra),
        )

    @property
    def instances(self) -> InstanceScores | None:
        """How well objects are found; None where they cannot be counted."""
        if not self.objects:
            return None
        return pooled_instances(
            [pairs for one in self.objects for pairs in one.pairs],
            [voi for one in self.objects for voi in one.vois],
        )

    @property
    def labelled(self) -> bool:
        """Whether there are voxels of the class and others, so that figures mean something."""
        return bool(self.counts[0].sum() and self.counts[1].sum())


@dataclass(frozen=True, eq=False)
class SegmentJudgement:
    """What came of it.

    Parameters
    ----------
    classes : tuple of str
        Those of the labels that a side knows.
    judged : mapping of (letter, class) to JudgedClass
        A side that does not know a class is missing.
    basis : Basis
    counts : LabelCounts
    unknown : tuple of str
        Letters of the sides of which nobody knows what they were trained on.
    """

    classes: tuple[str, ...]
    judged: Mapping[tuple[str, str], JudgedClass]
    basis: Basis
    counts: LabelCounts
    unknown: tuple[str, ...] = ()
    known: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By letter the classes that the side knows."""
    voxel_sizes_nm: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    """Voxel edges z, y, x by image."""
    tells_apart: bool = False
    """Whether a side tells objects of a class apart."""

    def of_side(self, letter: str) -> dict[str, JudgedClass]:
        """Return what was judged of a side, by class."""
        return {name: one for (side, name), one in self.judged.items() if side == letter}

    def mean_iou(self, letter: str) -> float | None:
        """Return the mean IoU of a side over its classes with labels."""
        told = [one.voxels.iou for one in self.of_side(letter).values() if one.labelled]
        return float(np.mean(told)) if told else None


def judge(images: Sequence[ImageOnSides], between: Between = lambda: None) -> SegmentJudgement:
    """Judge the sides of a comparison.

    Parameters
    ----------
    images : sequence of ImageOnSides
        Labels and maps; where nothing is computed nothing counts.
    between : callable
        Called between the steps; what it raises ends the work.
    """
    known = {k: one.classes for each in images for k, one in each.maps.items()}
    every = dict.fromkeys(name for each in images for name in each.image.class_names)
    classes = tuple(n for n in every if any(n in of for of in known.values()))
    counts = sum((_count(each, between) for each in images), LabelCounts())
    basis = Basis.NEVER_SEEN if counts.never_seen else Basis.ALL
    if not counts.labelled:
        basis = Basis.NONE
    letters = dict.fromkeys(k for each in images for k in each.maps)
    unknown = tuple(k for k in letters if any(e.unseen.get(k) is None for e in images))
    judged = {}
    for letter in letters:
        for name in classes:
            if name in known[letter]:
                judged[letter, name] = _judge_class(images, letter, name, basis, between)
    sizes = {each.image.name: each.image.voxel_size_zyx_nm for each in images}
    maps = [one for each in images for one in each.maps.values()]
    apart = any(one.tells_apart(n) for one in maps for n in classes if n in one.classes)
    return SegmentJudgement(classes, judged, basis, counts, unknown, known, sizes, apart)


def _count(each: ImageOnSides, between: Between) -> LabelCounts:
    labelled = never_seen = within = 0
    for lo, hi in in_pieces(each.image.boxes):
        between()
        told = (each.image.read(lo, hi) != UNKNOWN).any(0)
        labelled += int(told.sum())
        never_seen += int((told & _never_seen(each, lo, hi)).sum())
        within += told.size
    return LabelCounts(labelled, never_seen, within)


def _never_seen(each: ImageOnSides, lo: Triple, hi: Triple) -> NDArray[np.bool_]:
    unseen = np.ones([b - a for a, b in zip(lo, hi, strict=True)], bool)
    for of_side in each.unseen.values():
        if of_side is not None:
            unseen &= of_side(lo, hi)
    return unseen


def truth_of(
    each: ImageOnSides, name: str, lo: Triple, hi: Triple, basis: Basis
) -> NDArray[np.int32]:
    """Return the labels (z, y, x) of a class in a box that judge, -1 elsewhere."""
    truth: NDArray[np.int32] = each.image.read(lo, hi)[each.image.class_names.index(name)]
    if basis is Basis.NEVER_SEEN:
        truth = np.where(_never_seen(each, lo, hi), truth, np.int32(UNKNOWN))
    return truth


def _judge_class(
    images: Sequence[ImageOnSides], letter: str, name: str, basis: Basis, between: Between
) -> JudgedClass:
    voxels, counts = VoxelScores(), np.zeros((2, 256), np.int64)
    objects: list[ObjectsJudged] = []
    spots: list[Spot] = []
    marks: list[Marks] = []
    for each in images:
        maps = each.maps.get(letter)
        if maps is None or name not in each.image.class_names:
            continue
        own = _count(each, between)
        found = None
        if maps.tells_apart(name) and own.dense:

            def truth(lo: Triple, hi: Triple, each: ImageOnSides = each) -> NDArray[np.int32]:
                return truth_of(each, name, lo, hi, basis)

            # Of sides that are matched in different ways, figures could not be compared.
            flat = any(m.in_sections(name) for m in each.maps.values() if name in m.classes)
            found = judge_objects(each.image, maps, name, truth, between, by_section=flat)
        for lo, hi in in_pieces(each.image.boxes):
            between()
            place = tuple(slice(a, b) for a, b in zip(lo, hi, strict=True))
            true, stored = truth_of(each, name, lo, hi, basis), maps.of_class(name)[place]
            true = np.where(stored > 0, true, np.int32(UNKNOWN))
            mine = maps.masks(lo, hi)[name]
            voxels += voxel_scores(true, mine)
            counts[0] += np.bincount(stored[true > 0], minlength=256)
            counts[1] += np.bincount(stored[true == 0], minlength=256)
            if found is None:
                spots += spots_of_errors(each.image.name, name, true, mine, lo)
                marks.append(Marks(each.image.name, lo, marks_of_voxels(true, mine)))
        if found is not None:
            objects.append(found)
            spots += found.spots
            marks.append(found.marks)
    spots.sort(key=Spot.rank)
    return JudgedClass(voxels, counts, tuple(objects), tuple(spots), tuple(marks))
