"""What a heatmap proposes, set against the picks that are there already. Arrays only, no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from tomoscribe.picks.match import match_picks
from tomoscribe.picks.peaks import SUPPRESSION, find_peaks
from tomoscribe.picks.table import HUMAN, PickState, positions_zyx
from tomoscribe.training.previews import decode_scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tomoscribe.picks.table import Pick
    from tomoscribe.ui.score_map import ScoreGrid

SAME = 0.5
"""A proposal within this many diameters of a pick is that pick."""

MIN_SCORE = 0.008
"""Two steps of the stored scores; after the first minute good peaks may score no more than 0.02."""

LIMIT = 1000
"""Best proposals kept: nobody reviews more, and napari's time to show points grows with them."""


@dataclass(frozen=True)
class Proposals:
    """Peaks of one class in one heatmap, best first.

    Parameters
    ----------
    source : str
        The checkpoint that they come from, or what else made the heatmap.
    class_name : str
        Their class.
    diameter_voxels : float
        Its diameter in tomogram voxels.
    zyx : (N, 3) array of float
        Tomogram voxels, z y x.
    scores : (N,) array of float
        0..1.
    """

    source: str
    class_name: str
    diameter_voxels: float
    zyx: NDArray[np.float64]
    scores: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.zyx)


def propose(
    values: NDArray[np.uint8],
    grid: ScoreGrid,
    diameter_voxels: float,
    class_name: str,
    source: str,
) -> Proposals:
    """Return the peaks of a stored heatmap (z, y, x) of one class; diameter in tomogram voxels."""
    radius = SUPPRESSION * diameter_voxels / grid.bin
    zyx, scores = find_peaks(decode_scores(values), radius, MIN_SCORE)
    return Proposals(
        source, class_name, diameter_voxels, grid.to_tomogram(zyx[:LIMIT]), scores[:LIMIT]
    )


@dataclass(frozen=True)
class Comparison:
    """Proposals set against the picks of the same tomogram.

    Derived anew after every edit, so that the pick table stays the only truth: a proposal is
    open as long as no pick, accepted or rejected, lies where it is.
    """

    proposals: Proposals
    picks: Sequence[Pick]

    def prepared(self) -> Comparison:
        """Return the comparison with its figures computed, which a thread can do."""
        _ = self.open, self.own, self._found_scores
        return self

    @cached_property
    def open(self) -> NDArray[np.bool_]:
        """Which proposals (N,) await an answer."""
        known = positions_zyx(p for p in self.picks if p.class_name == self.proposals.class_name)
        if not len(known) or not len(self.proposals):
            return np.ones(len(self.proposals), bool)
        distances, _ = KDTree(known).query(self.proposals.zyx)
        return np.asarray(distances > SAME * self.proposals.diameter_voxels)

    @cached_property
    def own(self) -> list[Pick]:
        """The user's own clicks of this class."""
        name = self.proposals.class_name
        return [
            p
            for p in self.picks
            if p.class_name == name and p.source == HUMAN and p.state == PickState.ACCEPTED
        ]

    @cached_property
    def _found_scores(self) -> NDArray[np.float32]:
        tolerance = SAME * self.proposals.diameter_voxels
        matching = match_picks(self.proposals.zyx, positions_zyx(self.own), tolerance)
        return self.proposals.scores[matching.pairs[:, 0]]

    def found(self, threshold: float) -> int:
        """Return how many of the user's clicks have a proposal at this threshold."""
        return int(np.count_nonzero(self._found_scores >= threshold))

    def shown(self, threshold: float) -> NDArray[np.bool_]:
        """Return which proposals (N,) are open and at or above the threshold."""
        return self.open & (self.proposals.scores >= threshold)

    def by_uncertainty(self, threshold: float) -> NDArray[np.intp]:
        """Return the open proposals, those nearest to the threshold first, on either side of it."""
        indices = np.flatnonzero(self.open)
        return indices[
            np.argsort(np.abs(self.proposals.scores[indices] - threshold), kind="stable")
        ]

    def nearest_open(self, zyx: Sequence[float]) -> int | None:
        """Return the open proposal at a place (within `SAME` diameters), None if there is none."""
        indices = np.flatnonzero(self.open)
        if not len(indices):
            return None
        distances = np.linalg.norm(self.proposals.zyx[indices] - np.asarray(zyx), axis=1)
        best = int(np.argmin(distances))
        return (
            int(indices[best]) if distances[best] <= SAME * self.proposals.diameter_voxels else None
        )
