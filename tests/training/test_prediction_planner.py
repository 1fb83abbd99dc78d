"""Which piece of a background prediction comes next; with a task that computes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from socket import gethostname
from typing import Any

import numpy as np
import pytest
import torch
from tests.project import spheres
from tests.training.fake_task import SLAB, FakePredictor, FakeTask
from tests.training.tiny_checkpoints import membrane_checkpoint, tomogram_checkpoint

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import write_mrc
from tomoscribe.tasks.base import Block, Focus
from tomoscribe.training import events as ev
from tomoscribe.training import prediction_device
from tomoscribe.training.control import FocusBox
from tomoscribe.training.devices import Device
from tomoscribe.training.prediction_device import PredictionDevice
from tomoscribe.training.prediction_disk import prune
from tomoscribe.training.prediction_folder import Owner, PredictionControl, PredictionFolder, Wish
from tomoscribe.training.prediction_models import MOST_MODELS, PredictionModels
from tomoscribe.training.prediction_planner import PredictionPlanner
from tomoscribe.training.previews import BlockLog, assemble
from tomoscribe.training.queue import DeviceQueue
from tomoscribe.training.reporter import Reporter
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import State, Status

SHAPE = (8, 16, 12)
BLOCKS = SHAPE[0] // SLAB
CPU = Device(name="cpu", label="CPU", memory_bytes=1)
GPU = Device(name="cuda:0", label="A GPU", memory_bytes=1)


class Desk:
    """A planner with all that it needs, and what it said."""

    def __init__(self, folder: PredictionFolder, reporter: Reporter) -> None:
        self.task = CountingTask()
        self.folder = folder
        self.models = PredictionModels(folder.project, lambda path: self.task)
        self.device = PredictionDevice("auto", folder.path)
        self.planner = PredictionPlanner(folder, reporter, self.models, self.device)
        self.wishes: list[Wish] = []
        self.focus: FocusBox | None = None
        self.keep_bytes: int | None = None

    def work(self, pieces: int | None = None) -> int:
        """Let it make so many pieces, or all; return how many it made."""
        control = PredictionControl(
            wishes=self.wishes, focus=self.focus, keep_bytes=self.keep_bytes
        )
        made = 0
        while made != pieces and self.planner.work(control):
            made += 1
        return made

    def of(self, kind: type[ev.Event]) -> list[Any]:
        return [event for event in self.folder.events() if isinstance(event, kind)]

    def blocks(self) -> list[tuple[str, int]]:
        """Return the first letter of the wish and the first plane of each block."""
        return [(e.checkpoint[0], e.lo_zyx[0]) for e in self.of(ev.Block)]

    def refusals(self) -> list[str]:
        return [event.message for event in self.of(ev.Refused)]


class CountingTask(FakeTask):
    """Counts what is loaded; its predictors may fail."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.fail: Exception | None = None
        self.fail_on = ""

    def load(self, checkpoint: Path, device: torch.device) -> FakePredictor:
        self.loaded.append(f"{checkpoint.stem} on {device}")
        predictor = super().load(checkpoint, torch.device("cpu"))
        whole = predictor.blocks

        def blocks(volume: Any, focus: Focus | None = None) -> Iterator[Block]:
            for block in whole(volume, focus):
                if self.fail is not None and self.fail_on in str(device):
                    raise self.fail
                yield block

        predictor.blocks = blocks
        return predictor


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for number, name in enumerate("ab"):
        values = np.full(SHAPE, number, np.float32) + np.arange(SHAPE[2], dtype=np.float32)
        write_mrc(tmp_path / f"{name}.mrc", values, 20.0)
    return tmp_path


@pytest.fixture
def desk(project: Path) -> Iterator[Desk]:
    folder = PredictionFolder.make(project, PredictionControl())
    with Reporter(folder) as reporter:
        yield Desk(folder, reporter)


def wish(project: Path, name: str, sample: str = "a", **changes: Any) -> Wish:
    path = project / f"{name}.pt"
    if not path.exists():
        torch.save({"weight": torch.zeros(3), "steps": 127, "voxel_size_A": 20.0}, path)
    values = {"checkpoint": str(path), "volume_path": str(project / f"{sample}.mrc")} | changes
    return Wish(key=name, sample=sample, **values)


