"""Undo and redo while nothing can be written: no step is lost, and the order stays."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from napari.components import ViewerModel

from tomoscribe.project.model import Patch
from tomoscribe.project.store import Project
from tomoscribe.ui.session import Session

PATCH = Patch("ball", (5.0, 6.0, 7.0), 3.0)


@pytest.fixture
def session(project: Project) -> Iterator[Session]:
    """The small project without a window."""
    viewer = ViewerModel()
    made = Session.of(viewer)
    made.set_project(project)
    yield made
    made.close_project()


def state(session: Session) -> tuple[int, int]:
    return len(session.entry.picks), len(session.entry.patches)


def test_steps_that_cannot_be_written_are_undone_and_redone_in_order(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    session.status_message.connect(said.append)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    session.picks.add(np.array([[5.0, 6.0, 7.0]]))
    monkeypatch.setattr("tomoscribe.picks.journal._append_bytes", full)
    session.timeline.paint([PATCH])
    session.picks.add(np.array([[5.0, 20.0, 7.0]]))
    assert state(session) == (2, 1)
    assert "No space left" in said[-1]
    for expected in ((1, 1), (1, 0), (0, 0), (0, 0)):
        session.undo()
        assert state(session) == expected
    for expected in ((1, 0), (1, 1), (2, 1), (2, 1)):
        session.redo()
        assert state(session) == expected
    monkeypatch.undo()
    session.undo()  # with it all that is outstanding is written
    folder = session.project.path
    session.close_project()
    session.open_project(folder)
    assert state(session) == (1, 1)


def test_a_step_that_is_refused_can_be_taken_back_later(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    session.timeline.paint([PATCH])
    session.picks.add(np.array([[5.0, 6.0, 7.0]]))
    with monkeypatch.context() as patch:
        patch.setattr(session.project, "_lock", None)
        session.undo()
        assert state(session) == (1, 1)
    session.undo()
    assert state(session) == (0, 1)
    session.undo()
    assert state(session) == (0, 0)
