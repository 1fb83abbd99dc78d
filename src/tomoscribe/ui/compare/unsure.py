"""The uncertainty of the scores in view, as values that a thread can work on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.evaluation.uncertainty import disagreement, uncertainty
from tomoscribe.training.previews import decode_scores
from tomoscribe.ui.compare.other_side import other_map
from tomoscribe.ui.compare.review import Review
from tomoscribe.ui.compare.review_order import Order
from tomoscribe.ui.runs.monitor import RunMonitor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.ui.compare.other_side import OtherMap
    from tomoscribe.ui.scores.score_map import ScoreGrid
    from tomoscribe.ui.session import Session

STRIDE = 4
"""Every fourth voxel along each axis tells that a block came: blocks are thicker."""


@dataclass(frozen=True, eq=False)
class ScoresInView:
    """The stored scores (z, y, x) of the class in view, with the threshold that they are seen by.

    `values` are not copied: blocks of a running training go on being written into them, which
    does no harm to what is made anew then. `digest` tells that they came.
    """

    values: NDArray[np.uint8]
    grid: ScoreGrid
    class_name: str
    sample: str
    on_mesh: bool
    threshold: float
    digest: int
    other: OtherMap | None

    def same_as(self, before: ScoresInView | None) -> bool:
        """Tell whether nothing has changed since."""
        return (
            before is not None
            and self._key() == before._key()
            and self.values.base is before.values.base
            and self.values.shape == before.values.shape
        )

    def unsure(self) -> NDArray[np.float32]:
        """Return how unsure the model is, 0..1 (z, y, x), or how far A and B are apart."""
        levels = decode_scores(np.arange(256, dtype=np.uint8), missing=np.nan)
        if self.other is None:
            return uncertainty(levels, self.threshold)[self.values]
        theirs = levels[self.other.values]
        return disagreement(levels[self.values], theirs, (self.threshold, self.other.threshold))

    def _key(self) -> tuple[object, ...]:
        source = None if self.other is None else self.other.source
        return self.class_name, self.sample, round(self.threshold, 3), self.digest, source


def scores_in_view(session: Session) -> ScoresInView | None:
    """Return the scores in view, None before there are any.

    The other side counts while proposals are reviewed by disagreement.
    """
    monitor, review = RunMonitor.of(session), Review.of(session)
    heat, sample = monitor.feed.layer, monitor.feed.sample
    values, grid, name = heat.computed, heat.grid, heat.class_name
    if values is None or grid is None or name is None or sample is None or session.entry is None:
        return None
    on_mesh = monitor.feed.kind == "mesh"
    if on_mesh and session.membrane_name != sample:
        return None
    other = other_map(session, name) if review.order is Order.DISAGREE else None
    if other is not None and other.values.shape != values.shape[1:]:
        other = None  # on another grid: places of disagreement are found by review alone
    of_class = values[grid.class_names.index(name)]
    return ScoresInView(
        of_class,
        grid,
        name,
        sample,
        on_mesh,
        review.threshold,
        int(of_class[::STRIDE, ::STRIDE, ::STRIDE].sum(dtype=np.int64)),
        other,
    )
