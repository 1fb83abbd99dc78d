"""How picks look: colour by class, symbol by review state, size by diameter.

Colour never stands alone: the symbol tells the state to colour-blind eyes too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.picks.table import JUNK, PickState, positions_zyx
from tomoscribe.project.classes import PALETTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from tomoscribe.picks.table import Pick
    from tomoscribe.project.model import ParticleClass

SYMBOLS = {PickState.ACCEPTED: "disc", PickState.PROPOSED: "disc", PickState.REJECTED: "x"}

FACE_ALPHA = {PickState.ACCEPTED: 0.25, PickState.PROPOSED: 0.0, PickState.REJECTED: 0.8}
"""A disc for accepted, a ring for proposed; both let the particle be seen."""

SIZE = {PickState.ACCEPTED: 1.0, PickState.PROPOSED: 1.0, PickState.REJECTED: 0.45}
"""Share of the diameter; a cross of full size would hide what was rejected."""

MESH_SIZE = 0.45
"""Share of the size in slices that a pick has on a mesh, where it must not hide its neighbours."""

MESH_ALPHA = 0.75
"""How opaque accepted picks are on a mesh: a disc that shimmers through is lost on the density."""

DIM = 0.2
"""Opacity of picks of other membranes, relative to those of the current one."""

LIFT_VOXELS = 0.5
"""How far above the mesh the disc of a pick begins; it faces the viewer and would sink into it."""

UNKNOWN_CLASS_COLOR = "#bbbbbb"

JUNK_NAME = "junk"
"""What people read instead of the class that stands for none."""

JUNK_COLOR = "#a8adb5"
"""Grey, as of no class; the crosses of what one class rejected have that class's colour."""

JUNK_SIZE = 0.8
"""Share of the smallest class's diameter: larger than other crosses, for eyes without colour."""


@dataclass(frozen=True)
class PickLook:
    """Arrays of one row a pick, ready for a Points layer; positions and sizes in voxels."""

    ids: tuple[int, ...]
    zyx: NDArray[np.float64]
    size: NDArray[np.float64]
    symbol: NDArray[np.str_]
    face: NDArray[np.float64]
    border: NDArray[np.float64]
    features: pd.DataFrame


def next_color(classes: Iterable[ParticleClass]) -> str:
    """Return the first palette colour that no class has yet."""
    used = {c.color.lower() for c in classes}
    return next((color for color in PALETTE if color not in used), PALETTE[0])


def rgba(color: str, alpha: float = 1.0) -> tuple[float, float, float, float]:
    """Return red, green, blue, alpha in 0..1 of a `#rrggbb` colour."""
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue, alpha


def diameter_voxels(classes: Iterable[ParticleClass], name: str, voxel_size_A: float) -> float:
    """Return the diameter of a class in voxels; 10 where the project has no such class any more.

    Junk counts as large as the smallest class.
    """
    known = list(classes)
    if name == JUNK:
        return min((c.diameter_A for c in known), default=10.0 * voxel_size_A) / voxel_size_A
    return next((c.diameter_A / voxel_size_A for c in known if c.name == name), 10.0)


def look_of(
    picks: Iterable[Pick], classes: Sequence[ParticleClass], voxel_size_A: float
) -> PickLook:
    """Return the look of picks in one tomogram."""
    import pandas as pd  # a third of a second, which napari spends with its first points anyway

    rows = list(picks)
    colors = {c.name: c.color for c in classes} | {JUNK: JUNK_COLOR}
    sizes = {c.name: c.diameter_A / voxel_size_A for c in classes}
    sizes[JUNK] = (
        diameter_voxels(classes, JUNK, voxel_size_A) * JUNK_SIZE / SIZE[PickState.REJECTED]
    )
    color_of = [colors.get(p.class_name, UNKNOWN_CLASS_COLOR) for p in rows]
    return PickLook(
        ids=tuple(p.id for p in rows),
        zyx=positions_zyx(rows),
        size=np.array([SIZE[p.state] * sizes.get(p.class_name, 10.0) for p in rows], dtype=float),
        symbol=np.array([SYMBOLS[p.state] for p in rows], dtype=object),
        face=np.array(
            [rgba(c, FACE_ALPHA[p.state]) for c, p in zip(color_of, rows, strict=True)], dtype=float
        ).reshape(-1, 4),
        border=np.array([rgba(c) for c in color_of], dtype=float).reshape(-1, 4),
        features=pd.DataFrame(
            {
                "class": [JUNK_NAME if p.class_name == JUNK else p.class_name for p in rows],
                "state": [str(p.state) for p in rows],
                "score": [p.score for p in rows],
                "source": [p.source for p in rows],
            }
        ),
    )


def lift_of(size: float) -> float:
    """Return how far along its normal a pick of that size on the mesh is drawn, in voxels."""
    return LIFT_VOXELS + size / 4


def on_mesh(look: PickLook, picks: Iterable[Pick], membrane: str | None) -> PickLook:
    """Return the look of picks on a mesh in 3D: smaller, and lifted along the normal to be seen.

    Those that are not on this membrane are dim, as their membranes are.
    """
    size = MESH_SIZE * look.size
    rows = list(picks)
    zyx, face, border = look.zyx.copy(), look.face.copy(), look.border.copy()
    face[:, 3] = np.where(face[:, 3] > 0, MESH_ALPHA, 0.0)
    for row, pick in enumerate(rows):
        if pick.normal_zyx is not None:
            zyx[row] += lift_of(float(size[row])) * np.asarray(pick.normal_zyx)
        if pick.membrane != membrane:
            face[row, 3] *= DIM
            border[row, 3] *= DIM
    return replace(look, zyx=zyx, size=size, face=face, border=border)
