"""The profile at the clicks of the membrane in view, and the band of depths that it suggests."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal
from scipy.spatial import KDTree

from tomoscribe.membranes.slab import Profile, Slab, profile, suggest_band
from tomoscribe.picks.table import PickState, positions_zyx

if TYPE_CHECKING:
    from napari.components import ViewerModel
    from numpy.typing import NDArray

    from tomoscribe.membranes.membrane import Membrane
    from tomoscribe.ui.session import Session

BACKGROUND_VERTICES = 2500
"""So many give the background's profile to a few per cent, in a millisecond."""

FEW = 2
"""Fewer clicks suggest nothing."""

Band = tuple[float, float]

_profiles: weakref.WeakKeyDictionary[ViewerModel, ClickProfile] = weakref.WeakKeyDictionary()


def nearest_vertices(tree: KDTree, positions_zyx: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the vertices nearest to positions (N, 3), each once."""
    if not len(positions_zyx):
        return np.zeros(0, np.int64)
    _, found = tree.query(positions_zyx)
    return np.unique(found)


def thinned(slab: Slab, clicked: NDArray[np.int64]) -> Slab:
    """Return a slab of the clicked vertices first, then some thousand others."""
    count = len(slab.values)
    others = np.arange(0, count, max(count // BACKGROUND_VERTICES, 1))
    others = others[~np.isin(others, clicked)]
    return Slab(slab.values[np.concatenate([clicked, others])], slab.depths_A)


class ClickProfile:
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
        self._membrane: Membrane | None = None
        self._tree: KDTree | None = None
        self.profile: Profile | None = None
        self.clicks = 0
        self.suggested: Band | None = None
        session.membrane_changed.connect(self.refresh)
        session.picks_changed.connect(self.refresh)
        self.refresh()

    @classmethod
    def of(cls, session: Session) -> ClickProfile:
        """Return the profile of a session."""
        viewer = session.viewer
        if viewer not in _profiles:
            _profiles[viewer] = cls(session)
        return _profiles[viewer]

    def refresh(self, *_: object) -> None:
        """Compute profile and band anew."""
        membrane = self._session.membrane
        if membrane is not self._membrane:
            self._membrane = membrane
            self._tree = None if membrane is None else KDTree(membrane.mesh.vertices_zyx)
        if membrane is None or self._tree is None:
            self.profile, self.clicks, self.suggested = None, 0, None
        else:
            clicked = nearest_vertices(self._tree, self._clicked())
            slab = thinned(membrane.slab, clicked)
            first = np.arange(len(clicked))
            self.clicks = len(clicked)
            self.profile = profile(slab, first)
            self.suggested = suggest_band(slab, first)
        self.changed.emit()

    def _clicked(self) -> NDArray[np.float64]:
        entry, name = self._session.entry, self._session.membrane_name
        if entry is None:
            return np.zeros((0, 3))
        picks = entry.picks.select(state=PickState.ACCEPTED)
        return positions_zyx(p for p in picks if p.membrane == name)


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
