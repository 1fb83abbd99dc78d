"""What lists that know numbers only have in common: classes, tomograms and angles of picks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.coords import normals_to_relion, relion_to_orientation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from tomoscribe.io.pick_columns import PickColumns

_CLASS = re.compile(r"class_(\d+)")


def names_of_classes(numbers: NDArray[np.float64]) -> list[str] | None:
    """Return `class_<number>` a pick where there are several classes, else None.

    A single class is what programs write that know of none.
    """
    if len(np.unique(numbers)) < 2:
        return None
    return [f"class_{number:.0f}" for number in numbers]


def numbers_of_classes(columns: PickColumns) -> NDArray[np.int64]:
    """Return a class number for each pick (N,): those of `class_<number>`, else 1, 2, ..."""
    if columns.class_names is None:
        return np.ones(len(columns), dtype=np.int64)
    order = columns.class_order or ()
    return _numbers([*order, *columns.class_names], _CLASS)[len(order) :]


def numbers_of_tomograms(columns: PickColumns, tomogram_name: str) -> NDArray[np.int64]:
    """Return a number for each pick (N,): the last one in its tomogram's name, else 1, 2, ..."""
    return _numbers(columns.tomogram or [tomogram_name] * len(columns), re.compile(r".*?(\d+)\D*"))


def _numbers(names: Sequence[str], pattern: re.Pattern[str]) -> NDArray[np.int64]:
    """Return the numbers that the pattern finds in names, if that tells all names apart."""
    distinct = list(dict.fromkeys(names))
    found = [pattern.fullmatch(name) for name in distinct]
    numbers = [int(match.group(1)) for match in found if match is not None]
    # A number beyond 2^24 would not survive in the float32 of a motive list.
    if len(set(numbers)) < len(distinct) or max(numbers, default=0) >= 2**24:
        numbers = list(range(1, len(distinct) + 1))
    by_name = dict(zip(distinct, numbers, strict=True))
    return np.array([by_name[name] for name in names], dtype=np.int64)


def known_scores(scores: NDArray[np.float64], unknown: float = 0.0) -> NDArray[np.float64] | None:
    """Return scores, or None if all are what programs write that have none."""
    return None if np.all(scores == unknown) else scores


def read_angles(
    angles_deg: NDArray[np.float64], to_relion: Callable[[ArrayLike], NDArray[np.float64]]
) -> tuple[NDArray[np.float64] | None, NDArray[np.float64] | None]:
    """Return normals (N, 3) z y x and rotations about them (N,) in degrees of Euler angles.

    Three zeros are what programs write that know of no orientation: NaN, and None for both
    where no pick has one.
    """
    given = angles_deg.any(axis=1)
    if not given.any():
        return None, None
    normals, turns = relion_to_orientation(to_relion(angles_deg))
    normals[~given], turns[~given] = np.nan, np.nan
    return normals, turns


def angles_to_write(
    columns: PickColumns, from_relion: Callable[[ArrayLike], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return Euler angles (N, 3) in degrees, three zeros for picks without an orientation."""
    if columns.normals_zyx is None:
        return np.zeros((len(columns), 3))
    angles = from_relion(normals_to_relion(columns.normals_zyx, columns.angles_deg))
    angles[~oriented(columns)] = 0.0
    return angles


def oriented(columns: PickColumns) -> NDArray[np.bool_]:
    """Return which picks (N,) have a normal."""
    if columns.normals_zyx is None:
        return np.zeros(len(columns), dtype=bool)
    return np.asarray(np.isfinite(columns.normals_zyx).all(axis=1))


def scores_or(columns: PickColumns, unknown: float = 0.0) -> NDArray[np.float64]:
    """Return scores (N,), with `unknown` where there is none."""
    if columns.scores is None:
        return np.full(len(columns), unknown)
    return np.where(np.isnan(columns.scores), unknown, columns.scores)
