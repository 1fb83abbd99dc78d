"""Finds the widgets that the tour is about, wherever their docks are now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from qtpy.QtWidgets import QWidget

from tomoscribe.ui.annotate.annotate_dock import AnnotateDock
from tomoscribe.ui.compare.checkpoint_bar import CheckpointBar
from tomoscribe.ui.compare.compare_actions import CompareActions
from tomoscribe.ui.compare.review_panel import ReviewPanel
from tomoscribe.ui.runs.run_strip import RunStrip
from tomoscribe.ui.runs.train_dock import TrainDock
from tomoscribe.ui.scores.histogram import ThresholdHistogram
from tomoscribe.ui.widgets import dock_of, scroll_to

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomoscribe.ui.tour.steps import Target

W = TypeVar("W", bound=QWidget)


@dataclass(frozen=True)
class Place:
    """The dock that a target is in, by its name in the Plugins menu, and how to find it there."""

    dock: str
    find: Callable[[QWidget], QWidget | None]


def _of(kind: type[W], part: Callable[[W], QWidget] = lambda widget: widget) -> (
    Callable[[QWidget], QWidget | None]
):  # fmt: skip
    def find(window: QWidget) -> QWidget | None:
        found = window.findChild(kind)
        return None if found is None else part(found)

    return find


PLACES: dict[Target, Place] = {
    "chooser": Place("Annotate", _of(AnnotateDock, lambda dock: dock.chooser)),
    "export": Place("Annotate", _of(AnnotateDock, lambda dock: dock.export)),
    "train": Place("Train", _of(TrainDock, lambda dock: dock.train)),
    "strip": Place("", _of(RunStrip)),
    "slider": Place("Compare", _of(CheckpointBar, lambda bar: bar.slider)),
    "histogram": Place("Compare", _of(ThresholdHistogram)),
    "review": Place("Compare", _of(ReviewPanel, lambda panel: panel.accept)),
    "go_on": Place("Compare", _of(CompareActions, lambda row: row.go_on)),
}
"""All but the canvas, which the viewer knows."""


def bring(widget: QWidget) -> None:
    """Bring the tab of a widget to the front, and scroll to it."""
    dock = dock_of(widget)
    if dock is not None:
        dock.raise_()
    scroll_to(widget)


def in_sight(widget: QWidget) -> bool:
    """Tell whether a widget can be seen: not in another tab, nor scrolled away."""
    return widget.isVisible() and not widget.visibleRegion().isEmpty()
