"""What the numbers in a painting mean, and what a training is told of them.

0 is not labelled, 1 is background, 2 to 63 are classes painted with the brush, and from
`FIRST_OBJECT` on each number is one object, whose class a table tells. A class keeps its value
for good, so that taking one away or moving it changes nothing that was painted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.segmentation.labels import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from tomoscribe.segmentation.labels import Triple

UNLABELLED = 0
BACKGROUND = 1
FIRST_CLASS = 2
FIRST_OBJECT = 64
MAX_VALUE = 65_535
"""Paintings are held in 16 bits: half the memory and disk of 32, and quick to show."""

DTYPE = np.dtype(np.uint16)

Box = tuple["Triple", "Triple"]


def labels_of_values(
    values: NDArray[np.integer],
    class_values: Sequence[int],
    objects: Mapping[int, int],
    complete: NDArray[np.bool_] | None = None,
) -> NDArray[np.int32]:
    """Return what painted values say of each class, in the form of `segmentation.labels`.

    A voxel of one class is known not to be of the others.

    Parameters
    ----------
    values : (z, y, x) array of int
        Painted values.
    class_values : sequence of int
        The value of each class.
    objects : mapping of int to int
        The value of its class by the number of an object. Objects and values of other classes
        say nothing.
    complete : (class, z, y, x) array of bool, optional
        Where the user declares the painting of a class complete: there, what is not labelled is
        background.

    Returns
    -------
    (class, z, y, x) array of int32
        Objects keep their number; voxels of the brush get 1.
    """
    present, inverse = np.unique(values, return_inverse=True)
    table = np.full((len(class_values), len(present)), UNKNOWN, dtype=np.int32)
    for column, value in enumerate(present.tolist()):
        of_class = objects.get(value, 0) if value >= FIRST_OBJECT else value
        if of_class == BACKGROUND:
            table[:, column] = 0
        elif of_class in class_values:
            table[:, column] = 0
            row = class_values.index(of_class)
            table[row, column] = value if value >= FIRST_OBJECT else 1
    labels: NDArray[np.int32] = table[:, inverse.reshape(values.shape)]
    if complete is not None:
        labels[complete & (labels == UNKNOWN) & (values == UNLABELLED)] = 0
    return labels


def inside(boxes: Iterable[Box], lo_zyx: Triple, hi_zyx: Triple) -> NDArray[np.bool_]:
    """Return which voxels of a box, lo <= voxel < hi, lie in any of `boxes`, as (z, y, x) bool."""
    result = np.zeros([h - a for a, h in zip(lo_zyx, hi_zyx, strict=True)], dtype=bool)
    for lo, hi in boxes:
        # A box that begins above this one must not count from its end.
        parts = [
            slice(max(a - o, 0), max(b - o, 0)) for a, b, o in zip(lo, hi, lo_zyx, strict=True)
        ]
        result[tuple(parts)] = True
    return result
