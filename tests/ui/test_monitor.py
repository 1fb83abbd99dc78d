"""What a worker writes on disk comes into the viewer, and where the user looks goes back."""

from __future__ import annotations

from collections.abc import Callable

import napari
import numpy as np

from tomoscribe.training import events as ev
from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.status import State
from tomoscribe.ui.compare.showing import Showing
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.session import Session


def follow(session: Session, worker) -> RunMonitor:
    monitor = RunMonitor.of(session)
    session.run = worker.run
    return monitor


def test_blocks_on_disk_come_into_the_layer(session, fake_worker, process_until) -> None:
    fake_worker.begin()
    monitor = follow(session, fake_worker)
    process_until(lambda: monitor.record.started and not monitor.replaying, "the replay")
    fake_worker.train(10)
    fake_worker.announce()
    fake_worker.block(np.full((1, 4, 8, 8), 0.5, np.float32), (2, 8, 8))
    process_until(lambda: monitor.feed.layer.visible, "the layer")
    process_until(lambda: monitor.feed.layer.layer.data[2, 8, 8], "the block")
    assert monitor.feed.layer.layer.data[2, 8, 8] == 128
    assert monitor.feed.layer.layer.data[0, 0, 0] == 0


def test_the_newest_block_of_a_place_wins_and_the_old_stays_elsewhere(
    session, fake_worker, process_until
) -> None:
    monitor = follow(session, fake_worker)
    process_until(lambda: monitor.update and not monitor.replaying, "the replay")
    for score in (0.2, 0.4, 0.8):
        fake_worker.train(10)
        fake_worker.announce()
        fake_worker.block(np.full((1, 4, 8, 8), score, np.float32))
        if score == 0.2:
            fake_worker.block(np.full((1, 4, 8, 8), score, np.float32), (4, 8, 8))
    heat = monitor.feed.layer
    process_until(lambda: heat.layer is not None and heat.layer.data[0, 0, 0] == 204, "the newest")
    assert heat.layer.data[4, 8, 8] == 52


def test_an_ended_run_is_shown_again_newest_over_older(session, fake_worker, process_until) -> None:
    fake_worker.begin()
    for score in (0.2, 0.8):
        fake_worker.train(10, loss=1 - score)
        fake_worker.announce()
        fake_worker.block(np.full((1, 4, 8, 8), score, np.float32))
        if score == 0.2:
            fake_worker.block(np.full((1, 4, 8, 8), score, np.float32), (4, 8, 8))
        fake_worker.validate(score)
    fake_worker.emit(ev.Finished, reason="time")
    fake_worker.beat(State.FINISHED)
    monitor = follow(session, fake_worker)
    heat = monitor.feed.layer
    process_until(lambda: heat.layer is not None and heat.layer.data.any(), "the heatmap")
    assert heat.layer.data[0, 0, 0] == 204
    assert heat.layer.data[4, 8, 8] == 52
    assert monitor.record.loss_values == [0.8, 0.19999999999999996]
    assert not monitor.alive


def test_opening_a_project_takes_up_its_running_training(
    viewer: napari.Viewer, project, fake_worker, process_until
) -> None:
    fake_worker.begin()
    session = Session.of(viewer)
    monitor = RunMonitor.of(session)
    session.set_project(project)
    process_until(lambda: session.run == fake_worker.run, "the run to be adopted")
    process_until(lambda: monitor.record.labels is not None, "the replay")
    assert monitor.alive


def test_a_long_run_is_replayed_in_slices_of_time(session, fake_worker, process_until) -> None:
    for _ in range(3000):
        fake_worker.train(1)
    monitor = follow(session, fake_worker)
    process_until(lambda: len(monitor.record.loss_steps) == 3000, "all steps")
    assert monitor.record.last_step.step == 3000


def test_the_worker_is_told_where_the_user_looks(session, fake_worker, process_until) -> None:
    fake_worker.begin()
    follow(session, fake_worker)
    process_until(lambda: fake_worker.run.control().focus is not None, "the first focus")
    first = fake_worker.run.control()
    assert first.samples == ["one"]
    assert first.focus.sample == "one"
    session.fly_to((3.0, 20.0, 20.0))
    process_until(
        lambda: fake_worker.run.control().focus.center_zyx[0] == 3.0, "the focus on the new slice"
    )
    control = fake_worker.run.control()
    assert control.focus_revision > first.focus_revision
    assert control.focus.hi_zyx[0] - control.focus.lo_zyx[0] == 1
    assert control.written > first.written


def test_another_tomogram_gets_its_own_heatmap(
    session, fake_worker, process_until: Callable[..., None]
) -> None:
    fake_worker.train(10)
    fake_worker.announce("one")
    fake_worker.block(np.full((1, 8, 32, 24), 0.2, np.float32), sample="one")
    fake_worker.announce("two")
    fake_worker.block(np.full((1, 8, 32, 24), 0.6, np.float32), sample="two")
    monitor = follow(session, fake_worker)
    heat = monitor.feed.layer
    process_until(lambda: heat.layer is not None and heat.layer.data[0, 0, 0] == 52, "the first")
    session.set_current("two")
    process_until(lambda: heat.layer is not None and heat.layer.data[0, 0, 0] == 153, "the second")


def test_a_checkpoint_is_shown_while_the_live_one_goes_on(
    session, fake_worker, process_until
) -> None:
    monitor = follow(session, fake_worker)
    process_until(lambda: monitor.update and not monitor.replaying, "the replay")
    old = None
    for score in (0.2, 0.8):
        fake_worker.train(10)
        old = old or fake_worker.name
        fake_worker.announce()
        fake_worker.block(np.full((1, 8, 32, 24), score, np.float32))
    heat = monitor.feed.layer
    process_until(lambda: heat.layer is not None and heat.layer.data[0, 0, 0] == 204, "the newest")
    sides, showing = Sides.of(session), Showing(session)
    sides.choose("b", CheckpointRef.of_run(fake_worker.run, old))
    process_until(lambda: heat.shown == f"{fake_worker.run.name}/{old}", "the older checkpoint")
    process_until(lambda: heat.layer.data[0, 0, 0] == 52, "its scores, which a thread reads")
    sides.choose("b", None)
    assert heat.layer.data[0, 0, 0] == 204
    showing.close()


def test_who_may_only_look_does_not_say_where_the_training_is_to_look(
    session, project, fake_worker, process_until, monkeypatch
) -> None:
    monkeypatch.setattr(project, "_lock", None)  # as where another viewer edits it
    fake_worker.begin()
    session.run = fake_worker.run
    monitor = RunMonitor.of(session)
    process_until(lambda: monitor.update and not monitor.replaying, "the replay")
    looks: list[object] = []
    monitor.updated.connect(looks.append)
    session.fly_to((3, 40, 20))
    process_until(lambda: len(looks) >= 6, "a few looks")
    assert fake_worker.run.control().focus is None
    monkeypatch.undo()
    process_until(lambda: fake_worker.run.control().focus is not None, "the focus of an editor")