def look_at(plane: float, sample: str = "a") -> FocusBox:
    _, y, x = SHAPE
    return FocusBox(
        sample=sample, center_zyx=(plane, y / 2, x / 2), lo_zyx=(plane, 0, 0), hi_zyx=(plane, y, x)
    )


def test_a_wish_is_predicted_whole_and_its_picks_are_listed(desk: Desk, project: Path) -> None:
    desk.wishes = [wish(project, "x")]
    assert desk.work() == BLOCKS + 1
    (scores,) = desk.of(ev.Scores)
    (told,) = desk.of(ev.Preview)
    heatmap = assemble(desk.folder.resolve(told.path), 1, SHAPE)
    assert (heatmap == 128).all()
    assert desk.folder.resolve(scores.path).is_file()
    assert scores.thresholds == {"ribosome": 0.4}


def test_it_says_first_which_file_it_is_and_what_that_says_of_itself(
    desk: Desk, project: Path
) -> None:
    desk.wishes = [wish(project, "x")]
    desk.work()
    first, second = desk.folder.events()[:2]
    assert isinstance(first, ev.Loaded)
    assert isinstance(second, ev.Preview)
    assert (first.file.path, first.wish, first.task) == ("x.pt", "x", "fake")
    assert (first.class_names, first.voxel_size_A) == (["ribosome"], 20.0)
    assert (second.file.path, second.checkpoint) == ("a.mrc", first.checkpoint)


def test_a_description_alone_predicts_nothing(desk: Desk, project: Path) -> None:
    desk.wishes = [wish(project, "x", "", volume_path="")]
    assert desk.work() == 1
    assert len(desk.of(ev.Loaded)) == 1
    assert desk.of(ev.Preview) == []


def test_a_description_comes_before_what_takes_long(desk: Desk, project: Path) -> None:
    desk.wishes = [wish(project, "x"), wish(project, "y", "", volume_path="")]
    desk.work(1)
    assert [event.wish for event in desk.of(ev.Loaded)] == ["y"]


def test_the_slice_in_view_of_both_sides_comes_before_either_is_filled(
    desk: Desk, project: Path
) -> None:
    desk.wishes = [wish(project, "x"), wish(project, "y")]
    desk.focus = look_at(5)
    desk.work(3)
    assert desk.blocks() == [("x", 5), ("y", 5), ("x", 4)]
    desk.work()
    assert len(desk.of(ev.Scores)) == 2


def test_what_is_not_in_view_waits_for_what_is(desk: Desk, project: Path) -> None:
    desk.wishes = [wish(project, "x", "a"), wish(project, "y", "b")]
    desk.focus = look_at(5, "b")
    desk.work(2)
    assert [letter for letter, _ in desk.blocks()] == ["y", "x"]


def test_a_jump_is_answered_before_the_filling_goes_on(desk: Desk, project: Path) -> None:
    desk.wishes = [wish(project, "x"), wish(project, "y")]
    desk.focus = look_at(0)
    desk.work(3)
    desk.focus = look_at(7)
    desk.work(3)
    assert desk.blocks()[3:] == [("x", 7), ("y", 7), ("x", 2)]


def test_a_slice_that_is_there_already_is_not_predicted_again(desk: Desk, project: Path) -> None:
    desk.wishes = [wish(project, "x")]
    desk.focus = look_at(0)
    desk.work(2)  # the slice, and the block that holds it
    desk.focus = look_at(1)
    desk.work(1)
    assert desk.blocks() == [("x", 0), ("x", 0), ("x", 2)]


def test_a_new_wish_interrupts_an_older_one_which_then_goes_on_where_it_was(
    desk: Desk, project: Path
) -> None:
    old, new = wish(project, "x"), wish(project, "y")
    desk.wishes = [old]
    desk.work(2)
    desk.wishes = [new, old]
    desk.work()
    assert [letter for letter, _ in desk.blocks()] == ["x"] * 2 + ["y"] * BLOCKS + ["x"] * (
        BLOCKS - 2
    )
    assert len({place for place in desk.blocks() if place[0] == "x"}) == BLOCKS


def test_what_is_not_wanted_any_more_is_not_gone_on_with(desk: Desk, project: Path) -> None:
    desk.wishes = [wish(project, "x")]
    desk.work(2)
    desk.wishes = []
    assert desk.work() == 0
    assert len(desk.of(ev.Block)) == 2


