"""What a reader of one format hands to `volumes`, and the judgement of voxel sizes they share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tomoscribe.io.arrays import LazyArray

_ISOTROPIC = 0.01
"""Voxel sizes that differ by less than this share count as equal: headers store rounded cells."""

MAY_BE_NM = (
    "If it is nm, as usual for electron microscopy, give the voxel size: Voxel size… beside the "
    "tomogram in the viewer, --voxel-size-A or --voxel-size-nm of commands."
)
"""What a note adds where a file tells lengths without their unit."""


@dataclass(frozen=True)
class Opened:
    """A file as one reader understood it, before judgement.

    `sizes_zyx_A` are NaN where the file says nothing. The origin is `origin_zyx_A`, or, where
    that is None, `start_zyx` voxels. `unknown_because` is a sentence of the reader's own for
    NaN sizes, `hint_A` a voxel size that is likely but not certain.
    """

    data: LazyArray
    sizes_zyx_A: tuple[float, float, float] = (math.nan, math.nan, math.nan)
    origin_zyx_A: tuple[float, float, float] | None = None
    start_zyx: tuple[float, float, float] = (0.0, 0.0, 0.0)
    notes: tuple[str, ...] = ()
    unknown_because: str = ""
    hint_A: float | None = None


def usable(size_A: float) -> bool:
    """Return whether a number can be a voxel size at all."""
    return math.isfinite(size_A) and size_A > 0


def judge_sizes(
    sizes_zyx_A: tuple[float, float, float], unknown_because: str = ""
) -> tuple[tuple[float, float, float] | None, tuple[str, ...]]:
    """Return the voxel sizes that can be believed, or None, and sentences about what was odd.

    Zero, infinite and missing sizes are unknown. So is exactly 1.0 on every axis: many
    programs write it where they know nothing.
    """
    if all(math.isnan(s) for s in sizes_zyx_A):
        return None, (unknown_because or "The file does not tell the voxel size.",)
    if not all(usable(s) for s in sizes_zyx_A):
        said = " x ".join(f"{s:g}" for s in reversed(sizes_zyx_A))
        return None, (f"The header's voxel size, {said} Å (x y z), cannot be true.",)
    if all(s == 1.0 for s in sizes_zyx_A):
        return None, ("The header's voxel size of exactly 1.0 Å is a placeholder.",)
    if max(sizes_zyx_A) > (1 + _ISOTROPIC) * min(sizes_zyx_A):
        said = " x ".join(f"{s:g}" for s in reversed(sizes_zyx_A))
        return sizes_zyx_A, (
            f"The voxels are not cubes: {said} Å (x y z); sizes in Å are taken from x.",
        )
    return sizes_zyx_A, ()


_A_PER_UNIT = {
    "a": 1.0,
    "å": 1.0,
    "ang": 1.0,
    "angstrom": 1.0,
    "angstroms": 1.0,
    "nm": 10.0,
    "nanometer": 10.0,
    "nanometre": 10.0,
    "um": 1e4,
    "µm": 1e4,
    "μm": 1e4,
    "\\u00b5m": 1e4,
    "micron": 1e4,
    "microns": 1e4,
    "micrometer": 1e4,
    "micrometre": 1e4,
    "mm": 1e7,
    "millimeter": 1e7,
    "cm": 1e8,
    "inch": 2.54e8,
}


def unit_in_A(unit: object) -> float | None:
    """Return how many Å a unit of length has, None for units that are not one."""
    return _A_PER_UNIT.get(str(unit).strip().lower())
