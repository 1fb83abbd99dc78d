"""Voxels by how they stand to the labels: matched, missed or extra, as pictures and layers do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.segmentation.labels import UNKNOWN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.segmentation.labels import Triple


class Mark(IntEnum):
    """How a voxel stands; where objects are told apart, how the object stands that it is of."""

    NONE = 0
    MATCHED = 1
    MISSED = 2
    EXTRA = 3
    OPEN = 4
    """Found where nothing is labelled."""


@dataclass(frozen=True, eq=False)
class Marks:
    """Marks of a class in a part of an image.

    Parameters
    ----------
    sample : str
    lo : tuple of int
        First voxel of the part in its image.
    values : (z, y, x) array of uint8
        Of `Mark`.
    """

    sample: str
    lo: Triple
    values: NDArray[np.uint8]

    @property
    def hi(self) -> Triple:
        """Voxel after the last one along each axis."""
        z, y, x = (a + n for a, n in zip(self.lo, self.values.shape, strict=True))
        return z, y, x


def marks_of_voxels(truth: NDArray[np.int32], found: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return how the voxels of a class stand.

    Parameters
    ----------
    truth : array of int
        -1 unlabelled, 0 not of the class, above 0 of it.
    found : array of bool
        Of the same shape.
    """
    marks = np.zeros(truth.shape, np.uint8)
    marks[truth > 0] = Mark.MISSED
    marks[found & (truth > 0)] = Mark.MATCHED
    marks[found & (truth == 0)] = Mark.EXTRA
    marks[found & (truth == UNKNOWN)] = Mark.OPEN
    return marks


def touching(section: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return the voxels of objects in a section (y, x) that touch another one above or left."""
    line = np.zeros(section.shape, bool)
    line[1:] = (section[1:] != section[:-1]) & (section[1:] > 0) & (section[:-1] > 0)
    right, left = section[:, 1:], section[:, :-1]
    line[:, 1:] |= (right != left) & (right > 0) & (left > 0)
    return line
