"""How good a segmentation is against labels of one class: voxels right, and objects found.

Unlabelled voxels (-1 in the truth) count nowhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.segmentation.matching import (
    AP_THRESHOLDS,
    MatchCounts,
    pair_by_section,
    pair_objects,
    summed,
)
from tomoscribe.segmentation.overlaps import overlaps

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tomoscribe.segmentation.matching import ObjectPairs


@dataclass(frozen=True)
class VoxelScores:
    """Voxels of a class: `hits` found and true, `extra` found only, `missed` true only.

    Add them to pool several volumes.
    """

    hits: int = 0
    extra: int = 0
    missed: int = 0

    def __add__(self, other: VoxelScores) -> VoxelScores:
        return VoxelScores(
            self.hits + other.hits, self.extra + other.extra, self.missed + other.missed
        )

    @property
    def iou(self) -> float:
        """Intersection over union (Jaccard); 1 where nothing is true and nothing found."""
        return _share(self.hits, self.hits + self.extra + self.missed)

    @property
    def dice(self) -> float:
        """Dice, which is the F1 of voxels."""
        return _share(2 * self.hits, 2 * self.hits + self.extra + self.missed)

    @property
    def precision(self) -> float:
        """Share of the found voxels that is true; NaN where nothing is found."""
        return _share(self.hits, self.hits + self.extra, math.nan)

    @property
    def recall(self) -> float:
        """Share of the true voxels that is found; NaN where nothing is true."""
        return _share(self.hits, self.hits + self.missed, math.nan)


@dataclass(frozen=True)
class InstanceScores:
    """How well objects are found.

    Parameters
    ----------
    at_50, at_75 : MatchCounts
        Objects that match with an IoU of at least 0.5 and 0.75.
    average_precision : float
        Mean over IoUs of 0.5 to 0.95 of hits per all objects, found or true.
    voi_split, voi_merge : float
        Variation of information in bits, of the true objects' voxels (Meilă 2007): what true
        objects are split, what is merged; NaN where there are none.
    """

    at_50: MatchCounts
    at_75: MatchCounts
    average_precision: float
    voi_split: float
    voi_merge: float


def voxel_scores(truth: NDArray[Any], found: NDArray[Any]) -> VoxelScores:
    """Compare voxels of one class.

    Parameters
    ----------
    truth : array of int
        -1 unlabelled, 0 not of the class, above 0 of it.
    found : array
        Of the same shape; above 0 of the class.
    """
    true, other, claimed = truth > 0, truth == 0, found > 0
    hits = int(np.count_nonzero(true & claimed))
    return VoxelScores(
        hits, int(np.count_nonzero(other & claimed)), int(np.count_nonzero(true)) - hits
    )


def instance_scores(
    truth: NDArray[Any], found: NDArray[Any], *, by_section: bool = False
) -> InstanceScores:
    """Compare the objects of one class.

    Parameters
    ----------
    truth : (Z, Y, X) array of int
        -1 unlabelled, 0 background, else the number of an object.
    found : (Z, Y, X) array of int
        0 background, else the number of an object.
    by_section : bool
        Objects are matched in each section, not through the volume; the variation of information
        is the mean over those that hold true objects.
    """
    pairs = pair_by_section(truth, found) if by_section else [pair_objects(truth, found)]
    parts = list(zip(truth, found, strict=True)) if by_section else [(truth, found)]
    vois = [variation_of_information(t, f) for t, f in parts if (t > 0).any()]
    return pooled_instances(pairs, vois)


def pooled_instances(
    pairs: Sequence[ObjectPairs], vois: Sequence[tuple[float, float]]
) -> InstanceScores:
    """Return the scores of several volumes or sections together.

    Parameters
    ----------
    pairs : sequence of ObjectPairs
        Of each.
    vois : sequence of (float, float)
        Their variations of information, split and merge, which are averaged.
    """
    split, merge = np.mean(vois, axis=0) if len(vois) else (math.nan, math.nan)
    precision = float(np.mean([summed(pairs, t).average_precision for t in AP_THRESHOLDS]))
    return InstanceScores(
        summed(pairs, 0.5), summed(pairs, 0.75), precision, float(split), float(merge)
    )


def variation_of_information(truth: NDArray[Any], found: NDArray[Any]) -> tuple[float, float]:
    """Return how far true objects are split and merged, in bits (Meilă 2007).

    Only voxels of true objects count; what is not found there is one piece of its own. NaN where
    there are none.
    """
    inside = (truth != UNKNOWN) & (truth != 0)
    if not inside.any():
        return math.nan, math.nan
    pairs = overlaps(truth[inside], found[inside], background=True)
    joint = _entropy(pairs.voxels)
    of_truth = _entropy(_sizes(pairs.first, pairs.voxels))
    of_found = _entropy(_sizes(pairs.second, pairs.voxels))
    return max(joint - of_truth, 0.0), max(joint - of_found, 0.0)


def _sizes(objects: NDArray[np.integer], voxels: NDArray[np.int64]) -> NDArray[Any]:
    """Return the voxels of each object, whatever its number."""
    _, place = np.unique(objects, return_inverse=True)
    return np.bincount(place, voxels)


def _entropy(counts: NDArray[Any]) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum())


def _share(part: int, whole: int, of_none: float = 1.0) -> float:
    return part / whole if whole else of_none
