"""Objects of one class in one image against those that are labelled: pairs, places, information."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from tomoscribe.evaluation.judgement import Standing
from tomoscribe.evaluation.segment_places import Spot, spot_in
from tomoscribe.evaluation.segmentation import variation_of_information
from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.segmentation.matching import pair_by_section, pair_objects

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tomoscribe.evaluation.segment_maps import LabelledImage, SegmentMaps
    from tomoscribe.segmentation.labels import Triple
    from tomoscribe.segmentation.matching import ObjectPairs

MARGIN = (8, 32, 32)
"""Voxels around the labels in which objects are decoded too: those at the edge need them."""
MOST_VOXELS = 200_000_000
"""A larger box is decoded no more: its objects would not fit into memory beside the maps."""
IOU = 0.5
"""Least IoU of a match."""


@dataclass(frozen=True, eq=False)
class ObjectsJudged:
    """Pairs of true and found objects with their split and merge information, and the places.

    `pairs` and `vois` are of each section where objects are of sections.
    """

    pairs: tuple[ObjectPairs, ...]
    vois: tuple[tuple[float, float], ...]
    spots: tuple[Spot, ...]


def judge_objects(
    image: LabelledImage,
    maps: SegmentMaps,
    name: str,
    truth_of: Callable[[Triple, Triple], NDArray[np.int32]],
    between: Callable[[], None] = lambda: None,
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
    between()
    sections = maps.settings[name].dimension == "2d" and len(truth) > 1
    pairs = pair_by_section(truth, found) if sections else [pair_objects(truth, found)]
    parts = list(zip(truth, found, strict=True)) if sections else [(truth, found)]
    vois = [variation_of_information(t, f) for t, f in parts if (t > 0).any()]
    spots: list[Spot] = []
    if sections:
        for z, (one, (t, f)) in enumerate(zip(pairs, parts, strict=True)):
            at = (lo[0] + z, lo[1], lo[2])
            spots += _spots(image.name, name, one, t[None], f[None], at)
    else:
        spots = _spots(image.name, name, pairs[0], truth, found, lo)
    return ObjectsJudged(tuple(pairs), tuple(vois), tuple(spots))


def _spots(
    sample: str,
    name: str,
    pairs: ObjectPairs,
    truth: NDArray[np.int32],
    found: NDArray[np.int32],
    lo: Triple,
) -> list[Spot]:
    matched = pairs.matched(IOU)
    spots: list[Spot] = []
    known = np.where(truth == UNKNOWN, 0, truth)
    sides = (
        (known, pairs.truth_ids, pairs.truth, Standing.MISSED),
        (found, pairs.found_ids, pairs.found, Standing.WRONG),
    )
    for labels, ids, members, otherwise in sides:
        best = np.zeros(len(ids))
        np.maximum.at(best, members, pairs.iou)
        hit = np.zeros(len(ids), bool)
        hit[members[matched]] = True
        dense = np.searchsorted(ids, labels)  # numbers from 1 on, as few as there are objects
        numbered = np.where(np.isin(labels, ids), dense + 1, 0)
        for index, box in enumerate(scipy.ndimage.find_objects(numbered, max_label=len(ids))):
            if box is None or (hit[index] and otherwise is Standing.WRONG):
                continue  # a match is told once, as the true object
            mask = numbered[box] == index + 1
            standing = Standing.MATCHED if hit[index] else otherwise
            if standing is Standing.WRONG and (truth[box][mask] != UNKNOWN).mean() < IOU:
                standing = Standing.OPEN
            zyx = spot_in(mask, box, lo)
            size = int(mask.sum())
            spots.append(Spot(standing, sample, name, zyx, size, float(best[index]), True))
    return spots
