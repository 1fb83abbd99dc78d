"""Background predictions by real processes: wish, watch, interrupt, kill, start again, go."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import torch
from tests.training.tiny_checkpoints import SHAPE, tomogram_checkpoint, write_tomogram

from tomoscribe.errors import TomoscribeError
from tomoscribe.training import events as ev
from tomoscribe.training import predictions
from tomoscribe.training.catalog import Catalog
from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.control import FocusBox
from tomoscribe.training.predict_worker import run_predictions
from tomoscribe.training.prediction_folder import Owner, PredictionControl, PredictionFolder
from tomoscribe.training.prediction_request import PredictionRequest
from tomoscribe.training.predictions import PredictionService, PredictionUpdate
from tomoscribe.training.status import State, Status

START_S = 120.0
"""Importing torch on a machine that does much else."""

WaitUntil = Callable[..., None]


class Viewer:
    """A service and a catalogue, as a viewer has them, and what they said."""

    def __init__(self, project: Path, wait_until: WaitUntil, **options: object) -> None:
        self.service = PredictionService(project, threads=1, **options)
        self.catalog = Catalog(project)
        self._wait_until = wait_until
        self.messages: set[str] = set()

    def poll(self) -> PredictionUpdate:
        update = self.service.poll()
        self.messages.add(update.message)
        self.catalog.poll()
        return update

    def until(self, condition: Callable[[PredictionUpdate], object], what: str) -> None:
        self._wait_until(lambda: condition(self.poll()), START_S, what)

    def until_done(self) -> PredictionUpdate:
        self.until(lambda update: not update.waiting, "all wishes")
        return self.poll()

    def coverage(self, request: PredictionRequest) -> float:
        found = self.catalog.find(request.ref, request.sample)
        return 0.0 if found is None else found.coverage


def process_of(folder: PredictionFolder) -> psutil.Process:
    return psutil.Process(folder.status().pid)


def blocks_of(folder: PredictionFolder) -> list[ev.Block]:
    return [event for event in folder.events() if isinstance(event, ev.Block)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


@pytest.fixture(scope="module")
def ask(project: Path) -> Callable[..., PredictionRequest]:
    """Return what makes a request for a checkpoint, made here, on a sample."""
    volumes = {name: write_tomogram(project / f"{name}.mrc") for name in ("near", "far")}
    volumes["thick"] = write_tomogram(project / "thick.mrc", voxel_size_A=20.0)

    def make(checkpoint: str, sample: str = "near") -> PredictionRequest:
        path = project / "elsewhere" / f"{checkpoint}.pt"
        if not path.exists():
            tomogram_checkpoint(path, seed=len(checkpoint))
        return PredictionRequest(CheckpointRef.of_file(path), sample, volumes[sample])

    return make


@pytest.fixture(scope="module")
def story(
    project: Path, ask: Callable[..., PredictionRequest], wait_until: WaitUntil
) -> Iterator[SimpleNamespace]:
    """Tell one long story once, as processes take seconds to start; the tests read it.

    Two checkpoints are wanted where the user looks; a wish for another sample is interrupted by
    one for a third checkpoint; what cannot be predicted is wished for; the process is killed, and
    started again; the folder of that one is deleted while it works.
    """
    told = SimpleNamespace(first=ask("a"), second=ask("bb"))
    viewer = told.viewer = Viewer(project, wait_until)
    service = viewer.service
    _, y, x = SHAPE
    service.look(
        FocusBox(sample="near", center_zyx=(9, 50, 45), lo_zyx=(9, 0, 0), hi_zyx=(9, y, x))
    )
    try:
        service.want([told.first, told.second])
        viewer.until_done()
        told.folder = service.folder
        told.coverages = [viewer.coverage(r) for r in (told.first, told.second)]
        told.nice = process_of(told.folder).nice()
        told.blocks = blocks_of(told.folder)

        told.long, told.urgent = ask("a", "far"), ask("ccc")
        service.want([told.long])
        viewer.until(lambda u: viewer.coverage(told.long), "a block of the long one")
        process = process_of(told.folder)
        process.suspend()  # or it might be faster than this test
        service.want([told.urgent, told.long])
        key = told.urgent.ref.key
        wait_until(lambda: key in told.folder.control_path.read_text(), START_S, "the new wish")
        process.resume()
        viewer.until_done()
        told.events = told.folder.events()

        foreign = project / "elsewhere" / "foreign.pt"
        torch.save({"weights": 1}, foreign)
        gone = CheckpointRef("step_000010", project / "runs" / "one", None)
        told.foreign = PredictionRequest(
            CheckpointRef.of_file(foreign), "near", told.first.volume_path
        )
        told.thick = ask("a", "thick")
        told.not_kept = PredictionRequest(gone, "near", told.first.volume_path)
        service.want([told.foreign, told.thick, told.not_kept])
        told.refused = viewer.until_done().refused

        told.late = ask("dddd", "far")
        process = process_of(told.folder)
        process.suspend()
        service.want([told.late])
        process.send_signal(signal.SIGKILL)
        viewer.until(lambda u: u.can_start_again, "the death to be told")
        told.dead = viewer.poll()
        service.start_again()
        viewer.until(lambda u: viewer.coverage(told.late), "a block of the second process")
        told.second_folder = service.folder
        process = process_of(told.second_folder)
        told.second_folder.path.rename(project / "trash")  # as file managers delete
        wait_until(lambda: not process.is_running() or process.status() == "zombie", START_S)
        viewer.until(lambda u: u.can_start_again, "the deletion to be told")
        told.deleted = viewer.poll()
        yield told
    finally:
        service.close()


def test_two_checkpoints_are_predicted_whole(story: SimpleNamespace) -> None:
    assert story.coverages == [1.0, 1.0]


def test_the_slice_in_view_of_both_comes_before_all_else(story: SimpleNamespace) -> None:
    thin = [block for block in story.blocks if block.shape_zyx[0] <= 3]
    assert story.blocks[: len(thin)] == thin
    assert len({block.checkpoint for block in thin}) == 2
    assert all(block.lo_zyx[0] <= 9 < block.lo_zyx[0] + block.shape_zyx[0] for block in thin)


def test_it_says_what_it_does(story: SimpleNamespace) -> None:
    assert "Starting the background prediction." in story.viewer.messages
    assert "Loading PyTorch." in story.viewer.messages
    assert any(m.startswith("Predicting near with a: ") for m in story.viewer.messages)


def test_it_lets_everything_else_go_first(story: SimpleNamespace) -> None:
    assert story.nice >= 10


def test_a_new_wish_interrupts_an_older_one(story: SimpleNamespace) -> None:
    long = [i for i, e in enumerate(story.events) if isinstance(e, ev.Block) and e.sample == "far"]
    (urgent,) = (
        i
        for i, e in enumerate(story.events)
        if isinstance(e, ev.Scores) and e.checkpoint.startswith(story.urgent.ref.key)
    )
    assert long[0] < urgent < long[-1]
    assert story.viewer.coverage(story.long) == 1.0


def test_what_cannot_be_predicted_is_told_in_one_sentence_each(story: SimpleNamespace) -> None:
    told = [story.refused[(r.ref, r.sample)] for r in (story.foreign, story.thick, story.not_kept)]
    assert "foreign.pt is no checkpoint of tomoscribe" in told[0]
    assert "has voxels of 20 Å, but the checkpoint was trained on 10 Å" in told[1]
    assert "The weights of one/step_000010 were not kept" in told[2]


def test_a_killed_process_is_told_and_started_again_when_asked_to(story: SimpleNamespace) -> None:
    assert story.dead.state is State.LOST or story.dead.state is None
    assert "start it again" in story.dead.message
    assert story.dead.waiting == (story.late,)
    assert story.second_folder != story.folder


def test_it_ends_when_its_folder_is_deleted_and_that_is_told(story: SimpleNamespace) -> None:
    assert "The folder of the background predictions is gone" in story.deleted.message
    assert not story.second_folder.path.exists()


def test_predictions_are_found_again_by_another_viewer(
    story: SimpleNamespace, project: Path
) -> None:
    catalog = Catalog(project)
    catalog.poll()
    for request in (story.first, story.second, story.long, story.urgent):
        found = catalog.find(request.ref, request.sample)
        assert (found.coverage, found.shape_zyx) == (1.0, SHAPE)
        assert found.picks.is_file()


OWNER = """
import sys, time
from pathlib import Path
from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.predictions import PredictionService
from tomoscribe.training.prediction_request import PredictionRequest
service = PredictionService(sys.argv[1], threads=1)
service.prepare()
while service.poll().state != "running":
    time.sleep(0.05)
