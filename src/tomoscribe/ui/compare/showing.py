"""Brings what the sides say onto the main canvas: a checkpoint, the live blocks, or a difference.

It holds no widget. Volumes and meshes are the same here; the score map that is fed draws them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from psygnal import Signal
from qtpy.QtCore import QObject, QTimer

from tomoscribe.ui.annotate.instant import SOURCE as INSTANT
from tomoscribe.ui.background import Background
from tomoscribe.ui.compare.sides import LETTERS, Letter, Sides
from tomoscribe.ui.connections import at_end, connect
from tomoscribe.ui.runs.focus_writer import focus_box
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.scores.difference import difference_of
from tomoscribe.ui.scores.score_library import READING, ScoreLibrary
from tomoscribe.ui.scores.score_map import LIVE
from tomoscribe.ui.scores.stored_scores import About, KnownScores

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.training.checkpoint_ref import CheckpointRef
    from tomoscribe.ui.scores.score_map import ScoreGrid, ScoreMap
    from tomoscribe.ui.session import Session

GROWING_MS = 1000
"""A difference with what still grows is worked out again this often; so is the focus told."""


class Showing(QObject):
    """Follows the sides as long as its owner lives.

    Emits `changed` when a side's scores came, grew, or cannot come.
    """

    changed = Signal()

    def __init__(self, session: Session, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._monitor = RunMonitor.of(session)
        self._sides = Sides.of(session)
        self._library = ScoreLibrary.of(session)
        self._next: tuple[CheckpointRef, ...] = ()
        self._differ = Background(self, reads_only=True)
        self._differing: tuple[object, ...] = ()
        self._timer = QTimer(self)
        self._timer.setInterval(GROWING_MS)
        self._timer.timeout.connect(self._on_time)
        self._timer.start()
        connect(self, self._sides.changed, self.show)
        connect(self, self._library.changed, self._on_known)
        connect(self, self._library.told, self._on_told)
        connect(self, self._monitor.followed, self._on_followed)
        connect(self, session.closed, self.close)
        library = self._library
        at_end(self, lambda: library.hold(()))
        self.show()

    def scores(self, letter: Letter) -> KnownScores | None:
        """Return the scores of a side on the sample in view, as far as they are in memory."""
        side, sample, feed = self._sides.side(letter), self._sides.sample, self._monitor.feed
        if side.live:
            live = feed.layer.live
            if live is None:
                return None
            about = About(live.grid, 1.0, {}, feed.kind, feed.segmented)
            return KnownScores(about, live.values)
        if side.ref is None or sample is None:
            return None
        known = self._library.get(side.ref, sample)
        return known if known is not None and known.kind == feed.kind else None

    def state_of(self, letter: Letter) -> str:
        """Return in one line what holds a side's scores up; empty if nothing does."""
        side, sample, feed = self._sides.side(letter), self._sides.sample, self._monitor.feed
        if side.live or side.ref is None or sample is None:
            return ""
        known = self._library.get(side.ref, sample)
        if known is not None and known.kind != feed.kind:
            return f"{side.ref.source} scores a {known.kind}; a {feed.kind} is in view."
        return self._library.state_of(side.ref, sample)

    def prefetch(self, refs: Sequence[CheckpointRef]) -> None:
        """Read these too: they are about to be looked at."""
        self._next = tuple(refs)
        self._hold()

    def show(self) -> None:
        """Show what the sides say, as far as it is known."""
        self._hold()
        letter, layer = self._sides.letter_in_view, self._monitor.feed.layer
        if self._sides.mode == "difference":
            self._show_difference(layer)
        else:
            self._differ.drop()
            self._differing = ()
            self._show_side(letter, layer)
        self.changed.emit()

    def close(self) -> None:
        """End thread and timer."""
        self._timer.stop()
        self._differ.close()

    def _show_side(self, letter: Letter, layer: ScoreMap) -> None:
        side = self._sides.side(letter)
        if side.live or side.ref is None:
            if layer.shown not in (LIVE, INSTANT) or layer.shows_difference:
                layer.show_live()
            return
        known = self.scores(letter)
        if known is not None:
            drawn = layer.drawn
            if layer.shown != side.ref.source or drawn is None or drawn.values is not known.values:
                layer.show(side.ref.source, known.grid, known.values)
        elif self.state_of(letter) != READING and layer.shown != side.ref.source:
            layer.show_nothing(side.ref.source)

    def _show_difference(self, layer: ScoreMap) -> None:
        a, b = self.scores("a"), self.scores("b")
        if a is None or b is None or self._sides.why_not_two is not None:
            self._differing = ()
            self._show_side("b", layer)
            return
        asked = (id(a.values), a.coverage, id(b.values), b.coverage, self._blocks())
        if asked == self._differing:
            return
        self._differing = asked
        if layer.shown != self._shown_as("b"):
            self._show_side("b", layer)

        def differ() -> tuple[ScoreGrid, NDArray[np.uint8]]:
            return difference_of(a.values, a.grid, b.values, b.grid)

        self._differ.run(differ, self._take)

    def _take(self, found: tuple[ScoreGrid, NDArray[np.uint8]]) -> None:
        layer = self._monitor.feed.layer
        if self._sides.mode == "difference":
            layer.show_difference(*found)
            self.changed.emit()

    def _shown_as(self, letter: Letter) -> str | None:
        side = self._sides.side(letter)
        return LIVE if side.live or side.ref is None else side.ref.source

    def _blocks(self) -> int:
        """Return what tells whether a live side has grown."""
        live = any(self._sides.side(letter).live for letter in LETTERS)
        return sum(self._monitor.record.block_counts.values()) if live else 0

    def _hold(self) -> None:
        sides, sample = self._sides, self._sides.sample
        if sample is None:
            self._library.hold([])
            return
        both = sides.mode in ("blink", "side_by_side", "difference")
        letters = (sides.letter_in_view, *LETTERS) if both else (sides.letter_in_view,)
        needed = [sides.side(letter) for letter in dict.fromkeys(letters)]
        refs = [side.ref for side in needed if side.ref is not None and not side.live]
        self._library.hold([(ref, sample) for ref in (*refs, *self._next)])

    def _on_known(self, ref: CheckpointRef, sample: str) -> None:
        if sample != self._sides.sample or ref not in (self._sides.a, self._sides.b):
            return
        layer, in_view = self._monitor.feed.layer, self._sides.in_view
        self.show()
        if ref == in_view and not layer.shows_difference:
            layer.touch()
            layer.flush()

    def _on_told(self) -> None:
        self.changed.emit()

    def _on_followed(self, *_: object) -> None:
        self._next = ()
        self.show()  # the sides may be the same, but the score map was emptied

    def _on_time(self) -> None:
        if self._sides.mode == "difference":
            self._show_difference(self._monitor.feed.layer)
        self._library.look(focus_box(self._session, self._monitor.feed.kind))
