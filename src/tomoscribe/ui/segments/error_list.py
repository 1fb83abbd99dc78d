"""What the segmentation in view missed and found beside the labels, to step through."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QSizePolicy, QWidget

from tomoscribe.evaluation.judgement import Standing
from tomoscribe.evaluation.segments.objects import MARK_OF
from tomoscribe.evaluation.segments.places import Spot
from tomoscribe.evaluation.segments.words import spot_text
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.compare.step_list import StepList, StepModel
from tomoscribe.ui.connections import connect
from tomoscribe.ui.labels.painter import LabelPainter
from tomoscribe.ui.segments.marks_layer import COLORS, LEGEND, MarksLayer
from tomoscribe.ui.segments.segment_judge import SegmentJudge
from tomoscribe.ui.segments.segments import Segments
from tomoscribe.ui.widgets import enable

if TYPE_CHECKING:
    from tomoscribe.evaluation.segments.judgement import JudgedClass
    from tomoscribe.ui.session import Session

MOST = 500
"""Lines of the list: the largest errors, then as many matches."""
NOT_YET = "Nothing is judged yet: unfold “How good?” in Compare, with a segmentation in view."
NOTHING = "Nothing is labelled that could be missed, and A and B differ nowhere much."
ABOUT = "F and Shift+F step through."


@dataclass(frozen=True)
class ErrorStep:
    """An object, a piece of a class, or a place where A and B differ: voxels z, y, x."""

    standing: Standing
    zyx: tuple[float, float, float]
    text: str


class ErrorList(StepList[ErrorStep]):
    """Errors of a segmentation, and where A and B differ."""

    coloured_tip = (
        "Colours what the side in view found by how it stands to your labels, instead of "
        "by object or class; what is painted is hidden meanwhile."
    )
    view_tip = (
        "Errors of the side in view, the largest first, then where A and B differ most, then "
        "what matches, the worst first. Click or Enter: fly there."
    )

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        model: StepModel[ErrorStep] = StepModel(ABOUT, lambda standing: COLORS[MARK_OF[standing]])
        super().__init__(session, model, LEGEND, parent)
        self._judge = SegmentJudge.of(session)
        self._sides = Sides.of(session)
        self._segments = Segments.of(session)
        self.layer = MarksLayer(session)
        self.legend.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
        self._paint_hidden = False
        connect(self, self._judge.changed, self.refresh)
        connect(self, self._sides.changed, self.refresh)
        connect(self, session.current_changed, self.refresh)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show how the side in view is judged now."""
        found, judged = self._judge.found, self._judge.in_view()
        steps = [] if found is None else [*_steps(judged)]
        if found is not None:
            matches = [s for s in steps if s.standing is Standing.MATCHED]
            errors = [s for s in steps if s.standing is not Standing.MATCHED]
            apart = [
                ErrorStep(Standing.OPEN, (z, y, x), "A and B differ around here")
                for one in found.agreements
                for z, y, x in one.places[:MOST].tolist()
            ]
            steps = [*errors[:MOST], *apart, *matches[:MOST]]
        if steps != self.model.steps:
            self.model.set_steps(steps)
        self.counts.setText(_counts(judged))
        why = None if steps else self._why_empty()
        for widget in (self.next, self.previous):
            enable(widget, why)
        marked = any(one.marks for one in judged.values())
        enable(self.coloured, None if marked else self._why_empty())
        self._draw()

    def _fly_to(self, step: ErrorStep) -> None:
        self._session.fly_to(step.zyx)

    def _why_empty(self) -> str:
        return NOT_YET if self._judge.found is None else NOTHING

    def hide_marks(self) -> None:
        """Take the marks away: particles are in view, or nobody looks."""
        self.layer.hide()
        self._segments.show_marks(False)
        self._hide_paint(False)

    def _hide_paint(self, hidden: bool) -> None:
        """Hide what is painted, which would cover the marks; what the user hid stays hidden."""
        layer = LabelPainter.of(self._session).layer
        if layer is None or hidden == self._paint_hidden:
            return
        if hidden and not layer.visible:
            return
        self._paint_hidden, layer.visible = hidden, not hidden

    def _draw(self) -> None:
        judged = self._judge.in_view()
        wanted = self.coloured.isChecked() and self._sides.mode != "difference"
        marks = [m for one in judged.values() for m in one.marks] if wanted else []
        if marks:
            self.layer.show(marks)
            self._segments.show_marks(True)
            self._hide_paint(True)
        else:
            self.hide_marks()


def _steps(judged: dict[str, JudgedClass]) -> list[ErrorStep]:
    spots = sorted((spot for one in judged.values() for spot in one.spots), key=Spot.rank)
    # The name of the only class would push the figures out of a narrow dock.
    alone = len({spot.class_name for spot in spots}) == 1
    return [
        ErrorStep(s.standing, s.zyx, spot_text(replace(s, class_name="") if alone else s))
        for s in spots
    ]


def _counts(judged: dict[str, JudgedClass]) -> str:
    standings = [spot.standing for one in judged.values() for spot in one.spots]
    if not standings:
        return ""
    missed, extra = (standings.count(s) for s in (Standing.MISSED, Standing.WRONG))
    return f"{missed} missed, {extra} extra"
