"""Label volumes that commands are given: whole numbers and voxel sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from tomoscribe.cli.voxel_source import parse_edges_nm
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.label_files import LabelArray, require_numbers, whole_numbers
from tomoscribe.io.volumes import Volume, open_volume

ClassOfValue = Annotated[
    list[str] | None,
    typer.Option(
        "--class",
        metavar="VALUE=NAME",
        help="Class of a label value, as 1=mito; once for each. Where values number objects: "
        "the one NAME of their class. With --challenge: the NAME of its files.",
        show_default=False,
    ),
]
VoxelSizeNm = Annotated[
    str | None,
    typer.Option(
        "--voxel-size-nm",
        metavar="Z,Y,X",
        help="Voxel edges in nm, or one for all, where the file does not tell them.",
        show_default="from the file",
    ),
]


@dataclass(frozen=True)
class LabelVolume:
    """Whole numbers (Z, Y, X), where they are missing (NaN), and voxel edges; None: unknown."""

    path: str
    values: NDArray[np.integer[Any]]
    missing: NDArray[np.bool_] | None
    voxel_size_zyx_nm: tuple[float, float, float] | None

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


def open_label_array(
    path: str, voxel_size_nm: str | None = None
) -> tuple[LabelArray, tuple[float, float, float]]:
    """Open a label volume of which parts are read, and return its voxel edges z y x in nm, too.

    Raises
    ------
    TomoscribeError
        If it cannot be opened, or nothing tells the edges.
    """
    volume = open_volume(path)
    size = _voxel_size_nm(volume, voxel_size_nm)
    if size is None:
        raise _unknown_size(path)
    return LabelArray(volume.data, path), size


def open_labels(path: str, voxel_size_nm: str | None = None) -> LabelVolume:
    """Read a label volume.

    Raises
    ------
    TomoscribeError
        If it cannot be read, or holds fractions or colours.
    """
    volume = open_volume(path)
    raw = np.asarray(volume.data[...])
    require_numbers(volume.data)
    values, missing = whole_numbers(raw, path)
    size = _voxel_size_nm(volume, voxel_size_nm)
    return LabelVolume(path, values, np.isnan(raw) if missing else None, size)


def _voxel_size_nm(volume: Volume, given: str | None) -> tuple[float, float, float] | None:
    if given is not None:
        return parse_edges_nm(given)
    sizes = volume.voxel_sizes_zyx_A
    return None if sizes is None else (sizes[0] / 10, sizes[1] / 10, sizes[2] / 10)


def _unknown_size(path: str) -> TomoscribeError:
    return TomoscribeError(
        f"The voxel size of {path} is unknown: give it in nm with --voxel-size-nm."
    )


def classes_by_value(given: list[str]) -> dict[int, str]:
    """Return class names by label value from `VALUE=NAME`, or names alone for 1, 2, ...

    Raises
    ------
    TomoscribeError
        If a value is no number above 0, or told twice.
    """
    classes: dict[int, str] = {}
    for place, text in enumerate(given, start=1):
        value, equals, name = text.partition("=")
        if not equals:
            value, name = str(place), text
        if not value.strip().isdigit() or not int(value) or not name.strip():
            raise TomoscribeError(f"'{text}' is no class of a label value: write it as 1=mito.")
        if int(value) in classes:
            raise TomoscribeError(f"The class of label value {int(value)} is told twice.")
        classes[int(value)] = name.strip()
    return classes
