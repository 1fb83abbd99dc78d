"""Labels of a volume whose values number classes or objects, in the form of all trainings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.io.label_files import whole_numbers
from tomoscribe.io.volumes import open_volume
from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.segmentation.renumber import object_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tomoscribe.io.arrays import LazyArray
    from tomoscribe.segmentation.labels import Triple


@dataclass(frozen=True)
class ValueMeaning:
    """What the values of label volumes mean.

    Parameters
    ----------
    class_of : mapping of int to int, or None
        Index of the class by value; None: each value, but those below, is an object of the
        first class.
    class_count : int
        Number of classes.
    background, unlabelled : int or None
        Value of what is of no class, and of what nobody has labelled.
    objects : bool
        Whether objects keep their numbers; else each voxel of a class is 1.
    """

    class_of: Mapping[int, int] | None
    class_count: int
    background: int | None
    unlabelled: int | None
    objects: bool


class ValueLabels:
    """Reads a label volume that lies in a file.

    Parameters
    ----------
    address : str
        What `open_volume` takes; it is opened at the first reading.
    meaning : ValueMeaning
        What its values mean. A value that means nothing is not labelled.
    """

    def __init__(self, address: str, meaning: ValueMeaning) -> None:
        self._address = address
        self._meaning = meaning
        self._data: LazyArray | None = None

    def read(self, lo_zyx: Triple, hi_zyx: Triple) -> NDArray[np.int32]:
        """Return the labels of a box as (class, z, y, x); see `labels.LabelReader`."""
        if self._data is None:
            self._data = open_volume(self._address).data
        size = [b - a for a, b in zip(lo_zyx, hi_zyx, strict=True)]
        result = np.full((self._meaning.class_count, *size), UNKNOWN, dtype=np.int32)
        parts, places = [], []
        for a, b, n in zip(lo_zyx, hi_zyx, self._data.shape, strict=True):
            begin, end = max(a, 0), min(b, n)
            if begin >= end:
                return result
            parts.append(slice(begin, end))
            places.append(slice(begin - a, end - a))
        values = np.asarray(self._data[tuple(parts)])
        result[(slice(None), *places)] = labels_of_file(values, self._meaning, self._address)
        return result


def labels_of_file(
    values: NDArray[np.generic], meaning: ValueMeaning, address: str
) -> NDArray[np.int32]:
    """Return values (z, y, x) of a label volume as (class, z, y, x) int32; NaN is unlabelled.

    Raises
    ------
    TomoscribeError
        If some are fractions.
    """
    numbers, missing = whole_numbers(values, address)
    present, inverse = np.unique(numbers, return_inverse=True)
    table = np.full((meaning.class_count, len(present)), UNKNOWN, dtype=np.int32)
    objects = object_numbers(present)
    for column, value in enumerate(present.tolist()):
        row = 0 if meaning.class_of is None else meaning.class_of.get(value, -1)
        if value == meaning.unlabelled:
            continue
        if value == meaning.background:
            table[:, column] = 0
        elif row >= 0:
            table[:, column] = 0
            table[row, column] = objects[column] if meaning.objects else 1
    labels: NDArray[np.int32] = table[:, inverse.reshape(numbers.shape)]
    if missing:
        labels[:, np.isnan(values)] = UNKNOWN
    return labels
