"""Which maps a segmentation predicts; no torch, for viewers and decoders ask too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tomoscribe.segmentation.maps import MapKind, map_name

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MapKind", "MapSpec", "map_name", "map_specs"]


@dataclass(frozen=True)
class MapSpec:
    """A map that a network predicts, in 0..1: of which class by number, and of what kind."""

    name: str
    class_index: int
    kind: MapKind


def map_specs(class_names: Sequence[str], kinds: Sequence[MapKind]) -> tuple[MapSpec, ...]:
    """Return the maps of some classes: all of one kind after another, in the classes' order."""
    return tuple(
        MapSpec(map_name(name, kind), index, kind)
        for kind in kinds
        for index, name in enumerate(class_names)
    )
