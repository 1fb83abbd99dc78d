"""The uncertainty of the scores in view, as values that a thread can work on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.evaluation.uncertainty import (
    disagreement,
    in_the_peak,
    peaks_in_volume,
    peaks_on_mesh,
    uncertainty,
)
from tomoscribe.training.previews import decode_scores
from tomoscribe.ui.annotate.pick_style import diameter_voxels
from tomoscribe.ui.compare.other_side import other_map
from tomoscribe.ui.compare.review import Review
from tomoscribe.ui.compare.review_order import Order
from tomoscribe.ui.runs.monitor import RunMonitor

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.ui.compare.other_side import OtherMap
    from tomoscribe.ui.membranes.membrane_shelf import ShelvedMembrane
    from tomoscribe.ui.scores.score_map import ScoreGrid
    from tomoscribe.ui.session import Session

STRIDE = 4
"""Every fourth voxel along each axis tells that a block came: blocks are thicker."""


@dataclass(frozen=True, eq=False)
class ScoresInView:
    """The stored scores (z, y, x) of the class in view, with the threshold that they are seen by.

    `values` are not copied: blocks of a running training go on being written into them, which
    does no harm to what is made anew then. `digest` tells that they came. `surface` is the
    membrane that they are of, if so, `diameter` the class's in tomogram voxels.
    """

    values: NDArray[np.uint8]
    grid: ScoreGrid
    class_name: str
    sample: str
    surface: ShelvedMembrane | None
    diameter: float
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

    def of_same(self, other: ScoresInView) -> bool:
        """Tell whether both are of one sample and class, on one grid."""
        mine, theirs = ((s.sample, s.class_name, s.grid) for s in (self, other))
        return mine == theirs

    def unsure(self) -> NDArray[np.float32]:
        """Return how unsure the model is of a particle here, 0..1 (z, y, x).

        By the highest score of the particle that a place would belong to. With another side, how
        far both sides' beliefs are apart.
        """
        levels = decode_scores(np.arange(256, dtype=np.uint8), missing=np.nan)
        peaks = self._peaks(self.values)
        inside = in_the_peak(self.values, peaks)
        if self.other is None:
            most = np.median(peaks[::STRIDE, ::STRIDE, ::STRIDE]).astype(int)
            found = uncertainty(levels, self.threshold, float(np.nan_to_num(levels[most])))[peaks]
        else:
            theirs = self._peaks(self.other.values)
            inside |= in_the_peak(self.other.values, theirs)
            cuts = self.threshold, self.other.threshold
            table = disagreement(levels[:, None], levels[None], cuts)
            found = table[peaks, theirs]
        return np.where(inside, found, np.float32(0))

    def _peaks(self, values: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self.surface is not None:
            return peaks_on_mesh(values[0, 0], self.surface.graph, self.diameter)[None, None]
        return peaks_in_volume(values, self.diameter / self.grid.bin)

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
    if values is None or grid is None or sample is None or session.entry is None:
        return None
    if name is None or name not in grid.class_names:
        return None  # the checkpoint in view does not know the class
    surface = session.surfaces.shelved if monitor.feed.kind == "mesh" else None
    if monitor.feed.kind == "mesh" and (
        surface is None
        or surface.name != sample
        or len(surface.membrane.mesh.vertices_zyx) != values.shape[-1]
    ):
        return None  # the membrane is still being read
    other = other_map(session, name) if review.order is Order.DISAGREE else None
    if other is not None and other.values.shape != values.shape[1:]:
        other = None  # on another grid: places of disagreement are found by review alone
    of_class = values[grid.class_names.index(name)]
    return ScoresInView(
        of_class,
        grid,
        name,
        sample,
        surface,
        diameter_voxels(session.classes, name, session.entry.voxel_size_A),
        review.threshold,
        int(of_class[::STRIDE, ::STRIDE, ::STRIDE].sum(dtype=np.int64)),
        other,
    )
