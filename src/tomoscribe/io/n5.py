"""n5, which zarr-python reads no more since its version 3: told wherever a path leads to it."""

from __future__ import annotations

from pathlib import Path

from tomoscribe.errors import TomoscribeError

_KEYS = ('"n5"', '"blockSize"')
"""Keys in the metadata of a container, and of an array in it."""


def is_n5(place: str) -> bool:
    """Return whether a folder or address is named as n5, or has n5's metadata."""
    if any(part.endswith(".n5") for part in place.lower().split("/")):
        return True
    metadata = Path(place) / "attributes.json"
    if not metadata.is_file():
        return False
    told = metadata.read_text(encoding="utf-8", errors="replace")
    return any(key in told for key in _KEYS)


def refused(place: str, named: str = "") -> TomoscribeError:
    """Return the sentence about a place that is n5, and about where it is named, if in a file."""
    return TomoscribeError(
        f"{place}{named} is n5, which zarr-python reads no more since its version 3: convert it "
        "to OME-Zarr, as Fiji does (File > Import, then File > Save As: HDF5/N5/Zarr/OME-NGFF)."
    )
