"""The grouping and the combined score of the CellMap Segmentation Challenge, as documented.

Independent of its toolbox, whose scoring goes on changing; see `cellmap_instance_score`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from tomoscribe.evaluation.segmentation import voxel_scores
from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.segmentation.matching import MatchCounts, pair_objects
from tomoscribe.segmentation.renumber import object_numbers, renumbered

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tomoscribe.segmentation.matching import ObjectPairs

    Triple = tuple[float, float, float]

INSTANCE_CLASSES = (
    *("nuc", "vim", "ves", "endo", "lyso", "ld", "perox", "mito", "np", "mt", "cell"),
    "instance",
)
"""Classes of which it judges objects; of all others it judges voxels."""
_DECAY = 1.01
"""A distance of one voxel's diagonal costs about a hundredth."""


@dataclass(frozen=True)
class CellmapInstanceScore:
    """Objects of one class.

    Parameters
    ----------
    counts : MatchCounts
        One to one, whatever the IoU above 0.
    hausdorff_nm : tuple of float
        Of each true object that has a match, in nm.
    hausdorff_score : float
        Mean over all true objects of 1.01^(-distance / voxel diagonal); 0 for those missed.
    """

    counts: MatchCounts
    hausdorff_nm: tuple[float, ...]
    hausdorff_score: float

    @property
    def combined(self) -> float:
        """Geometric mean of F1 and the Hausdorff score."""
        return math.sqrt(self.counts.f1 * self.hausdorff_score)


@dataclass(frozen=True)
class CellmapScores:
    """Scores by class, and the geometric mean of the means of both groups.

    `overall` is that of the only group where there is one.
    """

    instance: dict[str, CellmapInstanceScore]
    semantic: dict[str, float]

    @property
    def overall(self) -> float:
        """Return the score that ranks."""
        means = [
            float(np.mean(values))
            for values in (
                [score.combined for score in self.instance.values()],
                list(self.semantic.values()),
            )
            if values
        ]
        return math.prod(means) ** (1 / len(means)) if means else math.nan


def cellmap_scores(
    classes: Mapping[str, tuple[NDArray[Any], NDArray[Any]]],
    voxel_size_zyx_nm: Triple,
    instance_classes: tuple[str, ...] = INSTANCE_CLASSES,
) -> CellmapScores:
    """Score classes as the challenge does.

    Parameters
    ----------
    classes : mapping of str to (truth, found)
        (Z, Y, X) arrays: truth -1 unlabelled, 0 background; objects numbered in both.
    voxel_size_zyx_nm : tuple of float
    instance_classes : tuple of str
    """
    return CellmapScores(
        {
            name: cellmap_instance_score(truth, found, voxel_size_zyx_nm)
            for name, (truth, found) in classes.items()
            if name in instance_classes
        },
        {
            name: voxel_scores(truth, found).iou
            for name, (truth, found) in classes.items()
            if name not in instance_classes
        },
    )


def cellmap_instance_score(
    truth: NDArray[Any], found: NDArray[Any], voxel_size_zyx_nm: Triple
) -> CellmapInstanceScore:
    """Score the objects of one class: each connected part of what is found is an object.

    Matched one to one with the largest sum of IoUs. Two things are left out on purpose: a class
    with very many objects is scored, not skipped, and distances have no upper limit.
    """
    parts = _connected(np.where(truth == UNKNOWN, 0, found))
    pairs = pair_objects(truth, parts)
    chosen = best_matching(pairs)
    distances = [
        hausdorff_nm(
            truth == pairs.truth_ids[pairs.truth[k]],
            parts == pairs.found_ids[pairs.found[k]],
            voxel_size_zyx_nm,
        )
        for k in chosen
    ]
    hits, true, claimed = len(chosen), len(pairs.truth_ids), len(pairs.found_ids)
    diagonal = math.hypot(*voxel_size_zyx_nm)
    near = sum(_DECAY ** (-d / diagonal) for d in distances)
    nothing = 0.0 if claimed else 1.0
    return CellmapInstanceScore(
        MatchCounts(hits, claimed - hits, true - hits, float(pairs.iou[chosen].sum())),
        tuple(distances),
        near / true if true else nothing,
    )


def best_matching(pairs: ObjectPairs) -> NDArray[np.int64]:
    """Return pairs one to one, with the largest sum of IoUs, as indices of pairs."""
    if not len(pairs.iou):
        return np.zeros(0, dtype=np.int64)
    n, m = len(pairs.truth_ids), len(pairs.found_ids)
    graph = scipy.sparse.coo_array(
        (np.ones(len(pairs.iou)), (pairs.truth, pairs.found + n)), shape=(n + m, n + m)
    )
    _, group = scipy.sparse.csgraph.connected_components(graph, directed=False)
    of_pair = group[pairs.truth]
    order = np.argsort(of_pair, kind="stable")
    chosen: list[int] = []
    for members in np.split(order, np.flatnonzero(np.diff(of_pair[order])) + 1):
        rows, i = np.unique(pairs.truth[members], return_inverse=True)
        columns, j = np.unique(pairs.found[members], return_inverse=True)
        gain = np.zeros((len(rows), len(columns)))
        gain[i, j] = pairs.iou[members]
        number = np.full(gain.shape, -1)
        number[i, j] = members
        at = scipy.optimize.linear_sum_assignment(gain, maximize=True)
        chosen += [int(k) for k in number[at] if k >= 0]
    return np.array(sorted(chosen), dtype=np.int64)


def hausdorff_nm(a: NDArray[np.bool_], b: NDArray[np.bool_], voxel_size_zyx_nm: Triple) -> float:
    """Return the Hausdorff distance of two masks in nm: the farthest that one is from the other.

    Parameters
    ----------
    a, b : (Z, Y, X) arrays of bool
        Neither is empty.
    """
    either = a | b
    box = []
    for axis in range(3):
        at = np.flatnonzero(either.any(axis=tuple(i for i in range(3) if i != axis)))
        box.append(slice(int(at[0]), int(at[-1]) + 1))
    a, b = a[tuple(box)], b[tuple(box)]
    to_a, to_b = (
        scipy.ndimage.distance_transform_edt(~m, sampling=voxel_size_zyx_nm) for m in (a, b)
    )
    return float(max(to_b[a].max(), to_a[b].max()))


def _connected(labels: NDArray[Any]) -> NDArray[np.int32]:
    """Return the parts of each object that hang together, over corners too, as objects."""
    result = np.zeros(labels.shape, dtype=np.int32)
    count = 0
    # Numbers that int32 does not hold would become others, also those of other objects.
    numbered = renumbered(np.where(labels == 0, np.int32(0), object_numbers(labels)))
    for number, box in enumerate(scipy.ndimage.find_objects(numbered), start=1):
        parts, found = scipy.ndimage.label(numbered[box] == number, np.ones((3, 3, 3)))
        np.add(parts, count, out=result[box], where=parts > 0, casting="unsafe")
        count += found
    return result
