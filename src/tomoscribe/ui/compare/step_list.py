"""A list of places to step through with the camera, and the switch that marks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from qtpy.QtCore import QAbstractListModel, QModelIndex, QObject, Qt
from qtpy.QtWidgets import QAbstractItemView, QCheckBox, QLabel, QListView, QVBoxLayout, QWidget

from tomoscribe.evaluation.judgement import Standing
from tomoscribe.ui import style
from tomoscribe.ui.widgets import button, hint, row, swatch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tomoscribe.ui.session import Session

HEIGHT = 110
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


class StepList(QWidget, Generic[P]):
    """The switch for the layer `matches`, its legend, and the list."""

    coloured_tip = view_tip = ""

    def __init__(
        self,
        session: Session,
        model: StepModel[P],
        legend: str,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._session = session
        self.model = model
        model.setParent(self)
        self.coloured = QCheckBox("Mark matched, missed, extra")
        self.coloured.setToolTip(self.coloured_tip)
        self.coloured.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.coloured.toggled.connect(lambda _: self._draw())
        self.legend = QLabel(legend)
        self.view = step_view(self.model, self.go)
        self.view.setToolTip(self.view_tip)
        self.previous = button("Previous  ⇧F", "The one before (Shift+F).", lambda: self.step(-1))
        self.next = button("Next  F", "Flies to the next one.", lambda: self.step(+1))
        self.counts = hint()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(style.SPACING)
        for widget in (self.coloured, self.legend, self.view):
            layout.addWidget(widget)
        layout.addLayout(row(self.counts, self.previous, self.next, stretch=0))

    def step(self, direction: int) -> None:
        """Go to the next or the previous place."""
        count, place = len(self.model.steps), self.view.currentIndex().row()
        if not count:
            self._session.status_message.emit(self._why_empty())
        elif place < 0:
            self.go(0 if direction > 0 else count - 1)
        else:
            self.go((place + direction) % count)

    def go(self, place: int) -> None:
        """Select a place and fly there."""
        step = self.model.steps[place]
        self.view.setCurrentIndex(self.model.index(place))
        self._fly_to(step)
        self._session.status_message.emit(f"{place + 1} of {len(self.model.steps)}, {step.text}.")

    def _fly_to(self, step: P) -> None:
        raise NotImplementedError

    def _why_empty(self) -> str:
        """Return why there is nothing to step through."""
        raise NotImplementedError

    def _draw(self) -> None:
        """Mark in the canvas what the list holds, or do not."""
        raise NotImplementedError
