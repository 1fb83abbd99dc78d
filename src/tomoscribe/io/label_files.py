"""Volumes of labels in files: which whole numbers they hold, and how often."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.arrays import LazyVolume
from tomoscribe.io.volumes import Volume, open_volume

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.io.arrays import LazyArray

_COUNTED = 1 << 16
"""Values below are counted in a table, which is many times as fast as sorting them."""
_ALIKE, _FEW_VALUES = 0.5, 16
"""Share of neighbours above 0 that are equal: 0.94 and more in labels of neurons, supervoxels and
chloroplasts, 0.39 and less in electron micrographs. Few values may be classes, however fine."""


@dataclass(frozen=True)
class ValueCounts:
    """Values of a label volume in rising order, the number of voxels of each, and those NaN.

    `sections` are its sections, `empty` of them hold nothing but 0 and NaN.
    """

    values: tuple[int, ...]
    counts: tuple[int, ...]
    unknown: int = 0
    sections: int = 1
    empty: int = 0

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
    unknown = empty = 0
    for z in range(data.shape[0]):
        section, missing = whole_numbers(np.asarray(data[z]), address)
        unknown += missing
        empty += not section.any()
        for value, count in zip(*_unique(section), strict=True):
            total[int(value)] = total.get(int(value), 0) + int(count)
    require_numbers(data)
    total[0] = total.get(0, 0) - unknown  # NaN was counted as 0
    kept = sorted((v, n) for v, n in total.items() if n > 0)
    values, counts = tuple(v for v, _ in kept), tuple(n for _, n in kept)
    return ValueCounts(values, counts, unknown, data.shape[0], empty)


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
        read_as: dict[str, np.dtype[Any]] = {"f": np.dtype(np.int32), "b": np.dtype(np.uint8)}
        self.dtype = read_as.get(data.dtype.kind, data.dtype)
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


@dataclass(frozen=True)
class LabelVolume:
    """Whole numbers (Z, Y, X), where they are missing (NaN), and voxel edges; None: unknown."""

    path: str
    values: NDArray[np.integer[Any]]
    missing: NDArray[np.bool_] | None
    voxel_size_zyx_nm: tuple[float, float, float] | None

    @classmethod
    def of(
        cls, raw: NDArray[Any], path: str, voxel_size_zyx_nm: tuple[float, float, float] | None
    ) -> LabelVolume:
        """Return the labels of an array, of which NaN is missing.

        Raises
        ------
        TomoscribeError
            If it is no volume, or holds fractions.
        """
        if raw.ndim != 3:
            raise TomoscribeError(f"{path} has {raw.ndim} axes, not z, y, x.")
        values, missing = whole_numbers(raw, path)
        return cls(path, values, np.isnan(raw) if missing else None, voxel_size_zyx_nm)

    def require_voxel_size(self) -> tuple[float, float, float]:
        """Return the voxel edges z y x in nm.

        Raises
        ------
        TomoscribeError
            If they are unknown.
        """
        if self.voxel_size_zyx_nm is None:
            raise _unknown_size(self.path)
        return self.voxel_size_zyx_nm


def open_labels(
    path: str, voxel_size_zyx_nm: tuple[float, float, float] | None = None
) -> LabelVolume:
    """Read a label volume; the voxel edges that are given count over the file's.

    Raises
    ------
    TomoscribeError
        If it cannot be read, or holds fractions or colours.
    """
    volume = open_volume(path)
    raw = np.asarray(volume.data[...])
    require_numbers(volume.data)
    return LabelVolume.of(raw, path, voxel_size_zyx_nm or _edges_nm(volume))


def open_label_array(
    path: str, voxel_size_zyx_nm: tuple[float, float, float] | None = None
) -> tuple[LabelArray, tuple[float, float, float]]:
    """Open a label volume of which parts are read, and return its voxel edges z y x in nm, too.

    Raises
    ------
    TomoscribeError
        If it cannot be opened, is a grey image, or nothing tells the edges.
    """
    volume = open_volume(path)
    labels = LabelArray(volume.data, path)
    middle = labels[labels.shape[0] // 2]
    if _is_grey(middle):
        raise TomoscribeError(
            f"{path} is a grey image, no labels: its {len(np.unique(middle))} values in the middle "
            "section change from pixel to pixel. Name a file whose values number objects or "
            "classes, as `tomoscribe decode` writes."
        )
    size = voxel_size_zyx_nm or _edges_nm(volume)
    if size is None:
        raise _unknown_size(path)
    return labels, size


def _is_grey(section: NDArray[np.integer]) -> bool:
    """Tell whether a section (y, x) has many values and neighbours are seldom equal."""
    left, right = section[:, :-1], section[:, 1:]
    both = (left != 0) & (right != 0)
    if not both.any() or float((left == right)[both].mean()) >= _ALIKE:
        return False
    return len(np.unique(section)) > _FEW_VALUES


def _edges_nm(volume: Volume) -> tuple[float, float, float] | None:
    sizes = volume.voxel_sizes_zyx_A
    return None if sizes is None else (sizes[0] / 10, sizes[1] / 10, sizes[2] / 10)


def _unknown_size(path: str) -> TomoscribeError:
    return TomoscribeError(
        f"The voxel size of {path} is unknown: give it in nm with --voxel-size-nm."
    )


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
