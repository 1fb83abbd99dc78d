"""The small project with a run of two checkpoints that the dock Compare shows."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from tests.ui.conftest import PLACES_ZYX, gaussians

from tomoscribe.ui.compare.compare_dock import CompareDock

THRESHOLD = 0.4
OLD, NEW = (0.7, 0.5, 0.05, 0.05), (0.95, 0.9, 0.8, 0.45)
"""What the two checkpoints score at the four places."""


@pytest.fixture
def compared(session, fake_worker, edit_of, process_until, qtbot) -> SimpleNamespace:
    """The dock on the newer checkpoint; the first place is clicked, three are proposed."""
    session.edit(edit_of(PLACES_ZYX[:1]))
    fake_worker.begin()
    for heights in (OLD, NEW):
        fake_worker.train(10)
        fake_worker.validate(float(np.mean(heights)), threshold=THRESHOLD)
        fake_worker.keep(float(np.mean(heights)))
        fake_worker.preview(gaussians(PLACES_ZYX, np.array(heights)))
    messages: list[str] = []
    session.status_message.connect(messages.append)
    dock = CompareDock(session)
    qtbot.addWidget(dock)
    dock.show()
    session.run = fake_worker.run
    process_until(lambda: dock.review.proposals is not None, "proposals")
    process_until(lambda: len(dock.review.comparison.proposals) >= 4, "all proposals")
    return SimpleNamespace(
        dock=dock, panel=dock.review_panel, review=dock.review, session=session,
        worker=fake_worker, messages=messages,
    )  # fmt: skip


def place(review) -> np.ndarray:
    """Return where the proposal under review is."""
    return review.proposals.zyx[review.current]
