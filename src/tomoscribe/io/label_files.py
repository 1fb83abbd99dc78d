"""Volumes of labels in files: which whole numbers they hold, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.arrays import LazyVolume
from tomoscribe.io.volumes import open_volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.io.arrays import LazyArray

_COUNTED = 1 << 16
"""Values below are counted in a table, which is many times as fast as sorting them."""


@dataclass(frozen=True)
class ValueCounts:
    """Values of a label volume in rising order, the number of voxels of each, and those NaN."""

    values: tuple[int, ...]
    counts: tuple[int, ...]
    unknown: int = 0

    def count(self, value: int) -> int:
        """Return the number of voxels of a value."""
        return dict(zip(self.values, self.counts, strict=True)).get(value, 0)


def count_values(address: str, stamp: int = 0) -> ValueCounts:
    """Read a label volume once, section by section, and count its values.

    Parameters
    ----------
    address : str
        What `open_volume` takes.
    stamp : int
        Time of its last change: what was counted is remembered until it changes.

    Raises
    ------
    TomoscribeError
        If it cannot be read, or holds fractions: those are no labels.
    """
    return _counted(address, stamp)


@lru_cache(maxsize=256)
def _counted(address: str, stamp: int) -> ValueCounts:
    data = open_volume(address).data
    total: dict[int, int] = {}
    unknown = 0
    for z in range(data.shape[0]):
        section, missing = whole_numbers(np.asarray(data[z]), address)
        unknown += missing
        for value, count in zip(*_unique(section), strict=True):
            total[int(value)] = total.get(int(value), 0) + int(count)
    require_numbers(data)
    total[0] = total.get(0, 0) - unknown  # NaN was counted as 0
    kept = sorted((v, n) for v, n in total.items() if n > 0)
    return ValueCounts(tuple(v for v, _ in kept), tuple(n for _, n in kept), unknown)


class LabelArray(LazyVolume):
    """Labels of a file as whole numbers, of which parts are read when it is sliced; NaN is 0.

    Slicing raises `TomoscribeError` where they are fractions, colours, or below 0.

    Parameters
    ----------
    data : LazyArray
        What the file holds.
    address : str
        Of the file, for sentences.
    """

    def __init__(self, data: LazyArray, address: str) -> None:
        self.shape = data.shape
        self.dtype = np.dtype(np.int32) if data.dtype.kind == "f" else data.dtype
        self._data = data
        self._address = address

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        values, _ = whole_numbers(np.asarray(self._data[key]), self._address)
        require_numbers(self._data)
        if values.min(initial=0) < 0:
            raise TomoscribeError(
                f"{self._address} has labels below 0: objects are numbered from 1."
            )
        return values


def require_numbers(data: LazyArray) -> None:
    """Check that what was read until now came from no pictures in colours.

    Raises
    ------
    TomoscribeError
        If it did: the grey that was made of them is no label.
    """
    coloured = sorted(getattr(data, "coloured", ()))
    if coloured:
        raise TomoscribeError(
            f"{coloured[0]} is in colours: labels are whole numbers, one for each class or object; "
            "save it as a grey picture or one with a palette."
        )


def whole_numbers(values: NDArray[np.generic], address: str) -> tuple[NDArray[np.integer], int]:
    """Return label values as whole numbers, NaN as 0, and how many are NaN.

    Raises
    ------
    TomoscribeError
        If some are fractions.
    """
    if values.dtype.kind == "b":
        return values.astype(np.uint8), 0
    if values.dtype.kind in "iu":
        return values, 0  # type: ignore[return-value]
    missing = np.isnan(values)
    finite = np.where(missing, 0, values)
    odd = finite != np.rint(finite)
    if odd.any() or np.abs(finite).max(initial=0) > np.iinfo(np.int32).max:
        value = finite[odd].flat[0] if odd.any() else np.abs(finite).max()
        raise TomoscribeError(
            f"{address} holds {value:g}, which is no label: labels are whole numbers; of a "
            "probability map, make them by a threshold first."
        )
    return finite.astype(np.int32), int(missing.sum())


def _unique(section: NDArray[np.integer]) -> tuple[NDArray[np.integer], NDArray[np.int64]]:
    if section.size and section.min() >= 0 and section.max() < _COUNTED:
        table = np.bincount(section.ravel().astype(np.int64, copy=False))
        present = np.flatnonzero(table)
        return present, table[present]
    values, counts = np.unique(section, return_counts=True)
    return values, counts
