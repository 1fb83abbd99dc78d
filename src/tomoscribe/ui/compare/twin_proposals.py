"""What side B proposes at its own threshold, as rings on the second canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.evaluation.compared import UNMEASURED
from tomoscribe.ui.annotate.pick_style import diameter_voxels
from tomoscribe.ui.background import Background
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.scores.proposal_layer import ProposalLayer
from tomoscribe.ui.scores.proposals import Comparison, propose, propose_on_mesh

if TYPE_CHECKING:
    from tomoscribe.evaluation.proposals import Proposals
    from tomoscribe.ui.scores.proposal_layer import Place
    from tomoscribe.ui.scores.stored_scores import KnownScores
    from tomoscribe.ui.session import Session


class TwinProposals:
    """Sought in a thread whenever B's scores are other ones, or have grown."""

    def __init__(self, session: Session, stage: Place) -> None:
        self._session = session
        self._sides = Sides.of(session)
        self._feed = RunMonitor.of(session).feed
        self._layer = ProposalLayer(stage)
        self._layer.show_layer(True)
        self._finder = Background(reads_only=True)
        self._asked: tuple[object, ...] = ()
        self._found: Proposals | None = None

    def follow(self, scores: KnownScores | None, class_name: str | None) -> None:
        """Show the proposals of these scores for a class."""
        session, entry = self._session, self._session.entry
        surface = session.surfaces.shelved if self._feed.kind == "mesh" else None
        if (
            scores is None or entry is None or scores.about.segmented is not None
            or class_name not in scores.grid.class_names
            or class_name is None or (surface is None) != (scores.kind == "volume")
        ):  # fmt: skip
            self._asked, self._found = (), None
            self._finder.drop()
            self._layer.clear()
            return
        asked = (id(scores.values), scores.coverage, class_name, self._sides.sample)
        if asked == self._asked:
            self._show()
            return
        self._asked = asked
        values = scores.values[scores.grid.class_names.index(class_name)].copy()
        diameter = diameter_voxels(session.classes, class_name, entry.voxel_size_A)
        grid, name = scores.grid, class_name

        def find() -> Proposals:
            if surface is None:
                return propose(values, grid, diameter, name, "b")
            return propose_on_mesh(values, surface, diameter, name, "b")

        self._finder.run(find, self._take)

    def close(self) -> None:
        """End the thread."""
        self._finder.close()

    def _take(self, found: Proposals) -> None:
        self._found = found
        self._show()

    def _show(self) -> None:
        found, entry = self._found, self._session.entry
        if found is None or entry is None:
            return
        threshold = self._sides.threshold_of(self._sides.b, found.class_name)
        comparison = Comparison(found, tuple(entry.picks))
        self._layer.show(found, comparison.shown(UNMEASURED if threshold is None else threshold))
