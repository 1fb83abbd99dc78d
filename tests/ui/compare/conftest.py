"""Two runs of the small project with checkpoints, and the dock Compare in the window."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest
from tests.ui.conftest import PLACES_ZYX, FakeWorker, gaussians

from tomoscribe.training.status import State
from tomoscribe.ui.compare.compare_dock import CompareDock
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.scores.score_library import ScoreLibrary

HEIGHTS = ([0.7, 0.5, 0.05, 0.05], [0.95, 0.9, 0.8, 0.45])
"""Scores at the four places: of the first checkpoint of a run, of the second."""


def make_run(project, name: str, *, shift: float = 0.0) -> FakeWorker:
    """Return a run with two checkpoints that were kept, at steps 10 and 20."""
    worker = FakeWorker(project, name)
    worker.begin()
    for heights in HEIGHTS:
        worker.train(10)
        quality = float(np.mean(heights)) + shift
        worker.validate(quality, threshold=0.4)
        worker.keep(quality)
        worker.preview(gaussians(PLACES_ZYX, np.asarray(heights) + shift))
    return worker


@pytest.fixture
def compared(session, project, process_until: Callable[..., None]) -> Iterator[SimpleNamespace]:
    """The run `old`, which has ended, and `new`, which goes on and is followed."""
    old, new = make_run(project, "old"), make_run(project, "new", shift=0.04)
    old.beat(State.FINISHED)
    dock = CompareDock(session)
    dock.show()
    session.run = new.run
    sides, library = Sides.of(session), ScoreLibrary.of(session)
    process_until(lambda: len(sides.side("b").stops) == 2, "the previews")
    process_until(lambda: len(library.catalog.checkpoints()) == 4, "both runs")
    yield SimpleNamespace(
        dock=dock, panel=dock.sides_panel, sides=sides, library=library, old=old, new=new,
        feed=RunMonitor.of(session).feed,
    )  # fmt: skip
    with suppress(RuntimeError):  # a test may have deleted it
        dock.close()
        dock.deleteLater()
