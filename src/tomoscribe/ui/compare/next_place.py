"""Flies to where the next label tells the model most, and to no such place twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.evaluation.proposals import APART
from tomoscribe.evaluation.uncertainty import (
    above_background,
    exclude_balls,
    informative_places,
    informative_points,
)
from tomoscribe.picks.table import JUNK, PickState, positions_zyx
from tomoscribe.ui.background import Background
from tomoscribe.ui.compare.unsure import ScoresInView, scores_in_view
from tomoscribe.ui.scores.score_map import NO_SCORES
from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.picks.table import Pick
    from tomoscribe.project.model import Region
    from tomoscribe.ui.membranes.membrane_shelf import ShelvedMembrane
    from tomoscribe.ui.session import Session

FIELD = 4.0
"""Edge of what is seen at once, in diameters: a place and its neighbours."""

LABELLED = 1.0
"""Diameters around a pick or an answer within which there is nothing to ask."""

MOST = 50
"""Places that are kept: nobody visits more before the map has changed."""

SEEKING = "Looking for the place where a label tells most …"
ALL_SEEN = (
    "Nothing else is unsure in this map: what was is labelled or was visited. Train on, or choose "
    "another checkpoint."
)


@dataclass(frozen=True, eq=False)
class Known:
    """What is labelled in the sample: picks of a class, boxes, and a mesh's complete vertices."""

    picks: tuple[Pick, ...]
    regions: tuple[Region, ...]
    complete: NDArray[np.bool_] | None = None


@dataclass(frozen=True)
class Places:
    """Where labels tell most, best first: (N, 3) tomogram voxels, on a mesh with normals."""

    zyx: NDArray[np.float64]
    normals_zyx: NDArray[np.float64] | None = None


def find_places(scores: ScoresInView, known: Known) -> Places:
    """Return the places of a map that tell most, apart from what is labelled."""
    unsure = above_background(scores.unsure())
    if scores.surface is not None:
        return _on_mesh(unsure[0, 0], scores.surface, scores.diameter, known)
    grid = scores.grid
    centers = (positions_zyx(known.picks) - (grid.bin - 1) / 2) / grid.bin
    exclude_balls(unsure, centers, LABELLED * scores.diameter / grid.bin)
    for region in known.regions:
        lo = np.ceil((np.array(region.lo_zyx) - (grid.bin - 1) / 2) / grid.bin).astype(int)
        hi = np.ceil((np.array(region.hi_zyx) - (grid.bin - 1) / 2) / grid.bin).astype(int)
        box = tuple(slice(max(a, 0), max(b, 0)) for a, b in zip(lo, hi, strict=True))
        unsure[box] = 0
    size = scores.diameter / grid.bin
    return Places(grid.to_tomogram(informative_places(unsure, FIELD * size, size, MOST)))


def _on_mesh(
    unsure: NDArray[np.float32], surface: ShelvedMembrane, diameter: float, known: Known
) -> Places:
    vertices, normals = surface.membrane.mesh.vertices_zyx, surface.membrane.normals_zyx
    for pick in known.picks:
        near = np.array(surface.tree.query_ball_point(pick.zyx, LABELLED * diameter), dtype=int)
        if pick.normal_zyx is not None:  # not what lies on the other face
            near = near[normals[near] @ np.asarray(pick.normal_zyx) > 0]
        unsure[near] = 0
    if known.complete is not None:
        unsure[known.complete] = 0
    apart = vertices + APART * diameter * normals
    found = informative_points(apart, unsure, FIELD * diameter, MOST)
    return Places(vertices[found], normals[found])


class NextPlace(SessionBound):
    """Knows the places of the map in view and those that were visited.

    Get it with `NextPlace.of(session)`.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._thread = Background(reads_only=True)
        self._scores: ScoresInView | None = None
        self._places: Places | None = None
        self._visited = 0
        session.closed.connect(self._thread.close)

    @property
    def busy(self) -> bool:
        """Whether places are being sought."""
        return self._thread.busy

    def go(self) -> None:
        """Fly to the best place that was not visited yet; a changed map is searched anew."""
        scores = scores_in_view(self._session)
        known = None if scores is None else self._known(scores)
        if scores is None or known is None:
            self._session.status_message.emit(NO_SCORES)
            return
        if self._places is not None and scores.same_as(self._scores):
            self._fly(self._places)
            return
        if self.busy:
            return  # the answer to the key before comes first
        self._session.status_message.emit(SEEKING)
        self._thread.run(
            lambda: find_places(scores, known), lambda found: self._take(scores, found)
        )

    def _take(self, scores: ScoresInView, found: Places) -> None:
        now = scores_in_view(self._session)
        if now is None or not now.of_same(scores):
            self._session.status_message.emit("")
            return  # something else came into view meanwhile
        self._scores, self._places, self._visited = scores, found, 0
        self._fly(found)

    def _fly(self, places: Places) -> None:
        """Go to the first place left that was not labelled since."""
        session, scores = self._session, self._scores
        known = None if scores is None else self._known(scores)
        if known is None or scores is None:
            return
        labelled = positions_zyx(known.picks)
        while self._visited < len(places.zyx):
            index, self._visited = self._visited, self._visited + 1
            zyx = places.zyx[index]
            distances = np.linalg.norm(labelled - zyx, axis=1)
            if len(distances) and distances.min() <= LABELLED * scores.diameter:
                continue
            if places.normals_zyx is not None:
                session.surfaces.view.face(zyx, places.normals_zyx[index])
            else:
                session.fly_to(zyx)
            count = len(places.zyx)
            session.status_message.emit(
                f"A label tells most here (place {index + 1} of {count}): click what is a "
                "particle, X what is none."
            )
            return
        session.status_message.emit(ALL_SEEN)

    def _known(self, scores: ScoresInView) -> Known | None:
        """Return what is labelled now."""
        session, entry, surface = self._session, self._session.entry, scores.surface
        if entry is None:
            return None
        picks = tuple(
            pick
            for pick in entry.picks
            if pick.class_name in (scores.class_name, JUNK)
            and pick.state is not PickState.PROPOSED
            and (surface is None or pick.membrane == surface.name)
        )
        regions = tuple(
            region
            for region in entry.regions
            if not region.class_names or scores.class_name in region.class_names
        )
        complete = None if surface is None else session.surfaces.complete_mask()
        return Known(picks, regions, complete)
