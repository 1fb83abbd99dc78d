"""Scores of a membrane: one a vertex, painted over its density."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.ui.membranes.mesh_paint import BRIGHT_SHARE, MeshPaint
from tomoscribe.ui.scores.score_map import ScoreGrid, ScoreMap, contrast_of, resampled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.ui.session import Session


class MeshScores(ScoreMap):
    """Paints the scores of the class in view on the membrane that is shown."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._of: str | None = None
        self._paint = MeshPaint.of(session)
        session.membrane_changed.connect(self._on_membrane)

    @property
    def visible(self) -> bool:
        """Whether new blocks would be seen; reading them costs nothing either way."""
        return True

    @property
    def takes_blocks(self) -> bool:
        """Whether blocks are worth reading."""
        return True

    def begin(self, grid: ScoreGrid) -> None:
        """Get ready for scores of the membrane in view; those of another one go."""
        if self._of != self._session.membrane_name:
            self.clear()  # as many vertices do not make it the same membrane
        self._of = self._session.membrane_name
        super().begin(grid)

    def _carried_over(
        self, old: NDArray[np.uint8], old_grid: ScoreGrid, grid: ScoreGrid
    ) -> NDArray[np.uint8]:
        if old_grid.shape_zyx != grid.shape_zyx:
            return grid.empty()  # another membrane's vertices say nothing of these
        return resampled(old, old_grid, grid)

    def _place(self) -> None:
        self._refresh()

    def _swap(self) -> None:
        self._refresh()

    def _refresh(self) -> None:
        values = self.map
        if values is None or not self._fits():
            return
        self._dirty = False
        self._paint.set_scores(values[0, 0], contrast_of(values, BRIGHT_SHARE))

    def _remove(self) -> None:
        self._paint.set_scores(None, (0.0, 255.0))

    def _fits(self) -> bool:
        """Tell whether the membrane in view is the one that the scores are of."""
        membrane, grid = self._session.membrane, self.grid
        return (
            membrane is not None
            and grid is not None
            and self._of == self._session.membrane_name
            and grid.shape_zyx[2] == len(membrane.mesh.vertices_zyx)
        )

    def _on_membrane(self, *_: object) -> None:
        self._refresh()  # a large membrane may come after its scores
