"""Particles that a predicted container brings: found on its scores, answered one by one."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.membranes.peaks import find_mesh_peaks
from tomoscribe.picks.peaks import SUPPRESSION
from tomoscribe.picks.table import Edit, PickState

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tomoscribe.picks.table import Pick
    from tomoscribe.ui.membranes.membrane_shelf import ShelvedMembrane
    from tomoscribe.ui.session import Session

MIN_SCORE = 0.5
"""Peaks below this are no particles for a model that was trained to its end."""


@dataclass(frozen=True)
class Predicted:
    """Particles of one class on a membrane.

    Parameters
    ----------
    class_name : str
    zyx, normals_zyx : (N, 3) array of float64
        Voxels of the tomogram; outward unit vectors.
    scores : (N,) array of float32
        0..1.
    """

    class_name: str
    zyx: NDArray[np.float64]
    normals_zyx: NDArray[np.float64]
    scores: NDArray[np.float32]


def find_predicted(
    shelved: ShelvedMembrane, diameter_of: Callable[[str], float]
) -> list[Predicted]:
    """Return the particles of a membrane with scores: its cluster centres, else the peaks.

    Parameters
    ----------
    shelved : ShelvedMembrane
    diameter_of : callable
        Gives the diameter in voxels of a class by its name in the container.
    """
    membrane = shelved.membrane
    if membrane.scores is None:
        return []
    if membrane.centers_zyx is not None:
        zyx, _, normals, _ = shelved.locator.closest_many(membrane.centers_zyx)
        _, vertices = shelved.tree.query(zyx)
        return [Predicted(membrane.class_names[0], zyx, normals, membrane.scores[0, vertices])]
    found = []
    for name, scores in zip(membrane.class_names, membrane.scores, strict=True):
        radius = SUPPRESSION * diameter_of(name)
        peaks = find_mesh_peaks(membrane.mesh, shelved.graph, scores, radius, MIN_SCORE)
        normals = peaks.normals_zyx(membrane.mesh, membrane.normals_zyx)
        found.append(Predicted(name, peaks.zyx, normals, peaks.scores))
    return found


class ProposedPicks:
    """The picks of the table that await an answer; those of the current membrane come first."""

    def __init__(self, session: Session) -> None:
        self._session = session

    @property
    def waiting(self) -> int:
        """How many there are."""
        return len(self._open())

    def next(self) -> bool:
        """Select the one that the model is least sure of and fly there; tell if there is one.

        Asking again without an answer goes on to the one after.
        """
        order = self._open()
        if not order:
            return False
        selected = self.current
        at = order.index(selected) + 1 if selected in order else 0
        pick, session = order[at % len(order)], self._session
        if pick.membrane and pick.membrane != session.membrane_name:
            session.change(lambda: session.set_membrane(pick.membrane))
        session.picks.select([pick.id])
        if session.membranes.shown:
            session.surfaces.view.face(pick.zyx, pick.normal_zyx)
        else:
            session.fly_to(pick.zyx)
        return True

    def answer(self, state: PickState) -> bool:
        """Accept or reject the one that is selected, and go on; tell if one was selected."""
        pick, entry = self.current, self._session.entry
        if pick is None or entry is None:
            return False
        change = entry.picks.make_change([pick.id], state=state, answered=time.time())
        self._session.edit(change)
        self._session.picks.select([])
        self.next()
        return True

    @property
    def current(self) -> Pick | None:
        """The proposed pick that alone is selected."""
        entry, ids = self._session.entry, self._session.picks.selected_ids()
        if entry is None or len(ids) != 1 or ids[0] not in entry.picks:
            return None
        pick = entry.picks[ids[0]]
        return pick if pick.state == PickState.PROPOSED else None

    def _open(self) -> list[Pick]:
        entry, membrane = self._session.entry, self._session.membrane_name
        proposed = [] if entry is None else entry.picks.select(state=PickState.PROPOSED)
        known = self._session.project.membranes if self._session.project is not None else {}
        return sorted(
            (p for p in proposed if not p.membrane or p.membrane in known),
            key=lambda p: (p.membrane != membrane, abs(np.nan_to_num(p.score) - MIN_SCORE), p.id),
        )


def edit_of(session: Session, found: list[Predicted], membrane: str, source: str) -> Edit:
    """Return the edit that adds particles as proposed picks; their classes must be there."""
    entry = session.entry
    assert entry is not None
    added: list[Pick] = []
    for each in found:
        edit = entry.picks.make_add(
            each.zyx,
            each.class_name,
            scores=[float(score) for score in each.scores],
            state=PickState.PROPOSED,
            source=source,
            normals_zyx=each.normals_zyx,
            membrane=membrane,
        )
        added += edit.after
    return Edit(after=tuple(added))
