"""The dock *Compare*: checkpoints over time, proposals above a threshold, and their review."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QTimer
from qtpy.QtWidgets import QComboBox, QDockWidget, QLabel, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.annotate.instant import SOURCE as INSTANT
from tomoscribe.ui.compare.checkpoint_bar import CheckpointBar
from tomoscribe.ui.compare.review import Review
from tomoscribe.ui.connections import connect, lend
from tomoscribe.ui.export_dialog import ExportDialog
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.starter import Starter
from tomoscribe.ui.scores.histogram import ThresholdHistogram
from tomoscribe.ui.scores.score_map import LIVE, NO_SCORES
from tomoscribe.ui.widgets import button, enable, heading, hint, row, scrolling_column

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from qtpy.QtGui import QHideEvent, QShowEvent

    from tomoscribe.ui.session import Session

LIVE_MS = 2000
"""Proposals of the growing heatmap are sought again this often."""

UNMEASURED = 0.5
"""Threshold of a checkpoint before the first validation."""

WAITING = "Proposals come with the first scores of this training."


class CompareDock(QWidget):
    """Puts slider, histogram and review together; `Review` and monitor hold what they show."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._monitor = RunMonitor.of(session)
        self._starter = Starter.of(session)
        self.review = Review(session, self._monitor.feed, self)
        self.checkpoints = CheckpointBar(session)
        self.class_name = QComboBox()
        self.class_name.setToolTip("Class of the heatmap and of the proposals")
        self.histogram = ThresholdHistogram()
        self.counts = QLabel()
        self.counts.setWordWrap(True)
        self.accept_all = button("Accept all above", "One step of undo.", self.review.accept_all)
        self.accept = button("Accept  G", "It is a particle.", self.review.accept)
        self.reject = button("Reject  H", "It is none: training learns that.", self.review.reject)
        self.next = button("Next  N", "Flies to what the model is least sure of.", self.review.next)
        self.answers = hint()
        self.go_on = button(
            "Continue training",
            "Starts from the checkpoint in view, with all answers.",
            self._go_on,
        )
        self.export = button("Export…", "Writes the accepted picks.", self.show_export)
        self.why_no_start = hint()
        self._own_threshold = False
        self._suggested: float | None = None
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
        self._on_heatmap()

    def showEvent(self, event: QShowEvent | None) -> None:
        """Show the proposals of what is in view now; get to know the dock around this."""
        super().showEvent(event)
        dock = self._dock()
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
        if not self._seen:
            return
        comparison, threshold = self.review.comparison, self.review.threshold
        missing = WAITING if self._monitor.alive else NO_SCORES
        if comparison is None:
            self.counts.setText("Looking for proposals…" if self.review.busy else missing)
        else:
            count = int(comparison.shown(threshold).sum())
            text = f"<b>{count}</b> proposed {self._whose()} at {threshold:.2g}"
            text += f" ({self._threshold_words()})"
            if comparison.own:
                text += (
                    f", {comparison.found(threshold)} of your {len(comparison.own)} clicks found"
                )
            self.counts.setText(text + ".")
        accepted, rejected = self.review.counts()
        left = 0 if comparison is None else int(comparison.shown(threshold).sum())
        waiting = self.review.waiting
        self.answers.setText(
            f"{accepted} accepted, {rejected} rejected, {left + waiting} still open."
        )
        nothing = None if comparison is not None else missing
        enable(self.histogram, nothing)
        for widget in (self.accept, self.reject, self.next):
            enable(widget, None if waiting else nothing)
        enable(
            self.accept_all, nothing or (None if left else "No proposal is above the threshold.")
        )
        self.accept_all.setText(f"Accept all {left} above" if left else "Accept all above")
        self._show_go_on()

    def show_export(self) -> ExportDialog:
        """Open the export dialog."""
        dialog = ExportDialog(self._session, self)
        dialog.show()
        return dialog

    def _build(self) -> None:
        layout = scrolling_column(self)
        layout.addLayout(row(heading("Checkpoint"), self.class_name, stretch=0))
        layout.addWidget(self.checkpoints)
        layout.addSpacing(style.SPACING)
        layout.addWidget(heading("Proposals"))
        layout.addWidget(self.histogram)
        layout.addWidget(self.counts)
        layout.addWidget(self.accept_all)
        layout.addSpacing(style.SPACING)
        layout.addWidget(heading("Review"))
        layout.addLayout(row(self.accept, self.reject, self.next))
        layout.addWidget(self.answers)
        layout.addStretch(1)
        layout.addLayout(row(self.go_on, self.export, stretch=0))
        layout.addWidget(self.why_no_start)

    def _connect(self) -> None:
        self.checkpoints.chosen.connect(self._monitor.feed.choose)
        self.histogram.threshold_changed.connect(self._on_threshold)
        self.class_name.activated.connect(lambda _: self._on_class())
        connect(self, self.review.changed, self._on_review)
        connect(self, self._monitor.feed.changed, self._on_heatmap)
        connect(self, self._monitor.followed, self._on_follow)
        connect(self, self._session.current_changed, self._on_follow)
        connect(self, self._starter.changed, self._show_go_on)
        connect(self, self._session.closed, self._end)
        actions: dict[str, Callable[[], None]] = {
            "accept": self.review.accept,
            "reject": self.review.reject,
            "next_uncertain": self._next,
            "older_checkpoint": lambda: self.checkpoints.step(-1),
            "newer_checkpoint": lambda: self.checkpoints.step(+1),
            "blink": self.checkpoints.toggle_blink,
        }
        lend(self, self._session, actions)

    def _end(self) -> None:
        self._timer.stop()

    def _source(self) -> str | None:
        """Return what made the heatmap in view; run and checkpoint, so that a pick can name it."""
        shown, current, run = (
            self._monitor.feed.layer.shown,
            self.checkpoints.current,
            self._monitor.run,
        )
        known = {c.name for c in self.checkpoints.checkpoints}
        if shown is not LIVE and shown not in known:
            return shown  # not of a training, such as the instant answer
        if current is None or run is None:
            return None
        return f"{run.name}/{shown if shown is not LIVE else current.name}"

    def _dock(self) -> QDockWidget | None:
        parent = self.parentWidget()
        while parent is not None and not isinstance(parent, QDockWidget):
            parent = parent.parentWidget()
        return parent

    def _on_seen(self, seen: bool) -> None:
        """Work only while the user sees this."""
        if seen == self._seen:
            return
        self._seen = seen
        if seen:
            self._on_heatmap()
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

    def _on_train_seen(self, seen: bool) -> None:
        self._train_seen = seen
        self.review.show(self._wanted())

    def _is_instant(self) -> bool:
        """Tell whether the heatmap is the answer to the clicks: its proposals are always shown."""
        return self._monitor.feed.layer.shown == INSTANT

    def _next(self) -> None:
        """Go to the next proposal, from any tab."""
        dock = self._dock()
        if dock is not None and not self._seen and not self._is_instant():
            dock.raise_()
        self.review.next()

    def _on_heatmap(self) -> None:
        heat, source = self._monitor.feed.layer, self._source()
        names = () if heat.grid is None else heat.grid.class_names
        if [self.class_name.itemText(i) for i in range(self.class_name.count())] != list(names):
            self.class_name.clear()
            self.class_name.addItems(list(names))
        self.class_name.setCurrentText(heat.class_name or "")
        self.class_name.setVisible(len(names) > 1)
        self._suggest()
        self._watch_train()
        wanted = self._seen or self._is_instant()
        self.review.show(self._wanted())
        if source is None or heat.content is None:
            self.review.clear()
        elif wanted:
            self.review.find(source)
        self.refresh()

    def _follow_live(self) -> None:
        """Look again at the heatmap that grows, while someone sees it."""
        seen = sum(self._monitor.record.block_counts.values())
        source = self._source()
        if self._seen and seen != self._blocks_seen and source and not self.review.busy:
            self._blocks_seen = seen
            self._suggest()
            self.review.find(source)

    def _suggest(self) -> None:
        """Follow the threshold chosen for what is in view, unless the user has set one."""
        heat, sample = self._monitor.feed.layer, self._monitor.feed.sample
        name = heat.class_name
        suggested = None
        if sample is not None and name is not None:
            current = self.checkpoints.current
            newest = None if current is None else current.name
            shown = newest if heat.shown is LIVE else heat.shown
            suggested = self._monitor.record.threshold(shown, sample, name)
        self._suggested = suggested
        self.histogram.set_suggested(suggested)
        if name is not None and not self._own_threshold:
            self.histogram.set_threshold(UNMEASURED if suggested is None else suggested)
            self._own_threshold = False

    def _whose(self) -> str:
        """Return in words what the proposals that are shown come from."""
        proposals = self.review.proposals
        source = "" if proposals is None else proposals.source
        if source == INSTANT:
            return "by your clicks"
        names = {c.name: c.step for c in self.checkpoints.checkpoints}
        step = names.get(source.rpartition("/")[2])
        return "by the model" if step is None else f"by step {step}"

    def _threshold_words(self) -> str:
        if self._own_threshold:
            return "yours"
        return "not measured yet" if self._suggested is None else "its own threshold"

    def _on_threshold(self, value: float) -> None:
        self._own_threshold = value != self._suggested
        self.review.set_threshold(value)

    def _on_class(self) -> None:
        self._monitor.feed.layer.show_class(self.class_name.currentText())

    def _on_review(self) -> None:
        if not self._seen:
            return
        proposals = self.review.proposals
        self.histogram.set_scores([] if proposals is None else proposals.scores)
        self.refresh()

    def _on_follow(self) -> None:
        if self._monitor.run is not None:
            self.review.prepare()
        self._own_threshold = False
        self._blocks_seen = -1
        self._on_heatmap()

    def _checkpoint_file(self) -> Path | None:
        current, run = self.checkpoints.current, self._monitor.run
        if current is None or current.path is None or run is None:
            return None
        path = run.resolve(current.path)
        return path if path.is_file() else None

    def _show_go_on(self) -> None:
        why = self._starter.why_not()
        if why is None and self._checkpoint_file() is None:
            why = "The weights of this checkpoint were not kept; move the slider to another."
        enable(self.go_on, why)
        self.why_no_start.setText(why or "")
        self.why_no_start.setVisible(why is not None)

    def _go_on(self) -> None:
        path = self._checkpoint_file()
        if path is not None:
            self._starter.start(start_from=path)
