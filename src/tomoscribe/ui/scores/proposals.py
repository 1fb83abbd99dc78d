"""What a heatmap proposes, set against the picks that are there already. Arrays only, no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import scipy

from tomoscribe.evaluation.proposals import SAME, find_mesh_proposals, find_proposals
from tomoscribe.picks.match import match_picks
from tomoscribe.picks.table import JUNK, PickState
from tomoscribe.training.previews import decode_scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tomoscribe.evaluation.proposals import Proposals
    from tomoscribe.picks.table import Pick
    from tomoscribe.ui.membranes.membrane_shelf import ShelvedMembrane
    from tomoscribe.ui.scores.score_map import ScoreGrid


def propose(
    values: NDArray[np.uint8],
    grid: ScoreGrid,
    diameter_voxels: float,
    class_name: str,
    source: str,
) -> Proposals:
    """Return the peaks of a stored heatmap (z, y, x) of one class; diameter in tomogram voxels."""
    return find_proposals(decode_scores(values), grid.bin, diameter_voxels, class_name, source)


def propose_on_mesh(
    values: NDArray[np.uint8],
    surface: ShelvedMembrane,
    diameter_voxels: float,
    class_name: str,
    source: str,
) -> Proposals:
    """Return the peaks of a membrane's stored scores (1, 1, V) of one class."""
    scores = decode_scores(values[0, 0])
    return find_mesh_proposals(
        surface.membrane, surface.graph, scores, diameter_voxels, class_name, source, surface.name
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
        _ = self.open, self.known, self._found_scores
        return self

    @cached_property
    def open(self) -> NDArray[np.bool_]:
        """Which proposals (N,) await an answer."""
        names = (self.proposals.class_name, JUNK)
        known = self.proposals.place_of(p for p in self.picks if p.class_name in names)
        if not len(known) or not len(self.proposals):
            return np.ones(len(self.proposals), bool)
        distances, _ = scipy.spatial.KDTree(known).query(self.proposals.places)
        return np.asarray(distances > SAME * self.proposals.diameter_voxels)

    @cached_property
    def known(self) -> list[Pick]:
        """The accepted picks of this class, on the membrane if there is one."""
        name, membrane = self.proposals.class_name, self.proposals.membrane
        return [
            p
            for p in self.picks
            if p.class_name == name
            and p.state == PickState.ACCEPTED
            and (not membrane or p.membrane == membrane)
        ]

    @cached_property
    def _found_scores(self) -> NDArray[np.float32]:
        tolerance = SAME * self.proposals.diameter_voxels
        known = self.proposals.place_of(self.known)
        matching = match_picks(self.proposals.places, known, tolerance)
        return self.proposals.scores[matching.pairs[:, 0]]

    def found(self, threshold: float) -> int:
        """Return how many of the known picks have a proposal at this threshold."""
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

    def nearest_open(self, place: Sequence[float]) -> int | None:
        """Return the open proposal at one of `places`, within `SAME` diameters; None if none is."""
        indices = np.flatnonzero(self.open)
        if not len(indices):
            return None
        distances = np.linalg.norm(self.proposals.places[indices] - np.asarray(place), axis=1)
        best = int(np.argmin(distances))
        return (
            int(indices[best]) if distances[best] <= SAME * self.proposals.diameter_voxels else None
        )
