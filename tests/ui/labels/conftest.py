"""A window in which the user paints: one class `mito`, the brush ready on the first tomogram."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from tests.ui.annotate.conftest import Hands, hands, window

from tomoscribe.project.painted import PaintedLabels
from tomoscribe.project.store import Project
from tomoscribe.segmentation.labels import LabelClass
from tomoscribe.ui.labels.mode import LabelMode
from tomoscribe.ui.labels.painter import LabelPainter

__all__ = ["hands", "window"]

MIDDLE = 8
"""The section in view of the small tomogram."""


class Painter:
    """Hands with a brush of three voxels."""

    def __init__(self, hands: Hands) -> None:
        self.hands = hands
        self.session = hands.session
        self.labels = LabelPainter.of(hands.session)

    @property
    def values(self) -> np.ndarray:
        """What is painted on the section in view."""
        return self.labels.copy.values[MIDDLE]

    def stroke(self, start_yx: tuple[float, float], end_yx: tuple[float, float]) -> None:
        """Drag with the left button on the section in view."""
        self.hands.drag((MIDDLE, *start_yx), (MIDDLE, *end_yx))

    def saved(self) -> None:
        """Wait until all is written."""
        self.hands.until(lambda: not self.labels._writer.busy, "the strokes on the disk")


@pytest.fixture
def painter(hands: Hands, project: Project) -> Painter:
    """The user, ready to paint `mito` in tomogram `one`."""
    project.set_label_classes([LabelClass("mito")])
    made = Painter(hands)
    mode = LabelMode.of(hands.session)
    mode.set(on=False)
    hands.dock.kind.buttons["Labels"].click()
    mode.set(on=True, objects=False)
    hands.until(lambda: made.labels.copy is not None, "the labels")
    made.labels.choose(1)
    made.labels.layer.brush_size = 3
    hands.settle()
    return made


@pytest.fixture
def stored(project: Project) -> Callable[[], PaintedLabels]:
    """Return a function that opens the labels on disk, as a crashed viewer has left them."""
    return lambda: PaintedLabels(project.path, "one", read_only=True)
