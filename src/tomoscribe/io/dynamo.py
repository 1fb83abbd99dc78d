"""Dynamo tables (.tbl), and the table maps (.doc) that name their tomograms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dynamotable
import numpy as np
import pandas as pd

from tomoscribe.coords import dynamo_to_relion, relion_to_dynamo, xyz_to_zyx, zyx_to_xyz
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import atomic_path, write_text_atomic
from tomoscribe.io.numbered import (
    angles_to_write,
    known_scores,
    names_of_classes,
    numbers_of_classes,
    numbers_of_tomograms,
    read_angles,
    scores_or,
)
from tomoscribe.io.pick_columns import PickColumns

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.coords import Geometry

_POSITION = ("x", "y", "z")
_SHIFT = ("dx", "dy", "dz")
_ANGLES = ("tdrot", "tilt", "narot")
_COLUMNS = 26
"""A table without positions has fewer."""
_WRITTEN = 35
_CORNER = 0.5
"""Dynamo counts from the corner of the first voxel, not from its centre (wiki, Volume center)."""


def read_dynamo(path: Path, geometry: Geometry | None = None) -> PickColumns:
    """Read a table, with shifts applied, in voxels; tomograms are named by a map beside it.

    Of complex numbers, which some columns of others hold, the real part counts.

    Raises
    ------
    TomoscribeError
        If it is no table of numbers, or has no columns of positions.
    """
    try:
        table = dynamotable.read(str(path))
    except OSError:
        raise
    except pd.errors.EmptyDataError:
        return PickColumns(np.zeros((0, 3)), notes=(f"{path.name} holds no picks.",))
    except Exception as error:  # pandas' parsers raise many kinds
        raise TomoscribeError(f"{path} is not a Dynamo table: its rows differ.") from error
    if table.shape[1] < _COLUMNS:
        raise TomoscribeError(
            f"{path} has {table.shape[1]} columns; a Dynamo table with positions has at least 26."
        )
    position, shift = _numbers(path, table, _POSITION), _numbers(path, table, _SHIFT)
    angles = _numbers(path, table, _ANGLES)
    normals, turns = read_angles(angles, dynamo_to_relion)
    tomograms = _numbers(path, table, ("tomo",))[:, 0]
    names = _map_beside(path)
    return PickColumns(
        zyx=xyz_to_zyx(position + shift - _CORNER),
        class_names=names_of_classes(_numbers(path, table, ("class",))[:, 0]),
        scores=known_scores(_numbers(path, table, ("cc",))[:, 0]),
        normals_zyx=normals,
        angles_deg=turns,
        tomogram=[names.get(int(n), f"{n:.0f}") for n in tomograms] if tomograms.any() else None,
    )


def _numbers(path: Path, table: pd.DataFrame, names: tuple[str, ...]) -> NDArray[np.float64]:
    columns = []
    for name in names:
        values = np.array([_real(v) for v in table[name]], dtype=np.float64)
        bad = np.flatnonzero(~np.isfinite(values))
        if len(bad):
            said = table[name].iloc[bad[0]]
            raise TomoscribeError(
                f"Particle {bad[0] + 1} of {path} has '{said}' as {name} where a number must be."
            )
        columns.append(values)
    return np.stack(columns, axis=1)


def _real(value: Any) -> float:
    try:
        return complex(str(value).replace("i", "j")).real
    except ValueError:
        return float("nan")


def _map_beside(path: Path) -> dict[int, str]:
    """Return tomogram names by number from the table map beside a table, if there is one."""
    for name in (f"{path.stem}.doc", f"{path.stem}_tomograms.doc", "indices_column20.doc"):
        place = path.with_name(name)
        if place.is_file():
            rows = [
                line.split(maxsplit=1) for line in place.read_text("utf-8", "replace").splitlines()
            ]
            return {int(r[0]): r[1].strip() for r in rows if len(r) == 2 and r[0].isdigit()}
    return {}


def write_dynamo(path: Path, columns: PickColumns, geometry: Geometry, tomogram_name: str) -> None:
    """Write a table of 35 columns, and the map of its tomograms beside it, atomically.

    Raises
    ------
    TomoscribeError
        If the disk refuses.
    """
    count = len(columns)
    all_names = list(dynamotable.constants.COLUMN_NAME_TO_COLUMN_NUMBER)[:_WRITTEN]
    table = pd.DataFrame({name: np.zeros(count) for name in all_names})
    table["tag"] = np.arange(1, count + 1)
    table["aligned_value"] = table["averaged_value"] = 1
    table[list(_POSITION)] = zyx_to_xyz(columns.zyx) + _CORNER
    table[list(_ANGLES)] = angles_to_write(columns, relion_to_dynamo)
    table["cc"] = scores_or(columns)
    tomograms = numbers_of_tomograms(columns, tomogram_name)
    table["tomo"] = tomograms
    table["class"] = numbers_of_classes(columns)
    with atomic_path(path) as temporary:
        np.savetxt(temporary, table.to_numpy(dtype=np.float64), fmt="%.9g", encoding="ascii")
    names = columns.tomogram or [tomogram_name] * count
    by_number = dict(zip(tomograms.tolist(), names, strict=True))
    text = "".join(f"{number} {name}\n" for number, name in sorted(by_number.items()))
    write_text_atomic(path.with_suffix(".doc"), text)
