"""What a heatmap proposes, set against the picks that are there already. Arrays only, no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import KDTree

from tomoscribe.membranes.peaks import find_mesh_peaks
from tomoscribe.picks.match import match_picks
from tomoscribe.picks.peaks import SUPPRESSION, find_peaks
from tomoscribe.picks.table import HUMAN, PickState, positions_zyx
from tomoscribe.training.previews import decode_scores

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from tomoscribe.picks.table import Pick
    from tomoscribe.ui.membranes.membrane_shelf import ShelvedMembrane
    from tomoscribe.ui.scores.score_map import ScoreGrid

SAME = 0.5
"""A proposal within this many diameters of a pick is that pick."""

APART = 1.0
"""Diameters by which the faces of a membrane are moved apart before picks are compared."""

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
    normals_zyx : (N, 3) array of float or None
        Outward unit normals, on a membrane.
    membrane : str
        The membrane that they lie on, empty in a volume.
    """

    source: str
    class_name: str
    diameter_voxels: float
    zyx: NDArray[np.float64]
    scores: NDArray[np.float32]
    normals_zyx: NDArray[np.float64] | None = None
    membrane: str = ""

    @property
    def places(self) -> NDArray[np.float64]:
        """Where they are (N, 3) when they are set against picks: see `place_of`."""
        if self.normals_zyx is None:
            return self.zyx
        return self.zyx + APART * self.diameter_voxels * self.normals_zyx

    def place_of(self, picks: Iterable[Pick]) -> NDArray[np.float64]:
        """Return where picks (N, 3) are when these are set against them.

        On a membrane all are moved outward by a diameter, so that what lies on the other face,
        however thin the membrane, is far away.
        """
        rows = list(picks)
        places = positions_zyx(rows)
        if self.normals_zyx is not None:
            for place, pick in zip(places, rows, strict=True):
                if pick.normal_zyx is not None:
                    place += APART * self.diameter_voxels * np.asarray(pick.normal_zyx)
        return places

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


def propose_on_mesh(
    values: NDArray[np.uint8],
    surface: ShelvedMembrane,
    diameter_voxels: float,
    class_name: str,
    source: str,
) -> Proposals:
    """Return the peaks of a membrane's stored scores (1, 1, V) of one class."""
    membrane = surface.membrane
    peaks = find_mesh_peaks(
        membrane.mesh,
        surface.graph,
        decode_scores(values[0, 0]),
        SUPPRESSION * diameter_voxels,
        MIN_SCORE,
    )
    normals = peaks.normals_zyx(membrane.mesh, membrane.normals_zyx)
    return Proposals(
        source,
        class_name,
        diameter_voxels,
        peaks.zyx[:LIMIT],
        peaks.scores[:LIMIT],
        normals[:LIMIT],
        surface.name,
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
        name = self.proposals.class_name
        known = self.proposals.place_of(p for p in self.picks if p.class_name == name)
        if not len(known) or not len(self.proposals):
            return np.ones(len(self.proposals), bool)
        distances, _ = KDTree(known).query(self.proposals.places)
        return np.asarray(distances > SAME * self.proposals.diameter_voxels)

    @cached_property
    def own(self) -> list[Pick]:
        """The user's own clicks of this class, on the membrane if there is one."""
        name, membrane = self.proposals.class_name, self.proposals.membrane
        return [
            p
            for p in self.picks
            if p.class_name == name
            and p.source == HUMAN
            and p.state == PickState.ACCEPTED
            and (not membrane or p.membrane == membrane)
        ]

    @cached_property
    def _found_scores(self) -> NDArray[np.float32]:
        tolerance = SAME * self.proposals.diameter_voxels
        matching = match_picks(self.proposals.places, self.proposals.place_of(self.own), tolerance)
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
