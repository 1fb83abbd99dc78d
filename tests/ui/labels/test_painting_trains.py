"""The whole loop once, with the real worker: paint, train, watch the section fill, paint on."""

from __future__ import annotations

from collections.abc import Callable

import napari
import numpy as np

from tomoscribe.io.volumes import open_volume, write_mrc
from tomoscribe.project.painted import PaintedLabels
from tomoscribe.project.store import Project
from tomoscribe.segmentation.labels import LabelClass
from tomoscribe.training import launch
from tomoscribe.training.status import State
from tomoscribe.ui.labels.painter import LabelPainter
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.run_strip import RunStrip
from tomoscribe.ui.runs.train_dock import TrainDock
from tomoscribe.ui.session import Session

WORKER_S = 150.0
"""Importing PyTorch takes half a minute where other tests run beside."""


def test_a_section_fills_while_it_trains_and_a_new_stroke_is_learned_from(
    viewer: napari.Viewer, project: Project, qtbot, process_until: Callable[..., None]
) -> None:
    path = project.tomograms["one"].path
    volume = np.array(open_volume(str(path)).data[:])
    volume[:, 20:44, 12:36] -= 4
    write_mrc(path, volume, 10.0)
    project.set_label_classes([LabelClass("mito")])
    values = np.ones((2, 40, 40), np.uint16)
    values[:, 14:30, 12:28] = 2
    PaintedLabels(project.path, "one", (16, 64, 48)).write((7, 8, 4), values)
    session = Session.of(viewer)
    session.set_project(project)
    painter, monitor = LabelPainter.of(session), RunMonitor.of(session)
    dock = TrainDock(session)
    qtbot.addWidget(dock)
    strip = RunStrip(session)
    qtbot.addWidget(strip)
    # However slow the machine is, the stroke comes before the end, which Stop is.
    dock.first.set_value("max_minutes", 30)
    process_until(lambda: dock.train.isEnabled() and painter.copy is not None, "the labels")
    dock.train.click()
    process_until(lambda: session.run is not None, "the run")
    try:
        heat = monitor.feed.layer
        process_until(lambda: heat.layer and heat.layer.data.any(), "the section", WORKER_S)
        assert heat.grid.class_names == ("mito",)
        used = monitor.record.labels.total
        painter.layer.data_setitem((np.array([2]), np.array([2]), np.array([2])), 1)
        process_until(lambda: monitor.record.labels.total > used, "the new stroke", WORKER_S)
        process_until(lambda: monitor.record.qualities, "a score", WORKER_S)
        process_until(lambda: not strip.stop.isHidden(), "the button")
        strip.stop.click()
        process_until(lambda: monitor.update and not monitor.alive, "the end", WORKER_S)
    finally:
        launch.kill(session.run)
    assert monitor.update.state is State.STOPPED
    # Strokes are few of the voxels that would tell the score for sure.
    assert monitor.record.qualities[-1].name == "IoU ≈"
    assert monitor.record.labels.unit == "voxels"
    session.close_project()
