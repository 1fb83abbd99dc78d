"""Names of tomograms and membranes: fit for a file name, and unique in a project."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

_SUFFIXES = re.compile(
    r"(\.(mrc|rec|map|mrcs|st|ali|tiff?|hdf5|hdf|h5|zarr|ome|gz|bz2|obj|ply|stl|vtp|vtk"
    r"|txt|json|png|jpe?g|bmp))+$",
    re.IGNORECASE,
)
_UNFIT = re.compile(r"[^\w.\-]+")


def tomogram_stem(path: str) -> str:
    """Return the name of a file or address without suffixes of volumes, pictures and meshes.

    `data/TS_01.rec.gz` gives `TS_01`. A part that is named stays apart from the others of its
    file: `a.h5::/data/set` gives `a_data_set`, `a.ome.zarr::1` gives `a_1`.
    """
    place, _, inner = path.partition("::")
    name = PurePosixPath(place.rstrip("/")).name
    parts = [_SUFFIXES.sub("", name) or name, *(p for p in inner.split("/") if p)]
    return "_".join(parts)


def safe_name(text: str) -> str:
    """Return a name that is also a file name everywhere.

    Raises
    ------
    TomoscribeError
        If nothing usable is left.
    """
    name = _UNFIT.sub("_", _SUFFIXES.sub("", text) or text).strip("._ ")
    if not name:
        raise TomoscribeError(f"'{text}' is no name: use letters and digits.")
    return name


def claim_name(
    stem: str, given: str | None, kinds: Mapping[str, str], had: Iterable[str] = ()
) -> str:
    """Return the name of something new: the one that is given, or one made from `stem`.

    Parameters
    ----------
    stem : str
        Name of its file.
    given : str or None
        What the user calls it.
    kinds : mapping
        What there is, a tomogram or a membrane, by its name.
    had : iterable of str
        Names that were used before, and are avoided.

    Raises
    ------
    TomoscribeError
        If the given name is taken, or nothing usable is left of it.
    """
    wanted = safe_name(stem if given is None else given)
    if given is not None and wanted in kinds:
        raise TomoscribeError(
            f"The project has a {kinds[wanted]} '{wanted}' already: give another name."
        )
    return free_name(wanted, {*kinds, *had})


def free_name(name: str, taken: Container[str]) -> str:
    """Return `name`, or `name_2`, `name_3`, ..., whichever is free."""
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        candidate = f"{name}_{count}"
    return candidate
