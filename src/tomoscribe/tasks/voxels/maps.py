"""Which maps a segmentation predicts, by name; no torch, for viewers and decoders ask too."""

from __future__ import annotations

from typing import Literal

MapKind = Literal["foreground", "contour", "distance"]

SEMANTIC_KINDS: tuple[MapKind, ...] = ("foreground",)
INSTANCE_KINDS: tuple[MapKind, ...] = ("foreground", "contour")


def map_name(class_name: str, kind: MapKind) -> str:
    """Return the name of a map: the class's own for its foreground, else `mito contour`."""
    return class_name if kind == "foreground" else f"{class_name} {kind}"
