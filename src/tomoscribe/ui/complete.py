"""Which vertices the strokes of the brush declare complete, counted on from the stroke before."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
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
        from tomoscribe.membranes.patches import patch_mask

        mine = [p for p in patches if p.membrane == shelved.name]
        vertices = shelved.membrane.mesh.vertices_zyx
        held, strokes, mask = self._kept.get(shelved.name, (None, [], None))
        if held is not shelved or mine[: len(strokes)] != strokes:
            strokes, mask = [], None
        if mask is None or len(mine) > len(strokes):
            mask = patch_mask(shelved.graph, vertices, mine[len(strokes) :], base=mask)
            self._kept[shelved.name] = (shelved, mine, mask)
        return mask
