"""Where a segmentation is wrong, as places to look at: objects, or pieces of a class."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from tomoscribe.evaluation.judgement import Standing

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tomoscribe.segmentation.labels import Triple

MOST = 200
"""Places that are kept of a piece of an image: the largest."""
LEAST = 4
"""Voxels; outlines that are a voxel off are no mistakes to look at."""

NEAR = 16
"""Pixels; what is as near to an error, or within its radius, is looked at with it."""


def near(
    zyx: ArrayLike,
    others: ArrayLike,
    pixels: float,
    voxel_size_zyx_nm: tuple[float, float, float],
) -> NDArray[np.bool_]:
    """Return which of other voxels (N, 3) are less than some pixels' width from one, in nm."""
    away = np.abs(np.asarray(others, float).reshape(-1, 3) - np.asarray(zyx, float))
    found: NDArray[np.bool_] = (away * voxel_size_zyx_nm).max(1) < pixels * voxel_size_zyx_nm[2]
    return found


@dataclass(frozen=True)
class Spot:
    """An object or a piece of a class that matches, is missed or is extra.

    Parameters
    ----------
    standing : Standing
        `MATCHED`, `MISSED`, `WRONG`, or `OPEN`: extra where little is labelled.
    sample, class_name : str
    zyx : tuple of float
        A voxel of it, in the section where it is largest.
    voxels : int
    iou : float
        With what matches it; the best there is of what is missed or extra.
    is_object : bool
        Else a piece of a class whose objects are not told apart.
    sections : int
        That it goes through.
    """

    standing: Standing
    sample: str
    class_name: str
    zyx: tuple[float, float, float]
    voxels: int
    iou: float = 0.0
    is_object: bool = False
    sections: int = 1

    def holds(self, other: Spot, voxel_size_zyx_nm: tuple[float, float, float]) -> bool:
        """Tell whether another one, in any section, is looked at with this one."""
        if (self.sample, self.class_name) != (other.sample, other.class_name):
            return False
        radius = math.sqrt(self.voxels / self.sections / math.pi)
        return bool(near(self.zyx, other.zyx, max(radius, NEAR), voxel_size_zyx_nm).all())

    def rank(self) -> tuple[int, float]:
        """Return what sorts: errors by size, what nobody can judge, then matches, worst first."""
        if self.standing is Standing.MATCHED:
            return 2, self.iou
        return int(self.standing is Standing.OPEN), -float(self.voxels)


def spots_of_errors(
    sample: str,
    class_name: str,
    truth: NDArray[np.int32],
    found: NDArray[np.bool_],
    lo: Triple,
) -> list[Spot]:
    """Return the pieces of a class that are missed, and those that are extra, largest first.

    Parameters
    ----------
    sample, class_name : str
    truth : (Z, Y, X) array of int
        -1 unlabelled, 0 not of the class.
    found : (Z, Y, X) array of bool
    lo : tuple of int
        First voxel of the box in its image.
    """
    spots = []
    for standing, wrong in (
        (Standing.MISSED, (truth > 0) & ~found),
        (Standing.WRONG, (truth == 0) & found),
    ):
        pieces, count = scipy.ndimage.label(wrong)
        sizes = np.bincount(pieces.ravel(), minlength=count + 1)[1:]
        boxes = scipy.ndimage.find_objects(pieces)
        for index in np.argsort(-sizes, kind="stable")[:MOST].tolist():
            if sizes[index] < LEAST:
                break
            zyx = spot_in(pieces[boxes[index]] == index + 1, boxes[index], lo)
            deep = boxes[index][0].stop - boxes[index][0].start
            spots.append(Spot(standing, sample, class_name, zyx, int(sizes[index]), sections=deep))
    return spots


def spot_in(
    mask: NDArray[np.bool_], box: tuple[slice, ...], lo: Triple
) -> tuple[float, float, float]:
    """Return a voxel of an object: near its middle, in the section where it is largest.

    Parameters
    ----------
    mask : (z, y, x) array of bool
        The object in the box around it.
    box : tuple of slice
        That box in a part of an image.
    lo : tuple of int
        First voxel of the part.
    """
    z = int(np.argmax(mask.sum((1, 2))))
    yx = np.argwhere(mask[z])
    y, x = yx[np.argmin(((yx - yx.mean(0)) ** 2).sum(1))].tolist()
    first = [a + part.start for a, part in zip(lo, box, strict=True)]
    return float(first[0] + z), float(first[1] + y), float(first[2] + x)
