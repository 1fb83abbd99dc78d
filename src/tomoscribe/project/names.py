"""Names of tomograms: fit for a file name, and unique in a project."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from collections.abc import Container

_SUFFIXES = re.compile(
    r"(\.(mrc|rec|map|mrcs|st|ali|tiff?|hdf5|hdf|h5|zarr|ome|gz|bz2))+$", re.IGNORECASE
)
_UNFIT = re.compile(r"[^\w.\-]+")


def tomogram_stem(path: str) -> str:
    """Return the name of a tomogram's file or address without the suffixes of volumes.

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
        raise TomoscribeError(f"'{text}' is no name for a tomogram: use letters and digits.")
    return name


def free_name(name: str, taken: Container[str]) -> str:
    """Return `name`, or `name_2`, `name_3`, ..., whichever is free."""
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        candidate = f"{name}_{count}"
    return candidate
