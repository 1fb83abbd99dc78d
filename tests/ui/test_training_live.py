"""The whole loop once, with the real worker: press Train, watch the heatmap come, let it end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import napari

from tomoscribe.simulate.project import make_sample_project
from tomoscribe.training import launch
from tomoscribe.training.status import State
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.train_dock import TrainDock
from tomoscribe.ui.session import Session

WORKER_S = 150.0
"""Importing PyTorch takes half a minute where other tests run beside."""

STEPS = 20
"""What ends the training: steps are made however slow the machine is, minutes run out before."""


def test_press_train_and_the_heatmap_grows_in_the_viewer(
    viewer: napari.Viewer, tmp_path: Path, qtbot, process_until: Callable[..., None]
) -> None:
    make_sample_project(tmp_path / "p", shape_zyx=(32, 96, 96), clicks=6).close()
    session = Session.of(viewer)
    session.open_project(tmp_path / "p")
    dock = TrainDock(session)
    qtbot.addWidget(dock)
    monitor = RunMonitor.of(session)
    dock.first.set_value("max_minutes", 30.0)
    dock.others.set_value("max_steps", STEPS)
    dock.train.click()
    process_until(lambda: session.run is not None, "the run")
    try:
        heat = monitor.feed.layer
        process_until(lambda: heat.visible and heat.layer.data.any(), "the heatmap", WORKER_S)
        process_until(lambda: monitor.update and not monitor.alive, "the end", WORKER_S)
    finally:
        launch.kill(session.run)
    assert monitor.update.state is State.FINISHED
    assert monitor.record.finished.reason == "steps"
    assert monitor.record.last_step.step == STEPS
    assert monitor.record.labels.used > 0
    assert session.run.best_checkpoint().is_file()
    process_until(lambda: heat.computed is not None and heat.computed.all(), "the whole tomogram")
    session.close_project()
