"""Looks in a thread for what the scores in view propose, and what the other side says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.training.previews import decode_scores
from tomoscribe.ui.annotate.pick_style import diameter_voxels
from tomoscribe.ui.background import Background
from tomoscribe.ui.compare.other_side import other_map
from tomoscribe.ui.compare.review_order import both_sides
from tomoscribe.ui.scores.proposals import Comparison, propose, propose_on_mesh

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tomoscribe.evaluation.proposals import Proposals
    from tomoscribe.picks.table import Pick
    from tomoscribe.ui.compare.other_side import OtherMap
    from tomoscribe.ui.compare.review_order import OtherSide
    from tomoscribe.ui.membranes.membrane_shelf import ShelvedMembrane
    from tomoscribe.ui.scores.score_feed import ScoreFeed
    from tomoscribe.ui.scores.score_map import ScoreGrid
    from tomoscribe.ui.session import Session


@dataclass(frozen=True, eq=False)
class Question:
    """What is proposed, by scores (z, y, x) of one class that may go on being written."""

    values: NDArray[np.uint8]
    grid: ScoreGrid
    class_name: str
    source: str
    diameter: float
    surface: ShelvedMembrane | None
    picks: tuple[Pick, ...]
    other: OtherMap | None = None

    def answer(self) -> tuple[Comparison, OtherSide | None]:
        """Return the proposals set against the picks, and what the other side says of them."""
        # A copy, because new blocks go on being written into the live heatmap. It is made here:
        # of a large tomogram it takes 50 ms.
        values = self.values.copy()
        found, both = self._peaks(values, self.grid, self.source), None
        if self.other is not None:
            theirs = self._peaks(self.other.values, self.other.grid, self.other.source)
            lookups = (
                reader(values, self.grid, self.surface),
                reader(self.other.values, self.other.grid, self.surface),
            )
            both = both_sides(found, theirs, self.other.threshold, lookups)
            found = both.proposals
        return Comparison(found, self.picks).prepared(), both

    def _peaks(self, values: NDArray[np.uint8], grid: ScoreGrid, source: str) -> Proposals:
        if self.surface is None:
            return propose(values, grid, self.diameter, self.class_name, source)
        return propose_on_mesh(values, self.surface, self.diameter, self.class_name, source)


class ProposalFinder:
    """Asks of what is fed; only the newest question is answered."""

    def __init__(self, session: Session, feed: ScoreFeed) -> None:
        self._session = session
        self._feed = feed
        self._thread = Background(reads_only=True)

    @property
    def busy(self) -> bool:
        """Whether proposals are being sought."""
        return self._thread.busy

    def question(self, source: str, *, with_other: bool) -> Question | None:
        """Return what to ask of the scores in view; None where nothing can be proposed yet."""
        heat, entry, surface = self._feed.layer, self._session.entry, self._surface()
        values, grid, name = heat.computed, heat.grid, heat.class_name
        if values is None or grid is None or entry is None:
            return None
        if self._feed.segmented is not None:
            return None  # maps of a segmentation hold no particles
        if name is None or name not in grid.class_names:
            return None  # the checkpoint in view does not know the class
        if self._feed.kind == "mesh" and (
            surface is None or values.shape[-1] != len(surface.membrane.mesh.vertices_zyx)
        ):
            return None  # the membrane is still being read
        return Question(
            values[grid.class_names.index(name)],
            grid,
            name,
            source,
            diameter_voxels(self._session.classes, name, entry.voxel_size_A),
            surface,
            tuple(entry.picks),
            other_map(self._session, name) if with_other else None,
        )

    def find(
        self, question: Question, then: Callable[[Comparison, OtherSide | None], None]
    ) -> None:
        """Answer a question in the thread, then call `then`."""
        self._thread.run(question.answer, lambda found: then(*found))

    def drop(self) -> None:
        """Forget the question under way."""
        self._thread.drop()

    def close(self) -> None:
        """End the thread."""
        self._thread.close()

    def _surface(self) -> ShelvedMembrane | None:
        """Return the membrane that is fed, where one is and it is loaded."""
        if self._feed.kind != "mesh":
            return None
        surface = self._session.surfaces.shelved
        return surface if surface is not None and surface.name == self._feed.sample else None


def reader(
    values: NDArray[np.uint8], grid: ScoreGrid, surface: ShelvedMembrane | None
) -> Callable[[NDArray[np.float64]], NDArray[np.float32]]:
    """Return what reads a stored map's scores (N,) at tomogram voxels (N, 3): the nearest one."""

    def read(zyx: NDArray[np.float64]) -> NDArray[np.float32]:
        if not len(zyx):
            return np.zeros(0, np.float32)
        if surface is not None:
            return decode_scores(values[0, 0][surface.tree.query(zyx)[1]])
        places = np.rint((zyx - (grid.bin - 1) / 2) / grid.bin).astype(int)
        places = np.clip(places, 0, np.array(values.shape) - 1)
        return decode_scores(values[tuple(places.T)])

    return read