print(service.folder.status().pid, flush=True)
sys.stdin.read()
"""


def test_it_ends_with_the_viewer_that_wanted_it_even_if_that_dies(
    project: Path, wait_until: WaitUntil
) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(project)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        worker = psutil.Process(int(owner.stdout.readline()))
        os.kill(owner.pid, signal.SIGKILL)
        owner.wait()
        wait_until(lambda: not worker.is_running(), START_S, "the worker's end")
    finally:
        owner.kill()
        owner.communicate()


def test_it_ends_when_it_was_idle(project: Path) -> None:
    folder = PredictionFolder.make(project, PredictionControl(idle_s=0.01, device="cpu", threads=1))
    assert run_here(folder) == "idle"


def test_it_ends_when_its_owner_was_gone_before_it_was_up(project: Path) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = Owner(
        pid=child.pid,
        process_started=psutil.Process(child.pid).create_time(),
        host=Owner.this().host,
    )
    child.communicate(b"\n")
    folder = PredictionFolder.make(project, PredictionControl(owner=owner, device="cpu", threads=1))
    assert run_here(folder) == "owner"


def run_here(folder: PredictionFolder) -> str:
    """Let this process predict until it ends by itself; return why it did."""
    threads = torch.get_num_threads()
    try:
        assert run_predictions(folder) == 0
    finally:
        torch.set_num_threads(threads)
    assert folder.status().state is State.FINISHED
    return folder.events()[-1].reason


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Instead of processes: folders as a process leaves them that has ended."""
    started: list[Path] = []

    def start(path: Path, *args: object) -> int:
        started.append(path)
        PredictionFolder(path).write_status(Status(state=State.FINISHED))
        return 0

    monkeypatch.setattr(predictions.process, "start_worker", start)
    return started


