"""The case that `viewer_stalls.py` plays on: large tomograms, many picks, runs, a fine membrane."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import numpy as np

from compare_switch import SLAB, scores
from mesh_paint import sphere
from tomoscribe.io.volumes import write_mrc
from tomoscribe.membranes.membrane import make_membrane, save_membrane
from tomoscribe.project.model import ParticleClass, Role
from tomoscribe.project.source import DataSource
from tomoscribe.project.store import Project
from tomoscribe.training import events as ev
from tomoscribe.training.config import RunConfig
from tomoscribe.training.previews import BlockLog
from tomoscribe.training.process import this_process
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import State, Status

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SHAPE_ZYX = (200, 464, 464)
VOXEL_SIZE_A = 10.0
PICKS = 300
VERTICES = 50_000
CLASSES = (ParticleClass("particle", 150.0), ParticleClass("other", 100.0, "#56b4e9"))


def make_project(folder: Path) -> Project:
    """Write two tomograms (links to one file) of 300 picks each, and a membrane."""
    rng = np.random.default_rng(0)
    volume = rng.normal(size=SHAPE_ZYX).astype(np.float32)
    write_mrc(folder / "one.mrc", volume, VOXEL_SIZE_A)
    os.link(folder / "one.mrc", folder / "two.mrc")
    ball = make_membrane(
        "ball", sphere(VERTICES), volume, VOXEL_SIZE_A, tomogram=str(folder / "one.mrc")
    )
    save_membrane(folder / "ball.h5", ball)
    project = Project.create(folder / "project")
    project.set_classes(list(CLASSES))
    for name, role in (("one", Role.TRAIN), ("two", Role.VALIDATE)):
        entry = project.add_tomogram(folder / f"{name}.mrc", name=name, role=role)
        places = rng.uniform(10, np.array(SHAPE_ZYX) - 10, (PICKS, 3))
        project.edit(name, entry.picks.make_add(places[20:], "particle"))
        project.edit(name, entry.picks.make_add(places[:20], "other"))
    project.add_membrane(folder / "ball.h5", "one")
    return project


class PlayedRun:
    """Writes a run folder as a worker on the tomogram `one` does, without training."""

    def __init__(self, project: Project, name: str) -> None:
        data = DataSource(kind="project", path=project.path)
        self.run = RunFolder.create(project.runs_dir, RunConfig(data=data), name)
        self.step = 0
        self.previewed = ""
        self.state = State.RUNNING
        self.beat()

    def beat(self, state: State | None = None) -> None:
        """Write the status."""
        self.state = state or self.state
        pid, started, host = this_process()
        self.run.write_status(
            Status(state=self.state, pid=pid, process_started=started, host=host, device="cpu",
                   heartbeat=time.time(), step=self.step,
                   control_revision=self.run.control().revision)
        )  # fmt: skip

    def emit(self, event: type[ev.Event], /, **fields: object) -> None:
        """Append an event of now."""
        self.run.append_event(event(time=time.time(), step=self.step, **fields))

    def begin(self) -> None:
        """Say that the worker is up."""
        self.emit(ev.Started, device="cpu", memory_bytes=8 * 10**9, precision="float32",
                  plan={"bin": 1, "batch": 8}, train=["one"], validate=["two"],
                  reasons={})  # fmt: skip
        self.emit(ev.Labels, used=280, total=300, held_out=20, revision=3)

    def train(self, steps: int) -> None:
        """Make some steps, an event each."""
        for _ in range(steps):
            self.step += 1
            self.emit(ev.Step, loss=1 / self.step, learning_rate=1e-3,
                      elapsed_s=float(self.step), budget_s=300.0)  # fmt: skip

    def keep(self, score: float) -> None:
        """Write a checkpoint without weights in it, with its validation."""
        metrics = {"f1": score, "recall": score, "precision": score, "threshold": 0.5}
        self.emit(ev.Validation, score=score, metrics=metrics)
        path = self.run.checkpoint_path(self.name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"no weights")
        self.emit(ev.Checkpoint, name=self.name, path=self.run.relative(path), score=score)

    @property
    def name(self) -> str:
        """The checkpoint of this step."""
        return f"step_{self.step:06d}"

    def announce(self) -> None:
        """Begin a preview of this step's weights."""
        self.previewed = self.name
        path = self.run.preview_path(self.name, "one")
        path.parent.mkdir(parents=True, exist_ok=True)
        BlockLog(path).create()
        self.emit(ev.Preview, checkpoint=self.name, sample="one", path=self.run.relative(path),
                  shape_zyx=list(SHAPE_ZYX), bin=1, class_names=["particle"])  # fmt: skip

    def block(self, made: NDArray[np.float32], z: int, depth: int = SLAB) -> None:
        """Write a slab of scores (class, z, y, x) and announce it."""
        part = made[:, z : z + depth]
        offset = BlockLog(self.run.preview_path(self.previewed, "one")).append((z, 0, 0), part)
        self.emit(ev.Block, checkpoint=self.previewed, sample="one", offset=offset,
                  lo_zyx=[z, 0, 0], shape_zyx=list(part.shape[1:]))  # fmt: skip

    def preview(self) -> None:
        """Write a whole preview."""
        self.announce()
        made = scores(SHAPE_ZYX, min(self.step // 100 + 1, 4))
        for z in range(0, SHAPE_ZYX[0], SLAB):
            self.block(made, z)


def ended_run(project: Project, name: str, previews: int) -> RunFolder:
    """Write an ended run with whole previews, a hundred steps apart."""
    played = PlayedRun(project, name)
    played.begin()
    for number in range(previews):
        played.train(100)
        played.keep(0.5 + 0.1 * number)
        played.preview()
    played.emit(ev.Finished, reason="time", best=played.name)
    played.beat(State.FINISHED)
    return played.run
