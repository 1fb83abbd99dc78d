"""How far two segmentations of an image agree where nothing is labelled, and where least."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.evaluation.segmentation import VoxelScores
from tomoscribe.evaluation.segments.places import near
from tomoscribe.evaluation.unsure_sections import STEP, fullest_fields
from tomoscribe.segmentation.labels import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tomoscribe.evaluation.segments.maps import LabelledImage, SegmentMaps
    from tomoscribe.segmentation.labels import Triple

FIELD = 64
"""Voxels a side of a place to look at."""
LEAST = 0.02
"""Share of a field that must differ to be worth a look."""


@dataclass(frozen=True, eq=False)
class Agreement:
    """How A and B agree on an image, in voxels that are computed by both and not labelled.

    Parameters
    ----------
    sample : str
    voxels, differing : int
        That were compared, and in which a class is told by one side alone.
    of_class : dict of str to VoxelScores
        A's voxels against B's: `extra` only B has, `missed` only A has.
    places : (N, 3) array of int
        Where most differs, the most first: voxels z, y, x, at least a field apart.
    """

    sample: str
    voxels: int
    differing: int
    of_class: dict[str, VoxelScores]
    places: NDArray[np.intp]

    @property
    def most_apart(self) -> str:
        """The class in which most voxels differ."""
        return max(self.of_class, key=lambda n: self.of_class[n].extra + self.of_class[n].missed)

    @property
    def share(self) -> float:
        """Share of the compared voxels that differ."""
        return self.differing / self.voxels if self.voxels else 0.0


def agreement(
    image: LabelledImage,
    a: SegmentMaps,
    b: SegmentMaps,
    between: Callable[[], None] = lambda: None,
) -> Agreement | None:
    """Return how two segmentations agree; None where they have no class in common.

    Every second pixel of every section is looked at.

    Parameters
    ----------
    image : LabelledImage
        What is labelled in it is left out: there, the labels judge.
    a, b : SegmentMaps
        On it.
    between : callable
        Called after each section; what it raises ends the work.
    """
    common = [name for name in a.classes if name in b.classes]
    if not common:
        return None
    depth, height, width = image.shape_zyx
    totals = dict.fromkeys(common, VoxelScores())
    counted = [0, 0]
    coarse = (slice(None, None, STEP),) * 2

    def differs(z: int) -> NDArray[np.float32]:
        between()
        lo, hi = (z, 0, 0), (z + 1, height, width)
        compared = (a.values[0, z] > 0) & (b.values[0, z] > 0) & ~_labelled(image, lo, hi)
        compared = compared[coarse]
        ours, theirs = a.masks(lo, hi), b.masks(lo, hi)
        apart = np.zeros(compared.shape, bool)
        for name in common:
            mine, other = (m[name][0][coarse] & compared for m in (ours, theirs))
            both = int((mine & other).sum())
            totals[name] += VoxelScores(both, int(other.sum()) - both, int(mine.sum()) - both)
            apart |= mine != other
        counted[0] += int(compared.sum())
        counted[1] += int(apart.sum())
        return apart.astype(np.float32)

    places = _apart(fullest_fields(range(depth), differs, FIELD, LEAST), image.voxel_size_zyx_nm)
    return Agreement(image.name, counted[0], counted[1], totals, places)


def _apart(
    places: NDArray[np.intp], voxel_size_zyx_nm: tuple[float, float, float]
) -> NDArray[np.intp]:
    """Return places without those that lie in the field of one before, in any section."""
    kept: list[int] = []
    for index, place in enumerate(places):
        if not near(place, places[kept], FIELD, voxel_size_zyx_nm).any():
            kept.append(index)
    return places[kept]


def _labelled(image: LabelledImage, lo: Triple, hi: Triple) -> NDArray[np.bool_]:
    """Return which voxels (y, x) of a section are labelled; only its boxes are read."""
    told = np.zeros((hi[1], hi[2]), bool)
    for (z0, y0, x0), (z1, y1, x1) in image.boxes:
        if z0 <= lo[0] < z1:
            values = image.read((lo[0], y0, x0), (hi[0], y1, x1))
            told[y0:y1, x0:x1] |= (values != UNKNOWN).any(0)[0]
    return told
