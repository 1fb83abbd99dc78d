"""The layer `normals`: a short tick outward from each pick that has a normal, in 2D and 3D."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.picks.table import PickState
from tomoscribe.ui.annotate.pick_style import UNKNOWN_CLASS_COLOR, diameter_voxels, rgba
from tomoscribe.ui.line_layer import LineLayer

if TYPE_CHECKING:
    from tomoscribe.picks.table import Pick
    from tomoscribe.ui.session import Session

NAME = "normals"
LENGTH = 0.9
"""In diameters: out of the disc of the pick, and clear of the next one."""

WIDTH = 0.09
"""In diameters."""


class NormalTicks:
    """Keeps the ticks and the pick table the same."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lines = LineLayer(session, NAME, "line", projection="all")
        self._on = True
        self._dragged: Pick | None = None
        for signal in (session.picks_changed, session.current_changed, session.class_changed):
            signal.connect(self.follow)
        session.membranes.shown_changed.connect(self.follow)
        session.membrane_changed.connect(self.follow)

    @property
    def lines(self) -> LineLayer:
        """The ticks as they are drawn."""
        return self._lines

    @property
    def on(self) -> bool:
        """Whether ticks are shown."""
        return self._on

    def set_on(self, on: bool) -> None:
        """Show ticks, or not."""
        self._on = on
        self.follow()

    def show_dragged(self, pick: Pick | None) -> None:
        """Draw a pick of the table as this one while it is dragged; None ends it."""
        self._dragged = pick
        self.follow()

    def follow(self, *_: object) -> None:
        """Draw a tick for each pick with a normal that was not rejected; in 3D of one membrane."""
        only = self._session.membrane_name if self._session.membranes.shown else None
        entry, classes = self._session.entry, self._session.classes
        moved = {} if self._dragged is None else {self._dragged.id: self._dragged}
        picks = [
            p
            for held in (entry.picks if entry is not None else ())
            for p in (moved.get(held.id, held),)
            if p.normal_zyx is not None
            and p.state != PickState.REJECTED
            and only in {None, p.membrane}
        ]
        if entry is None or not picks or not self._on:
            self._lines.hide()
            return
        colors = {c.name: c.color for c in classes}
        sizes = np.array(
            [diameter_voxels(classes, p.class_name, entry.voxel_size_A) for p in picks]
        )
        starts = np.array([p.zyx for p in picks])
        ways = LENGTH * sizes[:, None] * np.array([p.normal_zyx for p in picks])
        looks = np.array([rgba(colors.get(p.class_name, UNKNOWN_CLASS_COLOR)) for p in picks])
        self._lines.draw(np.stack([starts, ways], axis=1), looks, WIDTH * float(np.median(sizes)))