def test_asked_again_it_answers_again_without_computing(desk: Desk, project: Path) -> None:
    desk.wishes = [wish(project, "x")]
    desk.work()
    desk.wishes = []
    desk.work()
    desk.wishes = [wish(project, "x")]
    assert desk.work() == 1
    assert len(desk.of(ev.Scores)) == 2
    assert len(desk.of(ev.Block)) == BLOCKS


def test_asked_anew_it_answers_though_it_never_saw_that_it_was_not_wanted(
    desk: Desk, project: Path
) -> None:
    desk.wishes = [wish(project, "x")]
    desk.work()
    desk.wishes = [wish(project, "x", asked=1)]
    assert desk.work() == 1
    assert len(desk.of(ev.Scores)) == 2
    assert len(desk.of(ev.Block)) == BLOCKS


def test_a_checkpoint_file_that_changed_is_predicted_anew(desk: Desk, project: Path) -> None:
    desk.wishes = [wish(project, "x")]
    desk.work()
    desk.wishes = []
    desk.work()
    torch.save({"weight": torch.zeros(9), "steps": 254}, project / "x.pt")
    desk.wishes = [wish(project, "x")]
    desk.work()
    before, after = desk.of(ev.Preview)
    assert before.path != after.path
    assert (assemble(desk.folder.resolve(after.path), 1, SHAPE) == 255).all()


