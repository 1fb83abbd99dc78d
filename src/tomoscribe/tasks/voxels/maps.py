"""Which maps a segmentation predicts, by name; no torch, for viewers and decoders ask too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

MapKind = Literal["foreground", "contour", "distance", "affinity z", "affinity y", "affinity x"]

SEMANTIC_KINDS: tuple[MapKind, ...] = ("foreground",)
INSTANCE_KINDS: tuple[MapKind, ...] = ("foreground", "contour")


@dataclass(frozen=True)
class MapSpec:
    """A map that a network predicts, in 0..1: of which class by number, and of what kind."""

    name: str
    class_index: int
    kind: MapKind


def map_name(class_name: str, kind: MapKind) -> str:
    """Return the name of a map: the class's own for its foreground, else `mito contour`."""
    return class_name if kind == "foreground" else f"{class_name} {kind}"


def map_specs(class_names: Sequence[str], kinds: Sequence[MapKind]) -> tuple[MapSpec, ...]:
    """Return the maps of some classes: all of one kind after another, in the classes' order."""
    return tuple(
        MapSpec(map_name(name, kind), index, kind)
        for kind in kinds
        for index, name in enumerate(class_names)
    )
