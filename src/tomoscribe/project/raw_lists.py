"""MiLoPYP's two text lists: which image lies where, and where its particles are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.model import Role
from tomoscribe.project.names import free_name, safe_name
from tomoscribe.project.raw_samples import RawSample, volume_geometry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

IMAGE_COLUMNS = ("image_name", "rec_path")
COORDINATE_COLUMNS = ("image_name", "x_coord", "y_coord", "z_coord")

_ORDERS = {"x y z": (2, 1, 0), "x z y": (1, 2, 0), "z y x": (0, 1, 2)}
"""For each order that the three columns may really have: the columns of z, y and x."""
_FILE_ORDER = "x y z"


@dataclass(frozen=True)
class _Rows:
    """Rows of a list, with their line numbers for sentences."""

    path: Path
    values: list[tuple[int, dict[str, str]]]


def read_lists(
    images: Path, coordinates: Path, voxel_size_A: float | None = None
) -> tuple[list[RawSample], list[str]]:
    """Read MiLoPYP's lists; all tomograms train.

    Parameters
    ----------
    images : Path
        Tab-separated `image_name`, `rec_path`; a path is relative to the list or to the
        current folder.
    coordinates : Path
        Tab-separated `image_name`, `x_coord`, `y_coord`, `z_coord` in voxels.
    voxel_size_A : float or None
        Overrides the headers.

    Returns
    -------
    samples : list of RawSample
        One for each image that has coordinates.
    warnings : list of str
        How the order of the axes was read, and what was left out.

    Raises
    ------
    TomoscribeError
        If a list cannot be read, a volume is missing, or no name is in both lists.
    """
    volumes = _image_paths(images)
    points = _points_by_image(coordinates)
    names = [name for name in volumes if name in points]
    if not names:
        raise TomoscribeError(
            f"No image_name is in both {images} and {coordinates}: "
            "the names must be the same, without folder or suffix."
        )
    warnings = [
        f"Image '{n}' of {images} has no coordinates and is left out."
        for n in volumes
        if n not in points
    ]
    warnings += [
        f"Image '{n}' of {coordinates} is not in {images} and is left out."
        for n in points
        if n not in volumes
    ]
    geometries = [volume_geometry(str(volumes[n]), voxel_size_A) for n in names]
    order, note = _axis_order(
        [points[n] for n in names], [g.shape_zyx for g in geometries], coordinates
    )
    warnings.append(note)
    samples: list[RawSample] = []
    taken: set[str] = set()
    for name, geometry in zip(names, geometries, strict=True):
        own = free_name(safe_name(name), taken)
        taken.add(own)
        zyx = points[name][:, _ORDERS[order]]
        samples.append(
            RawSample(own, str(volumes[name]), Role.TRAIN, coordinates, zyx, None, geometry)
        )
    return samples, warnings


def _axis_order(
    points: Sequence[NDArray[np.float64]], shapes: Sequence[tuple[int, int, int]], path: Path
) -> tuple[str, str]:
    """Return the order of the columns that fits the volumes, and the sentence that tells it."""
    total = sum(len(p) for p in points)
    inside = {
        order: sum(
            int(
                np.all(
                    (p[:, columns] >= -0.5) & (p[:, columns] < np.array(shape) - 0.5), axis=1
                ).sum()
            )
            for p, shape in zip(points, shapes, strict=True)
        )
        for order, columns in _ORDERS.items()
    }
    best = max(inside, key=lambda order: (inside[order], order == _FILE_ORDER))
    others = [order for order in inside if order != best and inside[order] == inside[best]]
    if best != _FILE_ORDER:
        return best, (
            f"The columns of {path} are read as {best}: {inside[best]} of {total} positions lie "
            "inside their volume "
            f"that way, and {inside[_FILE_ORDER]} as x y z."
        )
    if others:
        return best, (
            f"The columns of {path} are read as x y z, as its header says; the positions would "
            "also fit as "
            f"{' or '.join(others)}: look at them once."
        )
    return (
        best,
        f"The columns of {path} are read as x y z: no other order fits the volumes as well.",
    )


def _image_paths(path: Path) -> dict[str, Path]:
    result: dict[str, Path] = {}
    for line, row in _read_rows(path, IMAGE_COLUMNS).values:
        name, place = row["image_name"], Path(row["rec_path"]).expanduser()
        candidates = [path.parent / place, Path.cwd() / place]
        found = next((c for c in candidates if c.exists()), None)
        if found is None:
            raise TomoscribeError(f"There is no file {place}, named in line {line} of {path}.")
        if name in result:
            raise TomoscribeError(f"{path} names the image '{name}' twice, again in line {line}.")
        result[name] = found
    if not result:
        raise TomoscribeError(f"{path} names no images.")
    return result


def _points_by_image(path: Path) -> dict[str, NDArray[np.float64]]:
    points: dict[str, list[tuple[float, float, float]]] = {}
    for line, row in _read_rows(path, COORDINATE_COLUMNS).values:
        try:
            x, y, z = (float(row[column]) for column in COORDINATE_COLUMNS[1:])
        except ValueError:
            raise TomoscribeError(
                f"Line {line} of {path} has a coordinate that is no number."
            ) from None
        points.setdefault(row["image_name"], []).append((x, y, z))
    return {name: np.array(rows) for name, rows in points.items()}


def _read_rows(path: Path, columns: tuple[str, ...]) -> _Rows:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise TomoscribeError(f"Cannot read {path} ({error.strerror or error}).") from error
    except UnicodeDecodeError as error:
        raise TomoscribeError(
            f"{path} is no text list with the columns {', '.join(columns)}."
        ) from error
    numbered = [(i, line) for i, line in enumerate(lines, 1) if line.strip()]
    header = _split(numbered[0][1]) if numbered else []
    missing = [c for c in columns if c not in header]
    if missing:
        raise TomoscribeError(
            f"{path} lacks the column {', '.join(missing)}: its first line must be "
            f"{' '.join(columns)}, tab-separated."
        )
    values = []
    for i, line in numbered[1:]:
        fields = _split(line)
        if len(fields) < len(header):
            raise TomoscribeError(
                f"Line {i} of {path} has {len(fields)} fields, not {len(header)}."
            )
        values.append((i, dict(zip(header, fields, strict=False))))
    return _Rows(path, values)


def _split(line: str) -> list[str]:
    # Tabs as MiLoPYP writes them; spaces where somebody made the list by hand.
    return [field.strip() for field in line.split("\t")] if "\t" in line else line.split()