def test_few_models_are_kept_and_loaded_once(desk: Desk, project: Path) -> None:
    names = [f"{letter}{letter}" for letter in "pqrstu"]
    desk.wishes = [wish(project, name) for name in names]
    desk.work()
    assert desk.task.loaded == [f"{name} on cpu" for name in names]
    assert len(desk.models._models) == MOST_MODELS


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"kind": "mesh"}, "'a' is a membrane; choose a checkpoint that was trained on membranes"),
        ({"volume_path": "/not/there.mrc"}, "There is no file /not/there.mrc"),
        ({"checkpoint": "/not/there.pt"}, "The checkpoint /not/there.pt cannot be read"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_the_others_go_on(
    desk: Desk, project: Path, changes: dict[str, Any], told: str
) -> None:
    good, bad = wish(project, "x"), wish(project, "y")
    desk.wishes = [Wish(**{f: getattr(bad, f) for f in bad.__struct_fields__} | changes), good]
    desk.work()
    (message,) = desk.refusals()
    assert told in message
    assert len(desk.of(ev.Scores)) == 1


@pytest.mark.parametrize("content", [b"", b"no checkpoint at all", b"PK\x03\x04 torn"])
def test_a_damaged_checkpoint_is_refused(desk: Desk, project: Path, content: bytes) -> None:
    (project / "x.pt").write_bytes(content)
    desk.models = PredictionModels(project)
    desk.planner._models = desk.models
    desk.wishes = [wish(project, "x")]
    desk.work()
    assert "is no checkpoint, or it is damaged" in desk.refusals()[0]


def test_a_checkpoint_of_a_task_that_is_not_known_is_refused(desk: Desk, project: Path) -> None:
    torch.save({"task": "of tomorrow"}, project / "x.pt")
    desk.planner._models = PredictionModels(project)
    desk.wishes = [wish(project, "x")]
    desk.work()
    assert "There is no task 'of tomorrow'" in desk.refusals()[0]


def test_a_refused_wish_is_tried_again_once_it_was_taken_back(desk: Desk, project: Path) -> None:
    bad = wish(project, "x", volume_path=str(project / "later.mrc"))
    desk.wishes = [bad]
    desk.work()
    assert desk.work() == 0
    desk.wishes = []
    desk.work()
    (project / "a.mrc").rename(project / "later.mrc")
    desk.wishes = [bad]
    desk.work()
    assert len(desk.of(ev.Scores)) == 1


def test_an_error_of_ours_ends_one_wish_only(desk: Desk, project: Path) -> None:
    desk.task.fail = ZeroDivisionError("oops")
    desk.wishes = [wish(project, "x")]
    desk.work()
    assert "ZeroDivisionError: oops" in desk.refusals()[0]
    desk.task.fail = None
    desk.wishes = [wish(project, "y")]
    desk.work()
    assert len(desk.of(ev.Scores)) == 1


def test_too_little_memory_is_told(desk: Desk, project: Path) -> None:
    desk.task.fail = MemoryError()
    desk.wishes = [wish(project, "x")]
    desk.work()
    assert "memory of this machine was not enough to predict a with x.pt" in desk.refusals()[0]


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[DeviceQueue]:
    """A machine with a GPU, and a training's place in its queue."""
    monkeypatch.setenv("TOMOSCRIBE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(prediction_device, "choose", lambda name: {"auto": GPU, "cpu": CPU}[name])
    queues = []

    def training() -> DeviceQueue:
        queues.append(DeviceQueue(GPU.name, Path("/runs/training")))
        return queues[-1]

    yield training
    for queue in queues:
        queue.release()


def test_a_gpu_is_used_and_given_back_when_nothing_is_wanted(
    gpu: Any, desk: Desk, project: Path
) -> None:
    desk.wishes = [wish(project, "x")]
    desk.work()
    assert desk.task.loaded == ["x on cuda:0"]
    assert gpu().try_acquire()


def test_a_gpu_that_a_training_holds_is_left_to_it_and_that_is_said(
    gpu: Any, desk: Desk, project: Path
) -> None:
    assert gpu().try_acquire()
    desk.wishes = [wish(project, "x")]
    desk.work(1)
    status = desk.folder.status()
    assert desk.task.loaded == ["x on cpu"]
    assert "on the CPU, since a training has cuda:0" in status.message
    assert status.device == "cpu"


def test_a_training_that_comes_later_gets_the_gpu_within_a_block(
    gpu: Any, desk: Desk, project: Path
) -> None:
    desk.wishes = [wish(project, "x")]
    desk.work(2)
    training = gpu()
    assert not training.try_acquire()
    desk.work(1)
    assert training.try_acquire()
    desk.work()
    assert desk.task.loaded == ["x on cuda:0", "x on cpu"]
    assert len(desk.of(ev.Scores)) == 1


def test_a_gpu_that_is_too_small_is_not_tried_twice(gpu: Any, desk: Desk, project: Path) -> None:
    desk.task.fail, desk.task.fail_on = torch.OutOfMemoryError("CUDA out of memory"), "cuda"
    desk.wishes = [wish(project, "x"), wish(project, "y")]
    desk.work()
    assert desk.task.loaded == ["x on cuda:0", "x on cpu", "y on cpu"]
    assert len(desk.of(ev.Scores)) == 2
    assert desk.refusals() == []


def test_the_disk_that_predictions_take_is_bounded_the_oldest_go_first(
    desk: Desk, project: Path
) -> None:
    desk.keep_bytes = 1
    desk.wishes = [wish(project, "x"), wish(project, "y")]
    desk.work()
    logs = [desk.folder.resolve(e.path) for e in desk.of(ev.Preview)]
    assert [log.is_file() for log in logs] == [False, True]


def test_a_log_that_cannot_be_removed_since_somebody_reads_it_stops_nothing(
    desk: Desk, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "used by another process", str(path))

    desk.wishes = [wish(project, "x")]
    desk.work()
    (log,) = project.glob("predictions/*/previews/*/*.blocks")
    size = log.stat().st_size
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refuse)
        assert prune(project, 0) == size
    assert log.is_file()


def test_an_empty_folder_of_an_ended_process_is_removed_one_of_a_living_stays(
    desk: Desk, project: Path
) -> None:
    ended = PredictionFolder.make(project, PredictionControl())
    ended.write_status(Status(state=State.FINISHED))
    full = PredictionFolder.make(project, PredictionControl())
    full.write_status(Status(state=State.FINISHED))
    log = full.preview_path("x", "a")
    log.parent.mkdir(parents=True)
    log.write_bytes(b"scores")
    assert prune(project, 10**9) == len(b"scores")
    assert [f.path.exists() for f in (desk.folder, ended, full)] == [True, False, True]


def test_an_empty_folder_stays_while_the_viewer_that_made_it_is_there(
    desk: Desk, project: Path
) -> None:
    made = {}
    for name, owner in (
        ("mine", Owner.this()),
        ("ended", Owner(pid=2**22 - 1, host=gethostname())),
    ):
        made[name] = PredictionFolder.make(project, PredictionControl(owner=owner))
        # As of a process that imports torch for long, on a machine that does much else.
        made[name].write_status(Status(host=gethostname(), heartbeat=1.0))
    prune(project, 10**9)
    assert {name: folder.path.exists() for name, folder in made.items()} == {
        "mine": True,
        "ended": False,
    }


def test_a_gone_sample_is_no_end(desk: Desk, project: Path) -> None:
    desk.task.fail = TomoscribeError("/data/a.mrc cannot be read: its disk is not there.")
    desk.wishes = [wish(project, "x")]
    desk.work()
    assert desk.refusals() == ["/data/a.mrc cannot be read: its disk is not there."]


def test_what_an_ended_process_had_computed_is_taken_over(desk: Desk, project: Path) -> None:
    desk.wishes = [wish(project, "x")]
    desk.work(2)
    folder = PredictionFolder.make(project, PredictionControl())
    with Reporter(folder) as reporter:
        later = Desk(folder, reporter)
        later.wishes = [wish(project, "x")]
        later.focus = look_at(7)
        later.work(1)
        assert later.blocks() == [*desk.blocks(), ("x", 7)]
        later.work()
        assert len(later.of(ev.Scores)) == 1


def test_what_the_training_had_previewed_is_taken_over_if_it_fits(
    desk: Desk, project: Path
) -> None:
    run = RunFolder(project / "runs" / "one")
    checkpoint = run.checkpoint_path("step_000010")
    checkpoint.parent.mkdir(parents=True)
    made = Path(wish(project, "x").checkpoint).rename(checkpoint)
    log = BlockLog(run.preview_path("step_000010", "a"))
    log.create()
    log.append((3, 0, 0), np.full((1, 1, *SHAPE[1:]), 0.5))
    log.append((7, 0, 0), np.full((1, 2, *SHAPE[1:]), 0.5))  # beyond the grid
    log.append((0, 0, 0), np.full((2, 1, *SHAPE[1:]), 0.5))  # of two classes
    desk.wishes = [wish(project, "x", checkpoint=str(made))]
    desk.work(1)
    assert [plane for _, plane in desk.blocks()[:-1]] == [3]


@pytest.fixture
def real(desk: Desk, project: Path) -> Desk:
    """Real tasks, a tomogram with a membrane in it, and a checkpoint for each."""
    desk.planner._models = PredictionModels(project)
    tomogram = spheres.write_tomogram(project / "t.mrc")
    spheres.write_container(project / "m.h5", tomogram)
    tomogram_checkpoint(project / "of_tomograms.pt")
    membrane_checkpoint(project / "of_membranes.pt")
    return desk


ON_MEMBRANE = {"kind": "mesh", "sample": "m", "volume_path": "m.h5"}
ON_TOMOGRAM = {"kind": "volume", "sample": "t", "volume_path": "t.mrc"}


def real_wish(project: Path, checkpoint: str, on: dict[str, str]) -> Wish:
    path = str(project / on["volume_path"])
    return wish(project, checkpoint, **(on | {"volume_path": path, "voxel_size_A": 10.0}))


def test_membranes_are_predicted_by_the_same_code_even_without_their_tomogram(
    real: Desk, project: Path
) -> None:
    gone = {"tomogram": str(project / "moved_away.mrc")}
    real.wishes = [real_wish(project, "of_membranes", ON_MEMBRANE | gone)]
    real.work()
    assert real.refusals() == []
    (told,) = real.of(ev.Preview)
    assert (told.kind, told.shape_zyx) == ("mesh", [1, 1, 642])
    assert assemble(real.folder.resolve(told.path), 1, (1, 1, 642)).all()
    assert len(real.of(ev.Scores)) == 1


@pytest.mark.parametrize(
    ("checkpoint", "on", "told"),
    [
        ("of_membranes", ON_TOMOGRAM, "of_membranes.pt was trained on membranes, but 't' is a"),
        ("of_tomograms", ON_MEMBRANE, "of_tomograms.pt was trained on tomograms, but 'm' is a"),
    ],
)
def test_a_checkpoint_of_the_other_kind_is_refused(
    real: Desk, project: Path, checkpoint: str, on: dict[str, str], told: str
) -> None:
    real.wishes = [real_wish(project, checkpoint, on)]
    real.work()
    assert told in real.refusals()[0]


def test_two_viewers_have_folders_of_their_own(project: Path) -> None:
    control = PredictionControl()
    one, other = (PredictionFolder.make(project, control) for _ in range(2))
    assert one.path != other.path
