"""Names of the maps that a segmentation predicts, 0..1: decoders look for them by these names."""

from __future__ import annotations

from typing import Literal

MapKind = Literal["foreground", "contour", "distance", "affinity z", "affinity y", "affinity x"]


def map_name(class_name: str, kind: MapKind) -> str:
    """Return the name of a map: the class's own for its foreground, else `mito contour`."""
    return class_name if kind == "foreground" else f"{class_name} {kind}"
