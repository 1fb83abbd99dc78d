"""Names of the maps that a segmentation predicts, 0..1: decoders look for them by these names.

An affinity tells whether a voxel and another one are of one object. Its name tells where the other
lies, in nm, so that it means the same at any resolution: `mito affinity 0,-36,0 nm`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    Offset = tuple[float, float, float]
    Triple = tuple[float, float, float]

MapKind: TypeAlias = str
"""`foreground`, `contour`, `distance`, or what `affinity_kind` returns."""

_AFFINITY = re.compile(r"^(|.* )affinity ([-\d.e+]+),([-\d.e+]+),([-\d.e+]+) nm$")


def map_name(class_name: str, kind: MapKind) -> str:
    """Return the name of a map: the class's own for its foreground, else `mito contour`."""
    return class_name if kind == "foreground" else f"{class_name} {kind}"


def affinity_kind(offset_zyx_nm: Offset) -> MapKind:
    """Return the kind of map that compares a voxel with the one at an offset."""
    return f"affinity {','.join(f'{n:.6g}' for n in offset_zyx_nm)} nm"


def offset_of(name: str) -> Offset | None:
    """Return the offset z, y, x in nm of an affinity, by its kind or name; None: it is none."""
    found = _AFFINITY.match(name)
    return None if found is None else (float(found[2]), float(found[3]), float(found[4]))


def affinities_of(class_name: str, map_names: Iterable[str]) -> dict[str, Offset]:
    """Return the offsets z, y, x in nm of a class's affinities, by the names of the maps."""
    told = {}
    for name in map_names:
        offset = offset_of(name)
        if offset is not None and name == map_name(class_name, affinity_kind(offset)):
            told[name] = offset
    return told


def go_through(offsets_zyx_nm: Iterable[Offset]) -> bool:
    """Return whether some affinities are between sections."""
    return any(offset[0] != 0 for offset in offsets_zyx_nm)


def maps_of_classes(map_names: Sequence[str]) -> list[str]:
    """Return the names that are classes: no contour, distance or affinity of another one."""
    others = {map_name(n, kind) for n in map_names for kind in ("contour", "distance")}
    return [n for n in map_names if n not in others and offset_of(n) is None]


def seen_across(map_names: Iterable[str], axis: int) -> list[str]:
    """Return the names of maps whose axis `axis` was made the first, the others in their order."""
    names = []
    for name in map_names:
        offset = offset_of(name)
        if offset is not None:
            turned = list(offset)
            turned.insert(0, turned.pop(axis))
            before = name[: len(name) - len(affinity_kind(offset))]
            name = before + affinity_kind((turned[0], turned[1], turned[2]))
        names.append(name)
    return names


def steps_of(offset_zyx_nm: Offset, voxel_size_zyx_nm: Triple) -> tuple[int, int, int]:
    """Return an offset in voxels; one that is not 0 stays at least one voxel."""
    z, y, x = (
        0 if not nm else round(nm / size) or (1 if nm > 0 else -1)
        for nm, size in zip(offset_zyx_nm, voxel_size_zyx_nm, strict=True)
    )
    return z, y, x
