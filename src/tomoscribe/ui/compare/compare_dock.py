"""The dock *Compare*: checkpoints over time, proposals above a threshold, and their review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QDockWidget, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.annotate.instant import SOURCE as INSTANT
from tomoscribe.ui.compare.compare_actions import CompareActions
from tomoscribe.ui.compare.judgement_panel import JudgementPanel
from tomoscribe.ui.compare.proposals_panel import ProposalsPanel
from tomoscribe.ui.compare.review import Review
from tomoscribe.ui.compare.review_panel import ReviewPanel
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.compare.sides_panel import SidesPanel
from tomoscribe.ui.connections import connect, lend
from tomoscribe.ui.labels.mode import LabelMode
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.scores.score_library import ScoreLibrary
from tomoscribe.ui.segments.decoder_panel import DecoderPanel
from tomoscribe.ui.segments.object_picker import ObjectPicker
from tomoscribe.ui.segments.object_window import ObjectWindow
from tomoscribe.ui.segments.segments import Segments
from tomoscribe.ui.widgets import dock_of, scrolling_column

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtGui import QHideEvent, QShowEvent

    from tomoscribe.ui.session import Session

LIVE_MS = 2000
"""Proposals of the growing heatmap are sought again this often."""

PREPARE_MS = 100
"""After a run is followed: each layer that napari makes holds the window up for one turn."""


class CompareDock(QWidget):
    """Puts the panels one below the other, and lets them work while somebody sees them.

    Attributes
    ----------
    sides_panel, proposals_panel, review_panel, judgement_panel, actions_row : QWidget
        From top to bottom.
    decoder_panel : DecoderPanel
        Takes the place of proposals and review while maps of a segmentation are in view.
    review : Review
        The proposals of what is in view.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._monitor = RunMonitor.of(session)
        self._sides = Sides.of(session)
        self.review = Review.of(session)
        self.sides_panel = SidesPanel(session)
        self.proposals_panel = ProposalsPanel(session, self.review)
        self.review_panel = ReviewPanel(session, self.review)
        self.segments = Segments.of(session)
        self.decoder_panel = DecoderPanel(session, self._show_objects)
        self.object_picker = ObjectPicker(session, self.segments, self)
        self._objects: ObjectWindow | None = None
        self.judgement_panel = JudgementPanel(session)
        self.actions_row = CompareActions(session)
        self._train: QDockWidget | None = None
        self._train_seen = False
        self._docked = self._seen = False
        self._blocks_seen = -1
        self._timer = QTimer(self)
        self._timer.setInterval(LIVE_MS)
        self._timer.timeout.connect(self._follow_live)
        self._timer.start()
        self._build()
        self._connect()
        self._on_segments()
        self._on_scores()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Show the proposals of what is in view now; get to know the dock around this."""
        super().showEvent(event)
        dock = dock_of(self)
        if dock is not None and not self._docked:
            self._docked = True
            # Qt moves the dock of another tab out of the window, and calls it visible still.
            dock.visibilityChanged.connect(self._on_seen)
        self._on_seen(self.isVisible())

    def hideEvent(self, event: QHideEvent | None) -> None:
        """Take a training's proposals away while the user picks or watches the training."""
        super().hideEvent(event)
        self._on_seen(False)

    def refresh(self) -> None:
        """Show numbers and what can be done, if anyone sees it."""
        if self._seen:
            self.proposals_panel.refresh()
            self.review_panel.refresh(self.proposals_panel.why_nothing)
            self.actions_row.refresh()

    def _build(self) -> None:
        layout = scrolling_column(self)
        panels = (
            self.sides_panel, self.decoder_panel, self.proposals_panel, self.review_panel,
            self.judgement_panel,
        )  # fmt: skip
        for panel in panels:
            layout.addWidget(panel)
            layout.addSpacing(style.SPACING)
        layout.addStretch(1)
        layout.addWidget(self.actions_row)

    def _connect(self) -> None:
        connect(self, self.review.changed, self._on_review)
        connect(self, self._monitor.feed.changed, self._on_scores)
        self._preparing = QTimer(self)
        self._preparing.setSingleShot(True)
        self._preparing.setInterval(PREPARE_MS)
        self._preparing.timeout.connect(self._prepare_objects)
        connect(self, self._monitor.followed, self._on_follow)
        connect(self, self._session.current_changed, self._on_follow)
        connect(self, self._session.closed, self._end)
        connect(self, self.segments.changed, self._on_segments)
        connect(self, LabelMode.of(self._session).changed, self._on_segments)
        actions: dict[str, Callable[[], None]] = {
            "accept": self.review.accept,
            "reject": self.review.reject,
            "next_uncertain": self._next,
            **self.sides_panel.actions,
        }
        lend(self, self._session, actions)

    def _end(self) -> None:
        self._timer.stop()

    def _on_segments(self) -> None:
        """Show what belongs to objects, or to particles; without scores, what is annotated."""
        nothing = self._monitor.feed.layer.content is None
        comes = nothing and LabelMode.of(self._session).on
        # What a training has left in view stays there until the next one's first maps come.
        comes = comes or (self.segments.awaited and not self._is_instant())
        segmented = self.segments.maps is not None or comes
        self.decoder_panel.setVisible(segmented)
        self.judgement_panel.show_kind(segmented=segmented)
        for panel in (self.proposals_panel, self.review_panel):
            panel.setVisible(not segmented)

    def _show_objects(self) -> None:
        """Open the table of the objects."""
        if self._objects is None:
            self._objects = ObjectWindow(self._session, self.segments, self)
        self._objects.refresh()
        self._objects.show()
        self._objects.raise_()

    def _on_seen(self, seen: bool) -> None:
        """Work only while the user sees this."""
        if seen == self._seen:
            return
        self._seen = seen
        self.judgement_panel.set_seen(seen)
        ScoreLibrary.of(self._session).watch(seen)
        if seen:
            self._on_scores()
            self._on_review()
        else:
            self.review.show(self._wanted())

    def _wanted(self) -> bool:
        """Tell whether rings are shown: in Compare, and those of the clicks except in Train."""
        return self._seen or (self._is_instant() and not self._train_seen)

    def _watch_train(self) -> None:
        """Get to know the dock *Train*, which comes into the window on its own."""
        window = self.window()
        if self._train is not None or window is None:
            return
        docks = [d for d in window.findChildren(QDockWidget) if d.windowTitle() == "Train"]
        for dock in docks[:1]:
            self._train = dock
            dock.visibilityChanged.connect(self._on_train_seen)
            dock.destroyed.connect(self._forget_train)  # it may be opened again

    def _forget_train(self, *_: object) -> None:
        self._train, self._train_seen = None, False

    def _on_train_seen(self, seen: bool) -> None:
        self._train_seen = seen
        self.review.show(self._wanted())

    def _is_instant(self) -> bool:
        """Tell whether the heatmap is the answer to the clicks: its proposals are always shown."""
        return self._monitor.feed.layer.shown == INSTANT

    def _next(self) -> None:
        """Go to the next proposal, from any tab."""
        dock = dock_of(self)
        if dock is not None and not self._seen and not self._is_instant():
            dock.raise_()
        self.review.next()

    def _on_scores(self) -> None:
        source = self._sides.source
        self.sides_panel.refresh()
        self._on_segments()
        self.proposals_panel.suggest()
        self._watch_train()
        wanted = self._seen or self._is_instant()
        self.review.show(self._wanted())
        if source is None or self._monitor.feed.layer.content is None:
            self.review.clear()
        elif wanted:
            self.review.find(source)
        self.refresh()

    def _follow_live(self) -> None:
        """Look again at the heatmap that grows, while someone sees it."""
        seen = sum(self._monitor.record.block_counts.values())
        source = self._sides.source
        if self._seen and seen != self._blocks_seen and source and not self.review.busy:
            self._blocks_seen = seen
            self.proposals_panel.suggest()
            self.review.find(source)

    def _on_review(self) -> None:
        if self._seen:
            self.proposals_panel.show_scores()
            self.refresh()

    def _prepare_objects(self) -> None:
        """Make the layer of objects while a worker starts, not when its first block comes."""
        mode, project = LabelMode.of(self._session), self._session.project
        if self._session.pending is not None:
            return  # an image without a voxel size counts in voxels: it is shown anew
        if mode.on and project is not None:
            colors = None if mode.objects else [c.color for c in project.label_classes]
            self.segments.layer.prepare(colors)

    def _on_follow(self) -> None:
        if self._monitor.run is not None and LabelMode.of(self._session).on:
            self._preparing.start()
        elif self._monitor.run is not None:
            self.review.prepare()
        self.proposals_panel.forget_threshold()
        self._blocks_seen = -1
        self._on_scores()
