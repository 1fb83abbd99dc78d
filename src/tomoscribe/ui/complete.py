"""Which vertices the strokes of the brush declare complete, counted on from the stroke before."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tomoscribe.project.model import Patch
    from tomoscribe.ui.membrane_shelf import ShelvedMembrane


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
        before, strokes, mask = self._kept.get(shelved.name, (None, [], np.zeros(0, bool)))
        if before is not shelved or mine[: len(strokes)] != strokes:
            strokes, mask = [], np.zeros(len(shelved.membrane.mesh.vertices_zyx), bool)
        vertices = shelved.membrane.mesh.vertices_zyx
        for stroke in mine[len(strokes) :]:
            covered = stroke_mask(shelved, vertices, stroke)
            mask = mask & ~covered if stroke.erase else mask | covered
        self._kept[shelved.name] = (shelved, mine, mask)
        return mask


def stroke_mask(
    shelved: ShelvedMembrane, vertices: NDArray[np.float64], stroke: Patch
) -> NDArray[np.bool_]:
    """Return which vertices (V,) one stroke covers, whether it paints or erases."""
    from tomoscribe.membranes.patches import patch_mask

    return patch_mask(shelved.graph, vertices, [replace(stroke, erase=False)])
