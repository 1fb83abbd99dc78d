"""The part of *Compare* where proposals are answered one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtWidgets import QVBoxLayout, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.widgets import button, enable, heading, hint, row

if TYPE_CHECKING:
    from tomoscribe.ui.compare.review import Review
    from tomoscribe.ui.session import Session


class ReviewPanel(QWidget):
    """Accept, reject, next, and how far it has come."""

    def __init__(self, session: Session, review: Review, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._review = review
        self.accept = button("Accept  G", "It is a particle.", review.accept)
        self.reject = button("Reject  H", "It is none: training learns that.", review.reject)
        self.next = button("Next  N", "Flies to what the model is least sure of.", review.next)
        self.answers = hint()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING)
        layout.addWidget(heading("Review"))
        layout.addLayout(row(self.accept, self.reject, self.next))
        layout.addWidget(self.answers)

    def refresh(self, why_nothing: str | None) -> None:
        """Show how many are answered; `why_nothing` says why there are no proposals, if so."""
        comparison = self._review.comparison
        accepted, rejected = self._review.counts()
        waiting = self._review.waiting
        left = 0 if comparison is None else int(comparison.shown(self._review.threshold).sum())
        self.answers.setText(
            f"{accepted} accepted, {rejected} rejected, {left + waiting} still open."
        )
        for widget in (self.accept, self.reject, self.next):
            enable(widget, None if waiting else why_nothing)
