"""A list of what was missed and what was proposed beside, to step through with the camera."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from qtpy.QtCore import QAbstractListModel, QModelIndex, QObject, Qt
from qtpy.QtWidgets import QAbstractItemView, QCheckBox, QLabel, QListView, QVBoxLayout, QWidget

from tomoscribe.evaluation.judgement import Standing
from tomoscribe.ui import style
from tomoscribe.ui.compare.judge import Judge
from tomoscribe.ui.compare.match_steps import Step, steps_of
from tomoscribe.ui.compare.matched_layer import LEGEND, LOOKS, MatchedLayer
from tomoscribe.ui.compare.review import Review
from tomoscribe.ui.connections import connect
from tomoscribe.ui.widgets import button, enable, hint, row, swatch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tomoscribe.ui.session import Session

HEIGHT = 110
NONE_LEFT = "Nothing was missed, and nothing proposed beside your picks."
NOT_YET = "Nothing is judged yet: unfold “How good?” in Compare, with scores in view."
ABOUT = "F and Shift+F step through; G accepts, H rejects."
SIGNS = {Standing.MATCHED: "●", Standing.MISSED: "✖", Standing.WRONG: "○", Standing.OPEN: "○"}


class Place(Protocol):
    """What a line of the list needs to know."""

    @property
    def standing(self) -> Standing:
        """How it stands to what is known."""
        ...

    @property
    def zyx(self) -> tuple[float, float, float]:
        """Where it is, voxels."""
        ...

    @property
    def text(self) -> str:
        """What the list says of it."""
        ...


P = TypeVar("P", bound=Place)


class StepModel(QAbstractListModel, Generic[P]):
    """The steps for Qt's views; `about` ends their tooltips, `color_of` colours them."""

    def __init__(
        self, about: str, color_of: Callable[[Standing], str], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._about, self._color_of = about, color_of
        self.steps: Sequence[P] = ()

    def set_steps(self, steps: Sequence[P]) -> None:
        """Show other steps."""
        self.beginResetModel()
        self.steps = steps
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | None = None) -> int:
        """Return the number of steps."""
        return 0 if parent is not None and parent.isValid() else len(self.steps)

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return what a line says."""
        if not index.isValid() or index.row() >= len(self.steps):
            return None
        step = self.steps[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return f"{SIGNS[step.standing]}  {step.text}"
        if role == Qt.ItemDataRole.DecorationRole:
            return swatch(self._color_of(step.standing))
        if role == Qt.ItemDataRole.ToolTipRole:
            z, y, x = (round(v) for v in step.zyx)
            return f"slice {z}, y {y}, x {x}. {self._about}"
        return None


def step_view(model: StepModel[Any], go: Callable[[int], None]) -> QListView:
    """Return a list of steps; a click or Enter calls `go` with the row."""
    view = QListView()
    view.setModel(model)
    view.setFixedHeight(HEIGHT)
    view.setUniformItemSizes(True)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    view.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    view.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    view.clicked.connect(lambda index: go(index.row()))
    view.activated.connect(lambda index: go(index.row()))
    return view


class MatchList(QWidget):
    """The switch for the layer `matches`, its legend, and the list."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._judge = Judge.of(session)
        self._review = Review.of(session)
        self._layer = MatchedLayer(session)
        self.model: StepModel[Step] = StepModel(ABOUT, lambda standing: LOOKS[standing][1], self)
        self.coloured = QCheckBox("Mark matched, missed, extra")
        self.coloured.setToolTip("Marks how the side in view stands to your picks, in the canvas.")
        self.coloured.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.coloured.toggled.connect(lambda _: self._draw())
        self.legend = QLabel(LEGEND)
        self.view = step_view(self.model, self.go)
        self.view.setToolTip(
            "Missed picks first, then extra proposals by score. Click or Enter: fly there."
        )
        self.previous = button("Previous  ⇧F", "The one before (Shift+F).", lambda: self.step(-1))
        self.next = button("Next  F", "Flies to the next one.", lambda: self.step(+1))
        self.counts = hint()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING)
        for widget in (self.coloured, self.legend, self.view):
            layout.addWidget(widget)
        layout.addLayout(row(self.counts, self.previous, self.next, stretch=0))
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
        why = None if steps else (NOT_YET if sample is None else NONE_LEFT)
        for widget in (self.next, self.previous):
            enable(widget, why)
        enable(self.coloured, NOT_YET if sample is None else None)
        self._draw()

    def step(self, direction: int) -> None:
        """Go to the next or the previous place."""
        count, place = len(self.model.steps), self.view.currentIndex().row()
        if not count:
            self._session.status_message.emit(NOT_YET if self._judge.in_view is None else NONE_LEFT)
        elif place < 0:
            self.go(0 if direction > 0 else count - 1)
        else:
            self.go((place + direction) % count)

    def go(self, place: int) -> None:
        """Select a place and fly there; an extra proposal is then under review, for G and H."""
        step = self.model.steps[place]
        self.view.setCurrentIndex(self.model.index(place))
        self._review.fly_to(step.zyx, step.normal_zyx)
        if step.standing is not Standing.MISSED:
            self._review.put_under_review(step.place)
        self._session.status_message.emit(f"{place + 1} of {len(self.model.steps)}, {step.text}.")

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
