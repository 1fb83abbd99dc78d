"""A small project in a real viewer, and a worker's side of a run folder without any network."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import napari
import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from tomoscribe.io.volumes import write_mrc
from tomoscribe.picks.table import Edit
from tomoscribe.project.model import ParticleClass, Role
from tomoscribe.project.source import DataSource
from tomoscribe.project.store import Project
from tomoscribe.training import events as ev
from tomoscribe.training.config import RunConfig
from tomoscribe.training.previews import BlockLog
from tomoscribe.training.process import this_process
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import State, Status
from tomoscribe.ui.session import Session

SHAPE_ZYX = (16, 64, 48)
BIN = 2
GRID_ZYX = (8, 32, 24)
PLACES_ZYX = np.array([[8.0, 16.0, 16.0], [8.0, 40.0, 20.0], [8.0, 30.0, 36.0], [8.0, 54.0, 10.0]])
"""Where the particles of the small project lie, in tomogram voxels."""


@pytest.fixture(scope="session", autouse=True)
def _frozen_imports() -> Iterator[None]:
    """Keep what is imported out of garbage collection: napari collects with each layer removed."""
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture(autouse=True)
def _state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep locks and caches of the tests apart from the user's."""
    monkeypatch.setenv("TOMOSCRIBE_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def process_until(wait_until: Callable[..., None], qapp: QApplication) -> Callable[..., None]:
    """Return `process_until(condition, what)`: let Qt work until the condition holds."""

    def wait(condition: Callable[[], object], what: str, timeout: float = 20.0) -> None:
        wait_until(condition, timeout, what, poll=qapp.processEvents)

    return wait


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """A project with one class of 100 Å and two tomograms of 10 Å voxels without picks."""
    made = Project.create(tmp_path / "project")
    made.add_class(ParticleClass("ribosome", 100.0))
    noise = np.random.default_rng(0).normal(size=SHAPE_ZYX).astype(np.float32)
    for name, role in (("one", Role.TRAIN), ("two", Role.VALIDATE)):
        path = tmp_path / f"{name}.mrc"
        write_mrc(path, noise, 10.0)
        made.add_tomogram(path, name=name, role=role)
    yield made
    made.close()


@pytest.fixture
def viewer(qapp: QApplication) -> Iterator[napari.Viewer]:
    """A real viewer; its session ends with it, as with its window."""
    shown = napari.Viewer(show=False)
    yield shown
    Session.of(shown).close()
    shown.close()
    qapp.processEvents()


@pytest.fixture
def session(viewer: napari.Viewer, project: Project) -> Session:
    """The small project, open in the viewer."""
    made = Session.of(viewer)
    made.set_project(project)
    return made


def gaussians(places_zyx: np.ndarray, height: float | np.ndarray = 0.9) -> np.ndarray:
    """Return scores (1, z, y, x) on the small grid with a peak at each place in tomogram voxels."""
    grid = np.stack(np.meshgrid(*(np.arange(n) for n in GRID_ZYX), indexing="ij"), axis=-1)
    scores = np.zeros(GRID_ZYX, np.float32)
    for place, top in zip(places_zyx, np.broadcast_to(height, len(places_zyx)), strict=True):
        centre = (place - (BIN - 1) / 2) / BIN
        distance = ((grid - centre) ** 2).sum(axis=-1)
        scores = np.maximum(scores, top * np.exp(-distance / 4))
    return scores[None].astype(np.float32)


class FakeWorker:
    """Writes a run folder as a worker does, through the same functions, without training."""

    def __init__(self, project: Project, name: str | None = None) -> None:
        config = RunConfig(data=DataSource(kind="project", path=project.path))
        self.run = RunFolder.create(project.runs_dir, config, name)
        self.step = 0
        self.state = State.RUNNING
        self.beat()

    def beat(self, state: State | None = None, **fields: object) -> None:
        """Write the status."""
        self.state = state or self.state
        pid, started, host = this_process()
        status = Status(
            state=self.state, pid=pid, process_started=started, host=host, device="cpu",
            heartbeat=time.time(), step=self.step, control_revision=self.run.control().revision,
        )  # fmt: skip
        self.run.write_status(msgspec.structs.replace(status, **fields))

    def emit(self, event: type[ev.Event], /, **fields: object) -> None:
        """Append an event of now."""
        self.run.append_event(event(time=time.time(), step=self.step, **fields))

    def begin(self) -> None:
        """Say that the worker is up."""
        self.emit(
            ev.Started, device="cpu", memory_bytes=8 * 10**9, precision="float32",
            plan={"bin": BIN, "batch": 8}, train=["one"], validate=["two"],
            reasons={"bin": "so that the particle is 10-14 voxels across"},
        )  # fmt: skip
        self.emit(ev.Labels, used=4, total=5, held_out=1, revision=3)

    def train(self, steps: int, loss: float = 0.5) -> None:
        """Make some steps."""
        self.step += steps
        self.emit(
            ev.Step, loss=loss, learning_rate=1e-3, elapsed_s=float(self.step), budget_s=300.0
        )

    def validate(self, f1: float, threshold: float = 0.5) -> None:
        """Say how good the weights are."""
        metrics = {"f1": f1, "recall": f1, "precision": f1, "threshold": threshold}
        self.emit(ev.Validation, score=f1, metrics=metrics)

    def keep(self, score: float | None = None) -> Path:
        """Write a checkpoint (no weights in it) and announce it."""
        path = self.run.checkpoint_path(self.name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"weights")
        self.emit(ev.Checkpoint, name=self.name, path=self.run.relative(path), score=score)
        return path

    @property
    def name(self) -> str:
        """The checkpoint of this step."""
        return f"step_{self.step:06d}"

    def announce(self, sample: str = "one") -> None:
        """Begin a preview of this step's weights."""
        path = self.run.preview_path(self.name, sample)
        path.parent.mkdir(parents=True, exist_ok=True)
        self.emit(
            ev.Preview, checkpoint=self.name, sample=sample, path=self.run.relative(path),
            shape_zyx=list(GRID_ZYX), bin=BIN, class_names=["ribosome"],
        )  # fmt: skip

    def block(
        self, scores: np.ndarray, lo_zyx: tuple[int, int, int] = (0, 0, 0), sample: str = "one"
    ) -> None:
        """Write one block (class, z, y, x) and announce it."""
        offset = BlockLog(self.run.preview_path(self.name, sample)).append(lo_zyx, scores)
        self.emit(
            ev.Block, checkpoint=self.name, sample=sample, offset=offset,
            lo_zyx=list(lo_zyx), shape_zyx=list(scores.shape[1:]),
        )  # fmt: skip

    def preview(self, scores: np.ndarray, sample: str = "one") -> None:
        """Write a whole preview in two blocks."""
        self.announce(sample)
        half = GRID_ZYX[1] // 2
        self.block(scores[:, :, :half], (0, 0, 0), sample)
        self.block(scores[:, :, half:], (0, half, 0), sample)


@pytest.fixture
def fake_worker(project: Project) -> FakeWorker:
    """A run of the small project whose worker is played by the test."""
    return FakeWorker(project)


@pytest.fixture
def edit_of(session: Session) -> Callable[..., Edit]:
    """Return a function that makes the edit of clicking at places of the current tomogram."""

    def make(places_zyx: np.ndarray) -> Edit:
        assert session.entry is not None
        return session.entry.picks.make_add(places_zyx, "ribosome")

    return make
