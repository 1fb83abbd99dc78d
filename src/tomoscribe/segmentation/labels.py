"""What a training knows of the voxels of one image, whatever kind of file or painting it is from.

One form serves all: for each class and voxel a number. `UNKNOWN` where nobody has said anything,
0 where the voxel is known not to be of the class, else the number of the object that it belongs
to (1 where objects are not told apart). So classes may overlap, strokes may be sparse, and a
missing annotation is never mistaken for background.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

UNKNOWN = -1
"""The voxel is not labelled: it neither teaches nor judges."""

Triple = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class LabelClass:
    """A class of voxels; `color` as #rrggbb.

    `value` is what its voxels have in the paintings of a project; 0: none is chosen yet.
    """

    name: str
    color: str = "#e69f00"
    value: int = 0


class LabelReader(Protocol):
    """Reads labels on the voxel grid of their image."""

    def read(self, lo_zyx: Triple, hi_zyx: Triple) -> NDArray[np.int32]:
        """Return the labels of a box, lo <= voxel < hi, as (class, z, y, x) int32.

        Outside of what is labelled, also outside of the image, all is `UNKNOWN`.
        """
        ...


@dataclass(frozen=True)
class ArrayLabels:
    """Labels that are in memory: `values` (class, z, y, x), int32, on the grid of the image."""

    values: NDArray[np.int32]

    def read(self, lo_zyx: Triple, hi_zyx: Triple) -> NDArray[np.int32]:
        """Return the labels of a box, lo <= voxel < hi; `UNKNOWN` outside of the array."""
        sizes = tuple(b - a for a, b in zip(lo_zyx, hi_zyx, strict=True))
        found = np.full((len(self.values), *sizes), UNKNOWN, np.int32)
        inside = [
            (max(a, 0), min(b, n))
            for a, b, n in zip(lo_zyx, hi_zyx, self.values.shape[1:], strict=True)
        ]
        if all(a < b for a, b in inside):
            place = tuple(slice(a - o, b - o) for (a, b), o in zip(inside, lo_zyx, strict=True))
            source = tuple(slice(a, b) for a, b in inside)
            found[(slice(None), *place)] = self.values[(slice(None), *source)]
        return found


@dataclass(frozen=True)
class SampleLabels:
    """The labels of one image of a training.

    Parameters
    ----------
    reader : LabelReader
        Its classes are `TrainingData.label_classes`, in their order.
    boxes : tuple of ((z, y, x), (z, y, x))
        Boxes lo <= voxel < hi on the image's grid that hold all labelled voxels: where strokes
        were painted, section by section or chunk by chunk, or one box where all is labelled.
    source : str
        File or folder that they come from, for sentences.
    version : int
        Grows with every change, so that a running training takes only news.
    stamps : tuple
        For each box what differs, compared by ==, once its labels do: others need not be read
        again. Empty: nobody knows.
    whole : frozenset of int
        Objects that are labelled to their border: what lies beside them is not of them, also where
        nothing is labelled.
    """

    reader: LabelReader
    boxes: tuple[tuple[Triple, Triple], ...]
    source: str
    version: int = 0
    stamps: tuple[object, ...] = ()
    whole: frozenset[int] = frozenset()
