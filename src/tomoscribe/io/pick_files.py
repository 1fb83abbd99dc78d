"""One way to read and to write picks: the suffix and content choose the format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_columns import Flavour, NeedsTomogramError, PickColumns, check_inside
from tomoscribe.io.pick_formats import (
    PICK_SUFFIXES,
    STAR_WRITER,
    WRITABLE,
    format_of,
    reader_of,
    writer_of,
)

if TYPE_CHECKING:
    from tomoscribe.coords import Geometry

__all__ = [
    "Flavour",
    "PickColumns",
    "check_inside",
    "counts_in_A",
    "is_pick_file",
    "read_picks",
    "write_picks",
]

_PICKLES = (".tloc", ".temb", ".pkl", ".pickle")


def is_pick_file(path: str | Path) -> bool:
    """Return whether a file that exists holds picks, by its suffix and, if need be, content."""
    return format_of(Path(path)) is not None


def read_picks(path: str | Path, *, geometry: Geometry | None = None) -> PickColumns:
    """Read picks, with positions in voxels of their tomogram.

    Parameters
    ----------
    path : str or Path
        Of any format in `pick_formats.FORMATS`.
    geometry : Geometry or None
        Of the tomogram. Needed for coordinates in Å; with it, coordinates in pixels of
        another size are scaled, which a note tells.

    Raises
    ------
    TomoscribeError
        If the file is missing, broken, without positions, of a format that is not read,
        or in Å while the geometry or its voxel size is unknown.
    """
    place = Path(path)
    _refuse(place)
    try:
        reader = reader_of(place)
        if reader is None:
            raise TomoscribeError(
                f"{place} is not a file of picks: {', '.join(PICK_SUFFIXES)} are read."
            )
        columns: PickColumns = reader(place, geometry)
        return columns
    except OSError as error:
        raise TomoscribeError(f"{place} cannot be read: {error.strerror or error}.") from error


def counts_in_A(path: str | Path) -> bool:
    """Return whether a file of picks says that it counts in Å, in the frame of the origin.

    Raises
    ------
    TomoscribeError
        If it is missing, broken or of a format that is not read.
    """
    try:
        read_picks(path)
    except NeedsTomogramError as error:
        return error.unit == "Å"
    return False


def write_picks(
    path: str | Path,
    columns: PickColumns,
    *,
    geometry: Geometry,
    tomogram_name: str,
    flavour: Flavour,
    tilt_series_pixel_size_A: float | None = None,
) -> None:
    """Write picks atomically.

    Parameters
    ----------
    path : str or Path
        Target.
    columns : PickColumns
        Picks in voxels.
    geometry : Geometry
        Of their tomogram. Its voxel size is needed by every RELION flavour.
    tomogram_name : str
        Written for picks that `columns.tomogram` does not name.
    flavour : str
        One of `pick_formats.WRITABLE`.
    tilt_series_pixel_size_A : float or None
        Pixel size of the unbinned tilt series, in which RELION 4 counts. By default the
        tomogram counts as unbinned.

    Raises
    ------
    TomoscribeError
        If the voxel size is needed and unknown, or the disk refuses.
    """
    arguments: tuple[object, ...] = (Path(path), columns, geometry, tomogram_name)
    if WRITABLE[flavour].writer == STAR_WRITER:
        arguments = (*arguments, flavour, tilt_series_pixel_size_A)
    writer_of(flavour)(*arguments)


def _refuse(place: Path) -> None:
    """Raise the sentence for what is no pick file of ours."""
    if not place.exists():
        raise TomoscribeError(f"There is no file {place}.")
    if not place.is_file():
        raise TomoscribeError(f"{place} is a folder, not a file of picks.")
    suffix = place.suffix.lower()
    if suffix in _PICKLES or _is_pickle(place):
        raise TomoscribeError(
            f"{place} is a Python pickle, which could run any program when read: "
            "export the picks as STAR or CSV instead."
        )


def _is_pickle(place: Path) -> bool:
    with place.open("rb") as file:
        head = file.read(2)
    return len(head) == 2 and head[0] == 0x80 and head[1] <= 5
