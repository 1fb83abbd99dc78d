"""One way to read and to write picks: the suffix and content choose the format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_columns import Flavour, PickColumns, check_inside

if TYPE_CHECKING:
    from tomoscribe.coords import Geometry

__all__ = ["Flavour", "PickColumns", "check_inside", "is_pick_file", "read_picks", "write_picks"]

TABLES = (".csv", ".tsv", ".txt", ".coords")
STARS = (".star",)
_PICKLES = (".tloc", ".temb", ".pkl", ".pickle")
_NOT_YET = {
    ".mod": "an IMOD model",
    ".tbl": "a Dynamo table",
    ".em": "an EM file",
    ".box": "an EMAN box file",
    ".cbox": "a crYOLO box file",
    ".json": "a JSON file",
    ".ndjson": "a JSON file",
    ".xml": "an XML file",
}


def is_pick_file(path: str | Path) -> bool:
    """Return whether `read_picks` reads files of this suffix."""
    return Path(path).suffix.lower() in (*STARS, *TABLES)


def read_picks(path: str | Path, *, geometry: Geometry | None = None) -> PickColumns:
    """Read picks, with positions in voxels of their tomogram.

    Parameters
    ----------
    path : str or Path
        STAR (RELION 3.0, 3.1, 4, 5, Warp), CSV, TSV or TXT.
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
        if place.suffix.lower() in STARS:
            from tomoscribe.io.star import read_star

            return read_star(place, geometry)
        from tomoscribe.io.tables import read_table

        return read_table(place, geometry)
    except OSError as error:
        raise TomoscribeError(f"{place} cannot be read: {error.strerror or error}.") from error


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
        `relion3.0`, `relion3.1`, `relion4`: voxels; `relion5`: Å from the centre; `csv`, `txt`.
    tilt_series_pixel_size_A : float or None
        Pixel size of the unbinned tilt series, in which RELION 4 counts. By default the
        tomogram counts as unbinned.

    Raises
    ------
    TomoscribeError
        If the voxel size is needed and unknown, or the disk refuses.
    """
    if flavour in ("csv", "txt"):
        from tomoscribe.io.tables import write_table

        write_table(Path(path), columns, tomogram_name, flavour)
        return
    from tomoscribe.io.star import write_star

    write_star(Path(path), columns, geometry, tomogram_name, flavour, tilt_series_pixel_size_A)


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
    if suffix in _NOT_YET:
        raise TomoscribeError(
            f"{place} is {_NOT_YET[suffix]}, which is not read yet: "
            "export the picks as STAR or CSV."
        )
    if suffix not in (*STARS, *TABLES):
        raise TomoscribeError(f"{place} is not a file of picks: STAR, CSV, TSV and TXT are read.")


def _is_pickle(place: Path) -> bool:
    with place.open("rb") as file:
        head = file.read(2)
    return len(head) == 2 and head[0] == 0x80 and head[1] <= 5
