"""The part of *Compare* where proposals are answered one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QCheckBox, QComboBox, QVBoxLayout, QWidget

from tomoscribe.ui import style
from tomoscribe.ui.compare.next_place import NextPlace
from tomoscribe.ui.compare.other_side import other_ref
from tomoscribe.ui.compare.review_order import Order
from tomoscribe.ui.compare.review_view import ReviewView
from tomoscribe.ui.compare.running_score import RunningScoreView
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.compare.triptych import Triptych
from tomoscribe.ui.compare.uncertainty_layer import UncertaintyLayer
from tomoscribe.ui.connections import connect, lend
from tomoscribe.ui.scores.score_library import ScoreLibrary
from tomoscribe.ui.widgets import button, enable, heading, hint, row

if TYPE_CHECKING:
    from tomoscribe.training.checkpoint_ref import CheckpointRef
    from tomoscribe.ui.compare.review import Review
    from tomoscribe.ui.session import Session

ORDERS = {
    Order.UNSURE: "Those whose score is nearest to the threshold come first.",
    Order.DISAGREE: "Only what A or B alone proposes, the strongest difference first.",
    Order.BEST: "Those with the highest score come first.",
}
NO_SIDE = "Choose two checkpoints as A and B first."
PLACE_TIP = (
    "Flies to where most around is unsure and nothing is labelled yet; there click what is a "
    "particle, press X over what is none. It comes to no place twice until the map changes."
)
LAYER_TIP = (
    "Shows where the model is unsure: brightest at its threshold, nothing from 5 % down or 95 % up."
)


class ReviewPanel(QWidget):
    """The particle in three planes, the answers, in which order, and what they say so far."""

    def __init__(self, session: Session, review: Review, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._review = review
        self._places = NextPlace.of(session)
        self._unsure = UncertaintyLayer.of(session)
        self.order = QComboBox()
        for order, tip in ORDERS.items():
            self.order.addItem(str(order), order)
            self.order.setItemData(self.order.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.triptych = Triptych()
        self.view = ReviewView(review, self.triptych)
        self.accept = button("Accept  G", "It is a particle.", review.accept)
        self.reject = button("Reject  H", "It is none: training learns that.", review.reject)
        self.next = button("Next  N", "Flies to the next proposal in this order.", review.next)
        self.answers = hint()
        self.place = button("Where next  L", PLACE_TIP, self._places.go)
        self.show_unsure = QCheckBox("Show uncertainty")
        self.show_unsure.setToolTip(LAYER_TIP)
        self.show_unsure.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.show_unsure.toggled.connect(self._unsure.switch)
        self.score = RunningScoreView(session)
        self._build()
        self.order.activated.connect(lambda _: self._on_order())
        connect(self, Sides.of(session).changed, self._on_sides)
        connect(self, ScoreLibrary.of(session).changed, self._on_scores)
        connect(self, self._unsure.changed, self._on_unsure)
        lend(self, session, {"next_place": self._places.go})
        self._on_sides()
        self._on_unsure()

    def refresh(self, why_nothing: str | None) -> None:
        """Show how many are answered; `why_nothing` says why there are no proposals, if so."""
        comparison = self._review.comparison
        accepted, rejected = self._review.counts()
        waiting = self._review.waiting
        left = 0 if comparison is None else int(comparison.shown(self._review.threshold).sum())
        self.answers.setText(
            f"{accepted} accepted, {rejected} rejected, {left + waiting} above the threshold open."
        )
        for answer in (self.accept, self.reject, self.next):
            enable(answer, None if waiting else why_nothing)
        enable(self.place, why_nothing)
        enable(self.show_unsure, why_nothing)
        self._show_order()
        self.view.refresh()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING)
        layout.addLayout(row(heading("Review"), self.order, stretch=1))
        layout.addWidget(self.triptych)
        layout.addLayout(row(self.accept, self.reject, self.next))
        layout.addWidget(self.answers)
        layout.addLayout(row(self.place, self.show_unsure, stretch=1))
        layout.addWidget(self.score)

    def _on_order(self) -> None:
        self._review.set_order(self.order.currentData())
        self._show_order()

    def _show_order(self) -> None:
        with QSignalBlocker(self.order):
            self.order.setCurrentIndex(self.order.findData(self._review.order))
        self.order.setToolTip(ORDERS[self._review.order])

    def _on_sides(self, *_: object) -> None:
        """Offer disagreement where there are two sides, and look again at what they propose."""
        row_ = self.order.findData(Order.DISAGREE)
        two = other_ref(self._session) is not None
        item = self.order.model().item(row_)
        item.setEnabled(two)
        tip = ORDERS[Order.DISAGREE] if two else NO_SIDE
        self.order.setItemData(row_, tip, Qt.ItemDataRole.ToolTipRole)
        self._show_order()
        self._review.find_again()

    def _on_scores(self, ref: CheckpointRef, sample: str) -> None:
        if ref == other_ref(self._session) and sample == Sides.of(self._session).sample:
            self._review.find_again()

    def _on_unsure(self) -> None:
        with QSignalBlocker(self.show_unsure):
            self.show_unsure.setChecked(self._unsure.on)