def test_a_new_wish_starts_another_process_when_one_has_ended(
    project: Path,
    ask: Callable[..., PredictionRequest],
    ended: list[Path],
    wait_until: WaitUntil,
) -> None:
    viewer = Viewer(project, wait_until)
    viewer.service.prepare()
    wait_until(lambda: viewer.service.folder)
    viewer.until(lambda u: viewer.service.folder is None, "the first one's end")
    assert not viewer.poll().can_start_again
    assert len(ended) == 1
    viewer.service.want([ask("a")])
    wait_until(lambda: len(ended) == 2)
    viewer.service.close()


def test_what_is_wanted_again_in_an_instant_is_asked_for_anew(
    project: Path,
    ask: Callable[..., PredictionRequest],
    monkeypatch: pytest.MonkeyPatch,
    wait_until: WaitUntil,
) -> None:
    controls: list[PredictionControl] = []

    def start(path: Path, *args: object) -> int:
        controls.append(PredictionFolder(path).control())
        return os.getpid()

    monkeypatch.setattr(predictions.process, "start_worker", start)
    service = PredictionService(project)
    service.want([ask("a")])
    wait_until(lambda: service.folder)
    folder = service.folder
    assert folder is not None
    service.want([])
    service.want([ask("a")])
    (first,) = controls[0].wishes
    wait_until(lambda: folder.control().wishes and folder.control().wishes[0].asked > first.asked)
    service.close()


def test_a_disk_that_stalls_does_not_hold_the_viewer_up(
    project: Path, ask: Callable[..., PredictionRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = threading.Event()

    def stall(*args: object) -> PredictionFolder:
        goes_on.wait()
        raise TomoscribeError("The disk is gone.")

    monkeypatch.setattr(PredictionFolder, "make", stall)
    service = PredictionService(project)
    request = ask("a")
    service.want([request])
    service.look(None)
    assert service.poll().waiting == (request,)
    service.close()
    goes_on.set()


def test_a_defect_in_the_thread_is_not_silent(
    project: Path,
    ask: Callable[..., PredictionRequest],
    monkeypatch: pytest.MonkeyPatch,
    wait_until: WaitUntil,
) -> None:
    def fail(*args: object) -> PredictionFolder:
        raise ZeroDivisionError

    monkeypatch.setattr(PredictionFolder, "make", fail)
    service = PredictionService(project)
    service.want([ask("a")])

    def raises() -> bool:
        try:
            service.poll()
        except ZeroDivisionError:
            return True
        return False

    wait_until(raises)
    service.close()


def test_where_nothing_can_be_written_it_is_said_in_one_sentence(
    tmp_path: Path, ask: Callable[..., PredictionRequest], wait_until: WaitUntil
) -> None:
    (tmp_path / "project").write_text("a file where the folder should be")
    viewer = Viewer(tmp_path / "project", wait_until)
    viewer.service.want([ask("a")])
    viewer.until(lambda u: u.can_start_again, "the complaint")
    assert "Cannot write" in viewer.poll().message
    viewer.service.close()
