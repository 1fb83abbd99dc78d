"""Picks as arrays and data frames, in voxels or Å, on their way into a project and out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks.table import HUMAN, Edit, Pick, PickState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from tomoscribe.picks.table import PickTable

Unit = Literal["voxel", "angstrom"]

COLUMNS = (
    "tomogram", "id", "class", "z", "y", "x", "score", "normal_z", "normal_y", "normal_x",
    "angle_deg", "state", "source", "membrane",
)  # fmt: skip
"""Columns of a frame of picks; z y x are in voxels of the tomogram, 0 at the first one's centre."""

_IN_A = ("z_A", "y_A", "x_A")
_NORMAL = ("normal_z", "normal_y", "normal_x")


def frame_of(picks: Iterable[tuple[str, Pick, float]]) -> pd.DataFrame:
    """Return picks as a frame with `COLUMNS`, and z_A y_A x_A in Å from the first voxel's centre.

    Parameters
    ----------
    picks : iterable of (str, Pick, float)
        Tomogram, pick, and the tomogram's voxel size in Å.
    """
    nothing = (float("nan"),) * 3
    rows = [
        (
            name, p.id, p.class_name, *p.zyx, p.score, *(p.normal_zyx or nothing), p.angle_deg,
            str(p.state), p.source, p.membrane, *(v * size_A for v in p.zyx),
        )
        for name, p, size_A in picks
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=[*COLUMNS, *_IN_A])


def positions_of(
    picks: ArrayLike | pd.DataFrame, unit: Unit, voxel_size_A: float
) -> NDArray[np.float64]:
    """Return positions (N, 3) in voxels, z y x, of an array or a frame.

    Parameters
    ----------
    picks : (N, 3) array_like or DataFrame
        Of an array z y x in `unit`. A frame with columns z y x is in voxels, one with
        z_A y_A x_A in Å; where it has both, z y x count.
    unit : {"voxel", "angstrom"}
        Of an array; Å are counted from the first voxel's centre.
    voxel_size_A : float
        Of the tomogram.

    Raises
    ------
    TomoscribeError
        If there are no such columns, or the array has another shape or holds no numbers.
    """
    if unit not in ("voxel", "angstrom"):
        raise TomoscribeError(f"There is no unit '{unit}': give 'voxel' or 'angstrom'.")
    if isinstance(picks, pd.DataFrame):
        columns, in_A = [*"zyx"], False
        if not set(columns) <= set(picks.columns):
            columns, in_A = list(_IN_A), True
        if not set(columns) <= set(picks.columns):
            raise TomoscribeError(
                "A frame of picks needs the columns z, y, x (voxels) or z_A, y_A, x_A (Å); it has "
                f"{', '.join(map(str, picks.columns)) or 'none'}."
            )
        values = _floats(picks[columns])
        return values / voxel_size_A if in_A else values
    values = _floats(picks)
    if values.size == 0:
        return np.zeros((0, 3))
    if values.ndim != 2 or values.shape[1] != 3:
        raise TomoscribeError(
            f"Picks are an array of shape (N, 3), z y x; this one has the shape {values.shape}."
        )
    return values / voxel_size_A if unit == "angstrom" else values


def edit_of(
    table: PickTable,
    zyx: NDArray[np.float64],
    picks: ArrayLike | pd.DataFrame,
    class_name: str | None,
    known: Sequence[str],
) -> Edit:
    """Return the edit that adds picks with all that a frame tells of them.

    Parameters
    ----------
    table : PickTable
        What they are added to.
    zyx : (N, 3) array
        Positions in voxels.
    picks : array_like or DataFrame
        Of a frame the columns class, score, normal_z normal_y normal_x, angle_deg, state, source
        and membrane are taken where they are there.
    class_name : str or None
        Class of all; None: the column, else the project's only class.
    known : sequence of str
        Classes of the project.

    Raises
    ------
    TomoscribeError
        If a class is not the project's, or it is not told which one is meant, or a state is none.
    """
    if not np.isfinite(zyx).all():
        raise TomoscribeError("A position is not a number: leave picks without a place out.")
    frame = picks if isinstance(picks, pd.DataFrame) else pd.DataFrame(index=range(len(zyx)))
    columns = (
        table.new_ids(len(zyx)),
        map(_triple, zyx),
        _classes(frame, class_name, known),
        _numbers(frame, "score"),
        _normals(frame),
        _numbers(frame, "angle_deg"),
        _states(frame),
        _texts(frame, "source", HUMAN),
        _texts(frame, "membrane", ""),
    )
    return Edit(after=tuple(Pick(*values) for values in zip(*columns, strict=True)))


def _normals(frame: pd.DataFrame) -> list[tuple[float, float, float] | None]:
    if not set(_NORMAL) <= set(frame.columns):
        return [None] * len(frame)
    normals = _floats(frame[list(_NORMAL)])
    lengths = np.linalg.norm(normals, axis=1)
    # The length of what is not known is not a number, and so not above 0.
    return [_triple(n / s) if s > 0 else None for n, s in zip(normals, lengths, strict=True)]


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    z, y, x = (float(v) for v in values)
    return z, y, x


def _classes(frame: pd.DataFrame, class_name: str | None, known: Sequence[str]) -> list[str]:
    if class_name is None and "class" in frame.columns:
        names = [str(name) for name in frame["class"]]
    elif class_name is not None:
        names = [class_name] * len(frame)
    elif len(known) == 1:
        names = [known[0]] * len(frame)
    else:
        raise TomoscribeError(
            "Say which class the picks are of: "
            + (f"classes are {', '.join(known)}." if known else "add a class first.")
        )
    for name in dict.fromkeys(names):
        if name not in known:
            raise TomoscribeError(
                f"The project has no class '{name}': "
                + (f"its classes are {', '.join(known)}." if known else "add it first.")
            )
    return names


def _states(frame: pd.DataFrame) -> list[PickState]:
    try:
        return [PickState(text) for text in _texts(frame, "state", PickState.ACCEPTED)]
    except ValueError as error:
        states = ", ".join(PickState)
        raise TomoscribeError(f"{error}: states of picks are {states}.") from error


def _texts(frame: pd.DataFrame, column: str, default: str) -> list[str]:
    if column not in frame.columns:
        return [default] * len(frame)
    return [default if pd.isna(value) else str(value) for value in frame[column]]


def _numbers(frame: pd.DataFrame, column: str) -> list[float]:
    if column not in frame.columns:
        return [float("nan")] * len(frame)
    values: list[float] = _floats(frame[column]).tolist()
    return values


def _floats(values: ArrayLike | pd.DataFrame) -> NDArray[np.float64]:
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise TomoscribeError(f"Positions, scores and angles must be numbers: {error}.") from error
