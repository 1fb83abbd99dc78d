"""Proposals of the heatmap in view: finding them, choosing a threshold, accepting, rejecting."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal
from qtpy.QtCore import QTimer

from tomoscribe.picks.table import HUMAN, JUNK, PickState
from tomoscribe.ui.annotate.junk import Junk
from tomoscribe.ui.compare.proposal_finder import ProposalFinder
from tomoscribe.ui.compare.review_order import Order, OtherSide, in_order
from tomoscribe.ui.membranes.membrane_view import turn_to
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.scores.predicted import ProposedPicks
from tomoscribe.ui.scores.proposal_layer import ProposalLayer
from tomoscribe.ui.scores.proposals import Comparison
from tomoscribe.ui.scores.score_map import LIVE
from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tomoscribe.evaluation.proposals import Proposals
    from tomoscribe.picks.table import Pick
    from tomoscribe.ui.membranes.mesh_pick_tool import Spot
    from tomoscribe.ui.session import Session

NOTHING = "Nothing to review: no proposal is open."
JUDGED_AT = 0.8
"""Cosine between normal and way to the viewer below which a proposal is too oblique to judge."""

SEEKING = "Looking for proposals; press N again in a moment."

NO_OTHER = "There is no other side to disagree with here: choose A and B, or another order."

AGREE = "A and B agree on all open proposals; choose another order to review on."


class Review(SessionBound):
    """The proposals of what the heatmap layer shows, their threshold, and the one under review.

    Get it with `Review.of(session)`. Emits `changed` whenever numbers or layer changed.
    """

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self.session = session
        self.comparison: Comparison | None = None
        self.threshold = 0.5
        self.current: int | None = None
        self.order = Order.UNSURE
        self._other: OtherSide | None = None
        self._source: str | None = None
        self._feed = RunMonitor.of(session).feed
        self._layer = ProposalLayer(session)
        self._stored = ProposedPicks(session)
        self._visible = False
        self._stale = False
        self._reviewed: tuple[float, ...] | None = None
        self._flight: tuple[Proposals, int] | None = None
        self._finder = ProposalFinder(session, self._feed)
        session.picks_changed.connect(self._on_picks)
        session.membranes.shown_changed.connect(self._on_mesh)
        session.closed.connect(self.close)
        Junk.of(session).of_ring = self.reject_ring
        Junk.of(session).of_review = self.reject_reviewed

    @property
    def proposals(self) -> Proposals | None:
        """The proposals, None before there are any."""
        return None if self.comparison is None else self.comparison.proposals

    @property
    def busy(self) -> bool:
        """Whether proposals are being sought."""
        return self._finder.busy

    def find(self, source: str) -> None:
        """Look for the proposals of the heatmap that is shown, in a thread; `source` made it."""
        question = self._finder.question(source, with_other=self.order is Order.DISAGREE)
        if question is None:
            self.clear()
            return
        heat = self._feed.layer
        if heat.shown is not LIVE and self.proposals and self.proposals.source != source:
            self._drop_others()
        self._source = source
        self._finder.find(question, self.take)

    def take(self, comparison: Comparison, other: OtherSide | None = None) -> None:
        """Show proposals; the one under review stays if it is among them."""
        if self.session.entry is None:
            return
        if other is not None or comparison.proposals is not self.proposals:
            self._other = other
        picks = tuple(self.session.entry.picks)
        if picks != comparison.picks:  # the user went on while they were sought
            comparison = Comparison(comparison.proposals, picks)
        place, self._reviewed = self._place() or self._reviewed, None
        self.comparison, self._stale = comparison, False
        self.current = None if place is None else comparison.nearest_open(place)
        self._show()

    def show(self, visible: bool) -> None:
        """Show the proposals, or hide them while the user does something else."""
        self._visible = visible
        if visible and self._stale:
            self._compare_again()
        elif visible:
            self._show()
        self._layer.show_layer(visible)

    def prepare(self) -> None:
        """Make the layer before it has anything to show: a new one holds the window up."""
        self._layer.prepare()

    def clear(self) -> None:
        """Forget the proposals, as for another tomogram."""
        self._finder.drop()
        self.comparison, self.current, self._stale = None, None, False
        self._reviewed = self._source = self._other = None
        self._layer.clear()
        self.changed.emit()

    def set_threshold(self, threshold: float) -> None:
        """Propose only what scores at least this."""
        self.threshold = threshold
        self._show()

    def counts(self) -> tuple[int, int]:
        """Return how many proposals of models were accepted, and how many were rejected."""
        entry = self.session.entry
        if entry is None:
            return 0, 0
        accepted = sum(
            1 for p in entry.picks if p.source != HUMAN and p.state == PickState.ACCEPTED
        )
        return accepted, sum(1 for p in entry.picks if p.state == PickState.REJECTED)

    @property
    def waiting(self) -> int:
        """How many picks that a file proposed await an answer."""
        return self._stored.waiting

    @property
    def stored_pick(self) -> Pick | None:
        """The pick that a file proposed and that is selected to be answered."""
        return self._stored.current

    def set_order(self, order: Order) -> None:
        """Review in another order; what is under review stays until the next."""
        if order is self.order:
            return
        self.order = order
        self.find_again()
        self.changed.emit()

    def find_again(self) -> None:
        """Look for the proposals of what is in view once more, as the other side may have changed.

        Nothing is done where only the side in view counts.
        """
        has_other = self._other is not None
        if self._source is not None and (self.order is Order.DISAGREE or has_other):
            self.find(self._source)

    def ahead(self, count: int) -> list[int]:
        """Return which proposals come next, whether the one under review is answered or not."""
        if self.comparison is None:
            return []
        order = [i for i in self._in_order() if i != self.current]
        full = list(self._in_order())
        after = full.index(self.current) + 1 if self.current in full else 0
        both = [*order[:count], *full[after : after + count]]
        return list(dict.fromkeys(int(i) for i in both))

    def next(self) -> None:
        """Fly to the open proposal that is the first in order, or to the one after."""
        if self.comparison is None:
            if not self._stored.next():
                self.session.status_message.emit(SEEKING if self.busy else NOTHING)
            self.changed.emit()
            return
        order = self._in_order()
        if not len(order):
            self.current = None
            if not self._stored.next():
                self.session.status_message.emit(self._why_none())
        else:
            # Asking again without an answer goes on to the one after.
            position = (
                int(np.flatnonzero(order == self.current)[0]) + 1 if self.current in order else 0
            )
            self.current = int(order[position % len(order)])
            self._fly_to(self.comparison.proposals, self.current)
        self._show()

    def _in_order(self) -> NDArray[np.intp]:
        assert self.comparison is not None
        return in_order(self.comparison, self.threshold, self.order, self._other)

    def _why_none(self) -> str:
        if self.order is not Order.DISAGREE:
            return NOTHING
        if self.busy:
            return SEEKING
        return NO_OTHER if self._other is None else AGREE

    def accept(self) -> None:
        """Make the proposal under review a pick, and go to the next."""
        self._answer(PickState.ACCEPTED)

    def reject(self) -> None:
        """Store that there is no particle (training: a hard negative), and go to the next."""
        self._answer(PickState.REJECTED)

    def reject_ring(self, spot: Spot) -> bool:
        """Make junk of the proposal whose ring is shown at a place; tell whether there is one."""
        comparison = self.comparison
        if comparison is None or not self._visible:
            return False
        found, shown = comparison.proposals, comparison.shown(self.threshold)
        if self.current is not None:
            shown[self.current] = True
        if found.normals_zyx is not None and spot.normal_zyx is not None:
            shown &= found.normals_zyx @ np.asarray(spot.normal_zyx) > 0
        distances = np.linalg.norm(found.zyx - np.asarray(spot.zyx), axis=1)
        distances[~shown] = np.inf
        if not len(distances) or distances.min() > found.diameter_voxels / 2:
            return False
        self._make_junk(int(np.argmin(distances)))
        return True

    def reject_reviewed(self) -> bool:
        """Make junk of the proposal under review; tell whether there is one."""
        if self.current is None or not self._visible:
            return False
        self._make_junk(self.current)
        return True

    def _make_junk(self, index: int) -> None:
        under_review = index == self.current
        self.current = None if under_review else self.current
        self._add(np.array([index]), PickState.REJECTED, time.time(), JUNK)
        if under_review:
            self.next()

    def accept_all(self) -> int:
        """Make every proposal above the threshold a pick, as one step of undo; return how many."""
        if self.comparison is None:
            return 0
        indices = np.flatnonzero(self.comparison.shown(self.threshold))
        if len(indices):
            self._add(indices, PickState.ACCEPTED)
        return len(indices)

    def close(self) -> None:
        """Let go of the session and end the thread."""
        self._finder.close()

    def _answer(self, state: PickState) -> None:
        if self.current is None:
            if not self._stored.answer(state):
                self.next()
            return
        answered = np.array([self.current])
        self.current = None
        self._add(answered, state, time.time())
        self.next()

    def _add(
        self,
        indices: NDArray[np.intp],
        state: PickState,
        answered: float | None = None,
        class_name: str | None = None,
    ) -> None:
        """Make picks of proposals; `answered` is when, for those that were judged one by one."""
        entry, proposals = self.session.entry, self.proposals
        if entry is None or proposals is None:
            return
        source, scores = proposals.source, [float(s) for s in proposals.scores[indices]]
        if self._other is not None and len(indices) == 1:
            source, scores[0] = self._other.credit(int(indices[0]), self.threshold)
        normals = proposals.normals_zyx
        self.session.edit(
            entry.picks.make_add(
                proposals.zyx[indices],
                class_name or proposals.class_name,
                scores=scores,
                state=state,
                source=source,
                normals_zyx=None if normals is None else normals[indices],
                membrane=proposals.membrane,
                answered=answered,
            )
        )

    def _drop_others(self) -> None:
        """Hide what another checkpoint proposed; what is under review is sought again."""
        self._reviewed = self._place() or self._reviewed
        self.comparison, self.current, self._stale = None, None, False
        self._other = None
        self._show()

    def _fly_to(self, proposals: Proposals, index: int) -> None:
        """Fly there in the next turn of the event loop: napari slices every layer for it.

        With the answer that came before, one turn would be too long.
        """
        waiting, self._flight = self._flight, (proposals, index)
        if waiting is None:
            QTimer.singleShot(0, self._fly)

    def _fly(self) -> None:
        flight, self._flight = self._flight, None
        if flight is None or flight[0] is not self.proposals or self.session.entry is None:
            return  # something else is shown by now
        proposals, index = flight
        normals = proposals.normals_zyx
        self.fly_to(proposals.zyx[index], None if normals is None else normals[index])

    def fly_to(self, zyx: Sequence[float], normal_zyx: Sequence[float] | None = None) -> None:
        """Fly to a place; where its mesh is seen too obliquely to judge, turn to it."""
        self.session.fly_to(zyx)
        if normal_zyx is not None and self.session.membranes.shown:
            camera = self.session.viewer.scene.camera
            if -float(np.dot(camera.view_direction, normal_zyx)) < JUDGED_AT:
                turn_to(self.session.viewer, np.asarray(normal_zyx))

    def put_under_review(self, place: Sequence[float]) -> None:
        """Put the open proposal at one of `Proposals.places` under review, none if there is none.

        The camera stays.
        """
        if self.comparison is not None:
            self.current = self.comparison.nearest_open(place)
            self._show()

    def _place(self) -> tuple[float, ...] | None:
        if self.current is None or self.proposals is None:
            return None
        return tuple(self.proposals.places[self.current])

    def _on_mesh(self, _shown: bool) -> None:
        self._show()  # rings are smaller on a mesh, and lifted

    def _on_picks(self) -> None:
        if not self._visible:
            self._stale = self.comparison is not None  # made up for when it is shown
            self.changed.emit()
        else:
            self._compare_again()

    def _compare_again(self) -> None:
        entry = self.session.entry
        if self.proposals is not None and entry is not None:
            self.take(Comparison(self.proposals, tuple(entry.picks)), self._other)
        else:
            self.changed.emit()

    def _show(self) -> None:
        if self._visible and self.comparison is None:
            self._layer.clear()
        elif self._visible and self.comparison is not None:
            shown = self.comparison.shown(self.threshold)
            self._layer.show(self.proposals, shown, self.current)
        self.changed.emit()
