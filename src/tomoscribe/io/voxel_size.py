"""A voxel size as a person gives it: one edge, or three, in Å or nm."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.opened import unit_in_A, usable

if TYPE_CHECKING:
    from collections.abc import Sequence

VoxelSize = float | tuple[float, float, float]
"""Edge of a cube in Å, or edges z, y, x in Å."""
SMALLEST_A, LARGEST_A = 0.01, 1e6
"""Voxel edges in Å that are believed: up to a tenth of a millimetre."""
_UNLIKE = 1.5
"""Edges of a pixel whose ratio is larger are those of no camera: an axis was taken for another."""

_TEXT = re.compile(
    r"(?P<numbers>[\d.,;x×*e+\-\s]*?\d[\d.]*)\s*(?P<unit>[^\d\s.,;]*)", re.IGNORECASE
)
_BETWEEN = re.compile(r"\s*[,;x×*]\s*|\s+", re.IGNORECASE)


def parse_voxel_size(text: str) -> VoxelSize:
    """Return the voxel size in Å that a text tells: `13.5`, `8 nm`, `50, 4, 4 nm`.

    Raises
    ------
    TomoscribeError
        If it is neither one number nor three (z, y, x), in Å or nm, or cannot be true.
    """
    match = _TEXT.fullmatch(text.strip())
    factor = 1.0 if match and not match["unit"] else unit_in_A(match["unit"]) if match else None
    try:
        parts = [] if match is None else _BETWEEN.split(match["numbers"].strip())
        edges = [float(part) * (factor or 1.0) for part in parts]
    except ValueError:
        edges = []
    if factor is None or len(edges) not in (1, 3):
        raise TomoscribeError(
            f"'{text.strip()}' is no voxel size: give one edge, or three in the order z, y, x, in "
            "Å or nm, such as '13.5' or '50, 4, 4 nm'."
        )
    size = edges[0] if len(edges) == 1 else (edges[0], edges[1], edges[2])
    check_voxel_size(size)
    return size


def check_voxel_size(size: VoxelSize) -> None:
    """Check that a voxel size can be one at all.

    Raises
    ------
    TomoscribeError
        If an edge is not between `SMALLEST_A` and `LARGEST_A`.
    """
    for edge in size if isinstance(size, tuple) else (size,):
        if not SMALLEST_A <= edge <= LARGEST_A:
            raise TomoscribeError(
                f"A voxel size of {edge:g} Å ({edge / 10:g} nm) is not possible: give edges in nm "
                f"between {SMALLEST_A / 10:g} and {LARGEST_A / 10:g}."
            )


def doubt_of_order(edges_zyx_nm: tuple[float, float, float]) -> str:
    """Return a sentence where edges seem to be in the order x, y, z; empty where not."""
    z, y, x = edges_zyx_nm
    if max(y, x) <= _UNLIKE * min(y, x) or z > min(y, x):
        return ""
    return (
        f"The voxel edges {z:g},{y:g},{x:g} nm are read as Z,Y,X, so that a pixel of a section "
        f"would be {y:g} x {x:g} nm: give {x:g},{y:g},{z:g} if they are meant as X,Y,Z."
    )


def voxel_size_text(size: VoxelSize) -> str:
    """Return a voxel size as `parse_voxel_size` reads it."""
    edges = (size,) if isinstance(size, (int, float)) else size
    return ", ".join(f"{round(edge, 3):.10g}" for edge in edges) + " Å"


def in_nm(size: VoxelSize) -> str:
    """Return a voxel size in nm, with its axes."""
    if isinstance(size, (int, float)):
        return f"= {size / 10:.4g} nm along z, y and x"
    return (
        "= "
        + ", ".join(f"{a} {edge / 10:.4g}" for a, edge in zip("zyx", size, strict=True))
        + " nm"
    )


def edges_nm(size_nm: float | Sequence[float]) -> tuple[float, float, float]:
    """Return edges z, y, x in nm, of one edge in nm or of three.

    Raises
    ------
    TomoscribeError
        If they are neither, or cannot be true.
    """
    edges = (size_nm,) * 3 if isinstance(size_nm, (int, float)) else tuple(size_nm)
    if len(edges) != 3 or not all(usable(edge * 10) for edge in edges):
        raise TomoscribeError(
            f"{size_nm} is no voxel size in nm: give one edge, or three in the order z, y, x."
        )
    z, y, x = (float(edge) for edge in edges)
    check_voxel_size((z * 10, y * 10, x * 10))
    return z, y, x
