"""A small project for scripts, and a run whose worker is played by the test."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tomoscribe.io.volumes import write_mrc
from tomoscribe.project.source import DataSource
from tomoscribe.scripting.opening import create_project
from tomoscribe.scripting.project import Project
from tomoscribe.scripting.run import Run
from tomoscribe.training import events as ev
from tomoscribe.training.config import RunConfig
from tomoscribe.training.process import this_process
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import State, Status


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """Two tomograms of (16, 40, 60) voxels of 10 Å, and one class."""
    made = create_project(tmp_path / "project")
    for name, role in (("one", "train"), ("two", "validate")):
        path = tmp_path / f"{name}.mrc"
        write_mrc(path, np.random.default_rng(0).normal(size=(16, 40, 60)).astype("f4"), 10.0)
        made.add_tomogram(path, role=role)
    made.add_class("ribosome", 250)
    yield made
    made.close()


class PlayedRun:
    """Writes what a worker writes."""

    def __init__(self, project: Project) -> None:
        config = RunConfig(data=DataSource(kind="project", path=project.path))
        self.folder = RunFolder.create(project.store.runs_dir, config)
        self.step = 0
        self.beat(State.RUNNING)

    @property
    def run(self) -> Run:
        """The run as a script has it."""
        return Run(self.folder.path)

    def beat(self, state: State, **fields: object) -> None:
        """Write the status."""
        pid, started, host = this_process()
        known = {"pid": pid, "process_started": started, "host": host, "heartbeat": time.time()}
        self.folder.write_status(Status(state=state, step=self.step, **(known | fields)))

    def tell(self, event: type[ev.Event], /, **fields: object) -> None:
        """Append an event."""
        self.folder.append_event(event(time=time.time(), step=self.step, **fields))

    def train(self, step: int, loss: float, elapsed_s: float) -> None:
        """Make steps."""
        self.step = step
        self.tell(ev.Step, loss=loss, learning_rate=1e-3, elapsed_s=elapsed_s, budget_s=60.0)

    def keep(self, name: str, score: float) -> Path:
        """Write a checkpoint without weights."""
        path = self.folder.checkpoint_path(name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
        self.tell(ev.Checkpoint, name=name, path=self.folder.relative(path), score=score)
        return path


@pytest.fixture
def played(project: Project) -> PlayedRun:
    """A run of the project without a worker."""
    return PlayedRun(project)
