"""Proposals of the heatmap in view: finding them, choosing a threshold, accepting, rejecting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from psygnal import Signal

from tomoscribe.picks.table import HUMAN, PickState
from tomoscribe.ui.annotate.pick_style import diameter_voxels
from tomoscribe.ui.background import Background
from tomoscribe.ui.connections import connect
from tomoscribe.ui.membranes.membrane_view import turn_to
from tomoscribe.ui.scores.predicted import ProposedPicks
from tomoscribe.ui.scores.proposal_layer import ProposalLayer
from tomoscribe.ui.scores.proposals import Comparison, propose, propose_on_mesh
from tomoscribe.ui.scores.score_map import LIVE

if TYPE_CHECKING:
    from qtpy.QtCore import QObject

    from tomoscribe.evaluation.proposals import Proposals
    from tomoscribe.ui.membranes.membrane_shelf import ShelvedMembrane
    from tomoscribe.ui.scores.score_feed import ScoreFeed
    from tomoscribe.ui.session import Session

NOTHING = "Nothing to review: no proposal is open."
JUDGED_AT = 0.8
"""Cosine between normal and way to the viewer below which a proposal is too oblique to judge."""

SEEKING = "Looking for proposals; press N again in a moment."


class Review:
    """The proposals of what the heatmap layer shows, their threshold, and the one under review.

    Emits `changed` whenever numbers or layer changed.
    """

    changed = Signal()

    def __init__(self, session: Session, feed: ScoreFeed, parent: QObject | None = None) -> None:
        self.session = session
        self.comparison: Comparison | None = None
        self.threshold = 0.5
        self.current: int | None = None
        self._feed = feed
        self._layer = ProposalLayer(session)
        self._stored = ProposedPicks(session)
        self._visible = False
        self._stale = False
        self._reviewed: tuple[float, ...] | None = None
        self._finder = Background(parent)
        connect(self._finder, session.picks_changed, self._on_picks)
        connect(self._finder, session.membranes.shown_changed, self._on_mesh)
        connect(self._finder, session.closed, self.close)

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
        heat, entry = self._feed.layer, self.session.entry
        surface = self._surface()
        values, grid, name = heat.computed, heat.grid, heat.class_name
        if values is None or grid is None or name is None or entry is None:
            self.clear()
            return
        if self._feed.kind == "mesh" and (
            surface is None or values.shape[-1] != len(surface.membrane.mesh.vertices_zyx)
        ):
            self.clear()  # the membrane is still being read
            return
        if heat.shown is not LIVE and self.proposals and self.proposals.source != source:
            self._drop_others()
        diameter = diameter_voxels(self.session.classes, name, entry.voxel_size_A)
        # A copy, because new blocks go on being written into the live heatmap.
        copy = values[grid.class_names.index(name)].copy()
        picks = tuple(entry.picks)

        def compare() -> Comparison:
            if surface is None:
                found = propose(copy, grid, diameter, name, source)
            else:
                found = propose_on_mesh(copy, surface, diameter, name, source)
            return Comparison(found, picks).prepared()

        self._finder.run(compare, self.take)

    def take(self, comparison: Comparison) -> None:
        """Show proposals; the one under review stays if it is among them."""
        if self.session.entry is None:
            return
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
        self._reviewed = None
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

    def next(self) -> None:
        """Fly to the open proposal that the model is least sure of."""
        if self.comparison is None:
            if not self._stored.next():
                self.session.status_message.emit(SEEKING if self.busy else NOTHING)
            return
        order = self.comparison.by_uncertainty(self.threshold)
        if not len(order):
            self.current = None
            if not self._stored.next():
                self.session.status_message.emit(NOTHING)
        else:
            # Asking again without an answer goes on to the one after.
            position = (
                int(np.flatnonzero(order == self.current)[0]) + 1 if self.current in order else 0
            )
            self.current = int(order[position % len(order)])
            self._fly_to(self.comparison.proposals, self.current)
        self._show()

    def accept(self) -> None:
        """Make the proposal under review a pick, and go to the next."""
        self._answer(PickState.ACCEPTED)

    def reject(self) -> None:
        """Store that there is no particle (training: a hard negative), and go to the next."""
        self._answer(PickState.REJECTED)

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
        self.session.picks_changed.disconnect(self._on_picks, missing_ok=True)
        self._finder.close()

    def _answer(self, state: PickState) -> None:
        if self.current is None:
            if not self._stored.answer(state):
                self.next()
            return
        answered = np.array([self.current])
        self.current = None
        self._add(answered, state)
        self.next()

    def _add(self, indices: np.ndarray, state: PickState) -> None:
        entry, proposals = self.session.entry, self.proposals
        if entry is None or proposals is None:
            return
        normals = proposals.normals_zyx
        self.session.edit(
            entry.picks.make_add(
                proposals.zyx[indices],
                proposals.class_name,
                scores=[float(s) for s in proposals.scores[indices]],
                state=state,
                source=proposals.source,
                normals_zyx=None if normals is None else normals[indices],
                membrane=proposals.membrane,
            )
        )

    def _drop_others(self) -> None:
        """Hide what another checkpoint proposed; what is under review is sought again."""
        self._reviewed = self._place() or self._reviewed
        self.comparison, self.current, self._stale = None, None, False
        self._show()

    def _surface(self) -> ShelvedMembrane | None:
        """Return the membrane that is fed, where one is and it is loaded."""
        if self._feed.kind != "mesh":
            return None
        surface = self.session.surfaces.shelved
        return surface if surface is not None and surface.name == self._feed.sample else None

    def _fly_to(self, proposals: Proposals, index: int) -> None:
        normals = proposals.normals_zyx
        self.session.fly_to(proposals.zyx[index])
        if normals is not None and self.session.membranes.shown:
            camera = self.session.viewer.scene.camera
            if -float(np.dot(camera.view_direction, normals[index])) < JUDGED_AT:
                turn_to(self.session.viewer, normals[index])

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
            self.take(Comparison(self.proposals, tuple(entry.picks)))
        else:
            self.changed.emit()

    def _show(self) -> None:
        if self._visible and self.comparison is None:
            self._layer.clear()
        elif self._visible and self.comparison is not None:
            shown = self.comparison.shown(self.threshold)
            self._layer.show(self.proposals, shown, self.current)
        self.changed.emit()
