"""The whole storyboard, flow by flow, with real mouse and key events and a real training.

Each flow begins where the one before has ended, so they are told once and in order.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from docs.make_screenshots import SMALL, viewer_on
from docs.storyboard import FLOWS, Storyboard
from qtpy.QtWidgets import QApplication

from tomoscribe.io.pick_files import read_picks
from tomoscribe.picks.table import HUMAN, PickState
from tomoscribe.simulate.project import make_sample_project
from tomoscribe.training import launch
from tomoscribe.training.status import State
from tomoscribe.ui.keys_overlay import KeysOverlay
from tomoscribe.ui.tour.tour import Tour

CLICKS = 6
QUICK = {
    "bin": 3, "patch": 16, "width": 8, "batch": 2, "learning_rate": 0.01, "max_steps": 80,
    "validate_every_s": 1.0, "precision": "float32", "threads": 1,
}  # fmt: skip
"""Seconds of training that find most particles of the tiny sample."""


@pytest.fixture(scope="module")
def story(qapp: QApplication, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Storyboard]:
    """A viewer on the tiny sample project, nothing played yet."""
    folder = tmp_path_factory.mktemp("storyboard")
    make_sample_project(folder / "sample", preset="tiny").close()
    with pytest.MonkeyPatch.context() as patch, viewer_on(folder / "sample", SMALL) as viewer:
        patch.setenv("OMP_NUM_THREADS", "1")
        told = Storyboard(viewer, folder, 2.0, CLICKS, QUICK)
        yield told
        if told.monitor.run is not None:
            launch.kill(told.monitor.run)


def picks(story: Storyboard, state: PickState) -> list[str]:
    """Return the sources of the picks in a state."""
    assert story.session.entry is not None
    return [p.source for p in story.session.entry.picks.select(state=state)]


def check_annotate(story: Storyboard) -> None:
    assert picks(story, PickState.ACCEPTED) == [HUMAN] * CLICKS


def check_train(story: Storyboard) -> None:
    assert story.monitor.update is not None
    assert story.monitor.update.state is State.FINISHED
    assert story.monitor.record.best is not None


def check_compare(story: Storyboard) -> None:
    assert story.summary.checkpoints > 1


def check_back_to_one(story: Storyboard) -> None:
    assert story.sides.mode in ("a", "b")


def check_review(story: Storyboard) -> None:
    accepted = [s for s in picks(story, PickState.ACCEPTED) if s != HUMAN]
    assert len(accepted) == 2
    assert all(s.startswith(story.monitor.run.name) for s in accepted)
    assert len(picks(story, PickState.REJECTED)) == 1


def check_use_model(story: Storyboard) -> None:
    assert story.session.project.model.is_file()


def check_continue_training(story: Storyboard) -> None:
    config = story.monitor.run.config()
    assert config.start_from == str(story.session.project.model)
    assert story.monitor.update.state is State.STOPPED


def check_export(story: Storyboard) -> None:
    [path] = story.summary.exported
    assert len(read_picks(path, geometry=story.session.volume.geometry)) == CLICKS + 2


def check_keys(story: Storyboard) -> None:
    assert not story.hands.window.findChild(KeysOverlay).isVisible()


def check_tour(story: Storyboard) -> None:
    assert story.hands.window.findChild(Tour) is None


CHECKS = {
    "annotate": check_annotate,
    "train": check_train,
    "compare": check_compare,
    "blink": check_back_to_one,
    "side_by_side": check_back_to_one,
    "difference": check_back_to_one,
    "review": check_review,
    "use_model": check_use_model,
    "continue_training": check_continue_training,
    "export": check_export,
    "keys": check_keys,
    "tour": check_tour,
}


@pytest.mark.parametrize("flow", FLOWS)
def test_flow_leads_where_the_user_wants_to_go(story: Storyboard, flow: str) -> None:
    before = len(story.hands.shots)
    story.play(flow)
    CHECKS.get(flow, lambda _: None)(story)
    new: list[Path] = story.hands.shots[before:]
    assert new
    assert all(path.is_file() for path in new)
