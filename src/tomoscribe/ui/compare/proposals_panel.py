"""The part of *Compare* where a threshold decides what is proposed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QLabel, QVBoxLayout, QWidget

from tomoscribe.evaluation.compared import UNMEASURED
from tomoscribe.ui import style
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.scores.histogram import ThresholdHistogram
from tomoscribe.ui.scores.score_map import NO_SCORES
from tomoscribe.ui.widgets import button, enable, heading

if TYPE_CHECKING:
    from tomoscribe.ui.compare.review import Review
    from tomoscribe.ui.session import Session

WAITING = "Proposals come with the first scores of this training."


class ProposalsPanel(QWidget):
    """Histogram with the threshold, what is proposed by whom, and *Accept all*."""

    def __init__(self, session: Session, review: Review, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._review = review
        self._monitor = RunMonitor.of(session)
        self._sides = Sides.of(session)
        self._own_threshold = False
        self._suggested: float | None = None
        self.histogram = ThresholdHistogram()
        self.histogram.threshold_changed.connect(self._on_threshold)
        self.counts = QLabel()
        self.counts.setWordWrap(True)
        self.accept_all = button("Accept all above", "One step of undo.", review.accept_all)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING)
        layout.addWidget(heading("Proposals"))
        layout.addWidget(self.histogram)
        layout.addWidget(self.counts)
        layout.addWidget(self.accept_all)

    @property
    def why_nothing(self) -> str | None:
        """Why there are no proposals, None if there are."""
        if self._review.comparison is not None:
            return None
        return WAITING if self._monitor.alive else NO_SCORES

    def forget_threshold(self) -> None:
        """Follow the thresholds that the tool chooses again."""
        self._own_threshold = False

    def suggest(self) -> None:
        """Follow the threshold chosen for what is in view, unless the user has set one."""
        name = self._monitor.feed.layer.class_name
        suggested = None if name is None else self._sides.threshold(name)
        self._suggested = suggested
        self.histogram.set_suggested(suggested)
        if name is not None and not self._own_threshold:
            self.histogram.set_threshold(UNMEASURED if suggested is None else suggested)
            self._own_threshold = False

    def refresh(self) -> None:
        """Show how many are proposed, by whom and from which threshold on."""
        review, comparison = self._review, self._review.comparison
        nothing = self.why_nothing
        left = 0 if comparison is None else int(comparison.shown(review.threshold).sum())
        if comparison is None:
            self.counts.setText("Looking for proposals…" if review.busy else nothing or "")
        else:
            above = int((comparison.proposals.scores >= review.threshold).sum())
            text = f"<b>{above}</b> proposed {self._whose()} at {review.threshold:.2g}"
            text += f" ({self._threshold_words()})"
            if left < above:
                text += f", {left} of them open"
            if comparison.known:
                found = comparison.found(review.threshold)
                text += f"; {found} of your {len(comparison.known)} picks found"
            self.counts.setText(text + ".")
        enable(self.histogram, nothing)
        none_above = None if left else "No proposal is above the threshold."
        enable(self.accept_all, nothing or none_above)
        self.accept_all.setText(f"Accept all {left} above" if left else "Accept all above")

    def show_scores(self) -> None:
        """Bring the histogram up to date with the proposals."""
        proposals = self._review.proposals
        self.histogram.set_scores([] if proposals is None else proposals.scores)

    def _whose(self) -> str:
        proposals = self._review.proposals
        return self._sides.words_of("" if proposals is None else proposals.source)

    def _threshold_words(self) -> str:
        if self._own_threshold:
            return "yours"
        return "not measured yet" if self._suggested is None else "its own threshold"

    def _on_threshold(self, value: float) -> None:
        self._own_threshold = value != self._suggested
        self._review.set_threshold(value)
