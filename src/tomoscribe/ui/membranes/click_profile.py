"""The profile at the clicks on a tomogram's membranes, and the band of depths that it suggests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

from tomoscribe.membranes.slab import Profile, Slab, profile, suggest_band
from tomoscribe.picks.table import PickState, positions_zyx
from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy.spatial import cKDTree

    from tomoscribe.ui.membranes.membrane_shelf import ShelvedMembrane
    from tomoscribe.ui.session import Session

BACKGROUND_VERTICES = 2500
"""So many give the background's profile to a few per cent, in a millisecond."""

FEW = 2
"""Fewer clicks suggest nothing."""

Band = tuple[float, float]


def nearest_vertices(tree: cKDTree, positions_zyx: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the vertices nearest to positions (N, 3), each once."""
    if not len(positions_zyx):
        return np.zeros(0, np.int64)
    _, found = tree.query(positions_zyx)
    return np.unique(found)


def thinned(parts: Sequence[tuple[Slab, NDArray[np.int64]]]) -> Slab:
    """Return one slab of the clicked vertices of all parts first, then some thousand others."""
    clicked = [slab.values[vertices] for slab, vertices in parts]
    others = []
    for slab, vertices in parts:
        count = len(slab.values)
        some = np.arange(0, count, max(count * len(parts) // BACKGROUND_VERTICES, 1))
        others.append(slab.values[some[~np.isin(some, vertices)]])
    return Slab(np.concatenate([*clicked, *others]), parts[0][0].depths_A)


class ClickProfile(SessionBound):
    """Follows the session; emits `changed`. Get it with `ClickProfile.of(session)`.

    Attributes
    ----------
    profile : Profile or None
        None while no membrane is shown.
    clicks : int
        Vertices that it is the profile of.
    suggested : tuple of float or None
        Depths in Å; usual ones while there are too few clicks.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self.profile: Profile | None = None
        self.clicks = 0
        self.suggested: Band | None = None
        session.membrane_changed.connect(self.refresh)
        session.picks_changed.connect(self.refresh)
        session.surfaces.shelf.arrived.connect(self._on_arrived)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Compute profile and band anew."""
        shown = self._session.surfaces.shelved
        if shown is None:
            self.profile, self.clicks, self.suggested = None, 0, None
        else:
            parts = self._parts(shown)
            slab = thinned(parts)
            self.clicks = sum(len(vertices) for _, vertices in parts)
            first = np.arange(self.clicks)
            self.profile = profile(slab, first)
            self.suggested = suggest_band(slab, first)
        self.changed.emit()

    def _on_arrived(self, name: str) -> None:
        """Take the clicks on a membrane into account that was still being read."""
        entry = self._session.entry
        if entry is not None and any(pick.membrane == name for pick in entry.picks):
            self.refresh()

    def _parts(self, shown: ShelvedMembrane) -> list[tuple[Slab, NDArray[np.int64]]]:
        """Return the membrane that is shown, and others with clicks, each with its clicks."""
        depths = shown.membrane.slab.depths_A
        parts = [(shown.membrane.slab, self._clicked(shown))]
        for other in self._session.surfaces.loaded():
            slab = other.membrane.slab
            if other is not shown and np.array_equal(slab.depths_A, depths):
                vertices = self._clicked(other)
                if len(vertices):
                    parts.append((slab, vertices))
        return parts

    def _clicked(self, surface: ShelvedMembrane) -> NDArray[np.int64]:
        entry = self._session.entry
        picks = [] if entry is None else entry.picks.select(state=PickState.ACCEPTED)
        places = positions_zyx(p for p in picks if p.membrane == surface.name)
        if not len(places):
            return np.zeros(0, np.int64)
        return nearest_vertices(surface.tree, places)


def band_words(own: Band | None, clicked: ClickProfile) -> str:
    """Return which depths the next training looks at, and why."""
    band = own or clicked.suggested
    if band is None:
        return ""
    if own is not None:
        why = "set by you"
    elif clicked.clicks >= FEW:
        why = f"where {clicked.clicks} clicks differ from the rest"
    else:
        why = "the usual, until there are clicks"
    return f"Looks at {band[0]:+.0f} to {band[1]:+.0f} Å: {why}."
