"""A list of what was missed and what was proposed beside, to step through with the camera."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.evaluation.judgement import Standing
from tomoscribe.ui.compare.judge import Judge
from tomoscribe.ui.compare.match_steps import Step, steps_of
from tomoscribe.ui.compare.matched_layer import LEGEND, LOOKS, MatchedLayer
from tomoscribe.ui.compare.review import Review
from tomoscribe.ui.compare.step_list import StepList, StepModel
from tomoscribe.ui.connections import connect
from tomoscribe.ui.widgets import enable

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from tomoscribe.ui.session import Session

NONE_LEFT = "Nothing was missed, and nothing proposed beside your picks."
NOT_YET = "Nothing is judged yet: unfold “How good?” in Compare, with scores in view."
ABOUT = "F and Shift+F step through; G accepts, H rejects."


class MatchList(StepList[Step]):
    """The picks that were missed, and the proposals beside them."""

    coloured_tip = "Marks how the side in view stands to your picks, in the canvas."
    view_tip = "Missed picks first, then extra proposals by score. Click or Enter: fly there."

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        model: StepModel[Step] = StepModel(ABOUT, lambda standing: LOOKS[standing][1])
        super().__init__(session, model, LEGEND, parent)
        self._judge = Judge.of(session)
        self._review = Review.of(session)
        self._layer = MatchedLayer(session)
        connect(self, session.membranes.shown_changed, self._on_mesh)
        connect(self, session.current_changed, self._on_mesh)
        self.refresh()

    @property
    def current(self) -> Step | None:
        """The step that is selected."""
        place = self.view.currentIndex().row()
        return self.model.steps[place] if 0 <= place < len(self.model.steps) else None

    def refresh(self) -> None:
        """Show how the side in view is judged now; what is selected stays if it is still there."""
        before, place = self.current, self.view.currentIndex().row()
        sample, verdicts = self._judge.in_view, self._judge.verdicts()
        steps = [] if sample is None or verdicts is None else steps_of(sample, verdicts)
        if steps != self.model.steps:
            self.model.set_steps(steps)
            self._select_again(before, place)
        missed = sum(step.standing is Standing.MISSED for step in steps)
        self.counts.setText(f"{missed} missed, {len(steps) - missed} extra" if sample else "")
        why = None if steps else self._why_empty()
        for widget in (self.next, self.previous):
            enable(widget, why)
        enable(self.coloured, NOT_YET if sample is None else None)
        self._draw()

    def _fly_to(self, step: Step) -> None:
        """Fly there; an extra proposal is then under review, for G and H."""
        self._review.fly_to(step.zyx, step.normal_zyx)
        if step.standing is not Standing.MISSED:
            self._review.put_under_review(step.place)

    def _why_empty(self) -> str:
        return NOT_YET if self._judge.in_view is None else NONE_LEFT

    def _select_again(self, before: Step | None, place: int) -> None:
        """Select what was selected; where it was answered, stay at its place in the list."""
        if before is None:
            return
        same = [i for i, step in enumerate(self.model.steps) if step.zyx == before.zyx]
        if same:
            self.view.setCurrentIndex(self.model.index(same[0]))
        elif place > 0:
            # The next step is then the one that followed.
            self.view.setCurrentIndex(self.model.index(min(place, len(self.model.steps)) - 1))

    def _draw(self) -> None:
        if self.coloured.isChecked():
            self._layer.show(self._judge.in_view, self._judge.verdicts())
        else:
            self._layer.hide()

    def _on_mesh(self, *_: object) -> None:
        self._draw()
