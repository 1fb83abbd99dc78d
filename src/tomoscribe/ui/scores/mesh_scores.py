"""Scores of a membrane: one a vertex, painted over its density."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.ui.membranes.mesh_paint import BRIGHT_SHARE, MeshPaint
from tomoscribe.ui.scores.difference import reach_of
from tomoscribe.ui.scores.score_map import ScoreMap, contrast_of, resampled

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.ui.scores.score_map import Content, ScoreGrid
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

    def begin(self, grid: ScoreGrid, carried: NDArray[np.uint8] | None = None) -> None:
        """Get ready for scores of the membrane in view; those of another one go."""
        self._mind_membrane()
        super().begin(grid, carried)

    def replace_live(
        self, grid: ScoreGrid, values: NDArray[np.uint8], computed: NDArray[np.uint8]
    ) -> None:
        """Take whole scores of the membrane in view over; those of another one go."""
        self._mind_membrane()
        super().replace_live(grid, values, computed)

    def show(self, source: str, grid: ScoreGrid, values: NDArray[np.uint8]) -> None:
        """Show other scores (class, 1, 1, V) of the membrane in view."""
        self._mind_membrane()
        super().show(source, grid, values)

    def carried_over(self, old: Content, grid: ScoreGrid) -> NDArray[np.uint8]:
        """Return scores with the classes of another grid; another membrane's say nothing."""
        if old.grid.shape_zyx != grid.shape_zyx:
            return grid.empty()
        return resampled(old.values, old.grid, grid)

    def _mind_membrane(self) -> None:
        if self._of != self._session.membrane_name:
            self.clear()  # as many vertices do not make it the same membrane
        self._of = self._session.membrane_name

    def _draw(self) -> None:
        if self.map is None or not self._fits():
            self._remove()  # no such class, or nothing of it yet
        self._refresh()

    def _refresh(self) -> None:
        values = self.map
        if values is None or not self._fits():
            return
        self._dirty = False
        if self.shows_difference:
            self._paint.set_difference(values[0, 0], reach_of(values))
        else:
            self._paint.set_scores(values[0, 0], contrast_of(values, BRIGHT_SHARE))

    def _remove(self) -> None:
        self._paint.set_scores(None, (0.0, 255.0))

    def _fits(self) -> bool:
        """Tell whether the membrane in view is the one that the scores are of."""
        membrane, drawn = self._session.membrane, self.drawn
        return (
            membrane is not None
            and drawn is not None
            and self._of == self._session.membrane_name
            and drawn.grid.shape_zyx[2] == len(membrane.mesh.vertices_zyx)
        )

    def _on_membrane(self, *_: object) -> None:
        self._refresh()  # a large membrane may come after its scores
