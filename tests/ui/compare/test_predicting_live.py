"""A real background prediction: a file from anywhere is chosen, and its scores appear."""

from __future__ import annotations

import psutil
from tests.training.tiny_checkpoints import tomogram_checkpoint

from tomoscribe.project.store import Project
from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.prediction_folder import list_folders
from tomoscribe.ui.compare.compare_dock import CompareDock
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.session import Session

WORKER_S = 120.0
"""Importing PyTorch takes half a minute where other tests run beside."""


def test_a_checkpoint_without_a_preview_is_predicted_and_its_scores_appear(
    session: Session, project: Project, tmp_path, process_until, qtbot
) -> None:
    elsewhere = tomogram_checkpoint(tmp_path / "given.pt")
    said: list[str] = []
    session.status_message.connect(said.append)
    dock = CompareDock(session)
    qtbot.addWidget(dock)
    dock.show()
    sides, heat = Sides.of(session), RunMonitor.of(session).feed.volume
    sides.choose("a", CheckpointRef.of_file(elsewhere))
    sides.set_mode("a")
    process_until(lambda: "Computing" in dock.sides_panel.status.text(), "the line", WORKER_S)
    process_until(lambda: heat.shown == "given" and heat.layer.data.any(), "scores", WORKER_S)
    process_until(lambda: not dock.sides_panel.status.text(), "the whole tomogram", WORKER_S)
    process_until(lambda: dock.review.proposals is not None, "proposals")
    assert dock.review.proposals.source == "given"
    (folder,) = list_folders(project.path)
    worker = psutil.Process(folder.status().pid)
    session.close()
    process_until(
        lambda: not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE, "its end"
    )
    assert said == []
