"""Which vertices the strokes of the brush declare complete, counted on from the stroke before."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tomoscribe.project.model import Patch
    from tomoscribe.ui.membranes.membrane_shelf import ShelvedMembrane


FEW = 40
"""Strokes up to which each by itself is quicker than what all of them together need first."""


class CompleteMask:
    """Masks (V,) of membranes, each kept with the strokes that made it.

    A new stroke is put on top of what the earlier ones gave, so that painting stays fluid
    after hundreds of them.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[ShelvedMembrane, list[Patch], NDArray[np.bool_]]] = {}

    def of(self, shelved: ShelvedMembrane, patches: Sequence[Patch]) -> NDArray[np.bool_]:
        """Return which vertices (V,) are declared complete; not to be written to."""
        mine = [p for p in patches if p.membrane == shelved.name]
        held, strokes, mask = self._kept.get(shelved.name, (None, [], None))
        if held is not shelved or mask is None or mine[: len(strokes)] != strokes:
            strokes, mask, held = [], np.zeros(len(shelved.membrane.mesh.vertices_zyx), bool), None
        if held is None or len(mine) > len(strokes):
            mask = _with(shelved, mask, mine[len(strokes) :])
            self._kept[shelved.name] = (shelved, mine, mask)
        return mask


def _with(
    shelved: ShelvedMembrane, mask: NDArray[np.bool_], strokes: list[Patch]
) -> NDArray[np.bool_]:
    """Return a mask with strokes put on top of it."""
    from tomoscribe.membranes.patches import patch_mask, stroke_vertices

    mesh = shelved.membrane.mesh
    if len(strokes) > FEW:
        return patch_mask(shelved.graph, mesh.vertices_zyx, strokes, base=mask)
    mask = mask.copy()
    for stroke in strokes:
        mask[stroke_vertices(mesh, stroke)] = not stroke.erase
    return mask
