"""Counter-examples that all classes share: one key over what is no particle of any class."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.picks.table import JUNK, Edit, PickState
from tomoscribe.ui.membranes.mesh_pick_tool import LEAST_REACH, placed
from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomoscribe.picks.table import Pick
    from tomoscribe.ui.membranes.mesh_pick_tool import Spot
    from tomoscribe.ui.session import Session

OPEN_FIRST = "Open a tomogram first, then point at what is no particle and press X."


class Junk(SessionBound):
    """Makes junk of what is under the cursor. Get it with `Junk.of(session)`.

    Attributes
    ----------
    of_ring : callable
        Given the place under the cursor, rejects the proposal there for all classes and tells
        whether there was one; whoever shows proposals puts it in.
    of_review : callable
        Does so with the proposal under review, which is meant while the mouse is not over the
        canvas.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.of_ring: Callable[[Spot], bool] = lambda spot: False
        self.of_review: Callable[[], bool] = lambda: False

    def under_cursor(self) -> None:
        """Add a counter-example where the mouse is, or make one of the pick or ring there."""
        session = self._session
        if session.entry is None:
            session.status_message.emit(OPEN_FIRST)
            return
        if not session.viewer.mouse_over_canvas and self.of_review():
            return
        spot = session.picks.tool.cursor_spot(LEAST_REACH)
        if spot is None:
            session.status_message.emit(session.picks.tool.why_nothing())
        elif session.membranes.shown and spot.membrane != session.membrane_name:
            session.change(lambda: session.set_membrane(spot.membrane))
        else:
            self._at(spot)

    def _at(self, spot: Spot) -> None:
        pick = self._session.picks.tool.hit(np.array(spot.zyx), spot.normal_zyx)
        if pick is not None:
            self._instead_of(pick)
        elif not self.of_ring(spot):
            self._add(spot)

    def _instead_of(self, pick: Pick) -> None:
        """Make junk of a pick, as it is the user who says so; undo brings it back."""
        session, entry = self._session, self._session.entry
        if entry is None or pick.class_name == JUNK:
            return
        # Over what a model proposed it is an answer, as H is.
        answered = time.time() if pick.state is PickState.PROPOSED else pick.answered
        change = entry.picks.make_change(
            [pick.id], class_name=JUNK, state=PickState.REJECTED, answered=answered
        )
        session.edit(change)
        session.status_message.emit(f"The {pick.class_name} is junk now; Ctrl+Z takes it back.")

    def _add(self, spot: Spot) -> None:
        entry = self._session.entry
        if entry is None:
            return
        (pick,) = entry.picks.make_add([spot.zyx], JUNK, state=PickState.REJECTED).after
        self._session.edit(Edit(after=(placed(pick, spot),)))
