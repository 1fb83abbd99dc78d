"""The worker's doings in this process, with a task that learns nothing."""

from __future__ import annotations

import csv
import shutil
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar

import msgspec
import numpy as np
import pytest
import torch
from tests.training.fake_task import FakeModule, FakeTask

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import write_mrc
from tomoscribe.project.model import ParticleClass, Role
from tomoscribe.project.source import DataSource
from tomoscribe.project.store import Project
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.training import events as ev
from tomoscribe.training import launch
from tomoscribe.training.callbacks.previews import PreviewCallback
from tomoscribe.training.config import RunConfig
from tomoscribe.training.control import FocusBox
from tomoscribe.training.previews import assemble, read_block
from tomoscribe.training.queue import DeviceQueue
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import State
from tomoscribe.training.worker import main, run_worker

E = TypeVar("E", bound=ev.Event)
SHAPE = (8, 16, 12)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Two tiny tomograms, six clicks in the one to train on."""
    project = Project.create(tmp_path / "project")
    project.add_class(ParticleClass("ribosome", 100.0))
    rng = np.random.default_rng(0)
    for name, role in (("one", Role.TRAIN), ("two", Role.VALIDATE)):
        path = tmp_path / f"{name}.mrc"
        write_mrc(path, rng.normal(size=SHAPE).astype(np.float32), 20.0)
        project.add_tomogram(path, name=name, role=role)
    click(project, 6)
    return project


def click(project: Project, count: int) -> None:
    table = project.tomograms["one"].picks
    zyx = np.random.default_rng(len(table)).uniform(1, 7, (count, 3))
    project.edit("one", table.make_add(zyx, "ribosome"))


@pytest.fixture
def make_run(tmp_path: Path, project: Project) -> Callable[..., RunFolder]:
    def make(runs: Path | None = None, **settings: object) -> RunFolder:
        values = {"validate_every_s": 1e6, "preview_share": 0.0, "threads": 1} | settings
        config = RunConfig(
            data=DataSource(path=project.path), settings=TrainingSettings.model_validate(values)
        )
        return RunFolder.create(runs or tmp_path / "runs", config)

    return make


def at(step: int, action: Callable[[], object]) -> Callable[[FakeModule], None]:
    """Return an `on_step` that does something once, before step number `step` ends."""

    def on_step(module: FakeModule) -> None:
        if module.steps == step:
            action()

    return on_step


def of(run: RunFolder, kind: type[E]) -> list[E]:
    return [event for event in run.events() if isinstance(event, kind)]


def is_paused(run: RunFolder) -> bool:
    status = run.status()
    return status is not None and status.state is State.PAUSED


def raise_(error: Exception) -> None:
    raise error


def test_a_training_by_steps_ends_with_all_it_promised(
    make_run: Callable[..., RunFolder], project: Project
) -> None:
    run, task = make_run(max_steps=5, preview_share=0.5), FakeTask()
    assert run_worker(run, task) == 0
    kinds = [type(event) for event in run.events()]
    assert kinds[:2] == [ev.Started, ev.Labels]
    assert kinds[-1] is ev.Finished
    started, labels = of(run, ev.Started)[0], of(run, ev.Labels)[0]
    assert (started.train, started.validate) == (["one"], ["two"])
    assert (labels.used, labels.total, labels.revision) == (5, 6, project.revision)
    assert of(run, ev.Step)[-1].step == 5
    assert of(run, ev.Finished)[0] == ev.Finished(
        time=of(run, ev.Finished)[0].time, step=5, reason="steps", best="step_000005"
    )
    status = run.status()
    assert (status.state, status.step, status.labels_used) == (State.FINISHED, 5, 5)
    assert run.best_checkpoint() == run.last_checkpoint() == run.checkpoint_path("step_000005")
    assert task.module.fractions == pytest.approx([0.0, 0.2, 0.4, 0.6, 0.8])


def test_the_configuration_tells_plan_versions_and_data(make_run: Callable[..., RunFolder]) -> None:
    run = make_run(max_steps=1)
    run_worker(run, FakeTask())
    config = run.config()
    assert config.plan["batch"] == 4
    assert config.versions["torch"] == torch.__version__
    assert set(config.data_hashes) == {"one", "two"}


def test_tensorboard_and_csv_logs_lie_in_the_run(make_run: Callable[..., RunFolder]) -> None:
    run = make_run(max_steps=3)
    run_worker(run, FakeTask())
    with (run.path / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {"loss", "learning_rate", "val_score", "step"} <= rows[0].keys()
    assert list((run.path / "tensorboard").glob("events.out*"))


def test_after_the_end_the_best_checkpoint_is_shown_whole_with_its_picks(
    make_run: Callable[..., RunFolder],
) -> None:
    run = make_run(max_steps=3)
    run.write_control(samples=["one"])
    run_worker(run, FakeTask())
    scores = of(run, ev.Scores)[-1]
    assert (scores.checkpoint, scores.sample, scores.threshold) == ("step_000003", "one", 0.4)
    with run.resolve(scores.path).open() as file:
        row = next(csv.DictReader(file))
    assert (row["class"], float(row["y"]), float(row["score"])) == ("ribosome", 2.0, 0.75)
    preview = of(run, ev.Preview)[-1]
    heatmap = assemble(run.resolve(preview.path), 1, tuple(preview.shape_zyx))
    assert (heatmap == 1 + 3).all()


def test_the_time_budget_ends_the_training(make_run: Callable[..., RunFolder]) -> None:
    run = make_run(max_minutes=0.005)
    run_worker(run, FakeTask())
    assert of(run, ev.Finished)[0].reason == "time"


def test_stop_writes_a_checkpoint_and_is_acknowledged(make_run: Callable[..., RunFolder]) -> None:
    run = make_run()
    assert run_worker(run, FakeTask(on_step=at(4, lambda: run.write_control(desired="stop")))) == 0
    assert of(run, ev.Finished)[0].reason == "stop"
    assert [c.name for c in run.checkpoints()] == ["step_000004"]
    status = run.status()
    assert (status.state, status.control_revision) == (State.STOPPED, 1)


def test_a_stop_before_the_first_step_trains_nothing(make_run: Callable[..., RunFolder]) -> None:
    run = make_run()
    run.write_control(desired="stop")
    assert run_worker(run, FakeTask()) == 0
    assert run.status().state is State.STOPPED
    assert of(run, ev.Started) == []


def test_a_pause_is_told_and_does_not_count(
    make_run: Callable[..., RunFolder], wait_until: Callable[..., None]
) -> None:
    run = make_run(max_steps=6)
    seen: list[State] = []

    def end_pause() -> None:
        wait_until(lambda: is_paused(run), what="the pause")
        seen.append(run.status().state)
        run.write_control(desired="run")

    helper = threading.Thread(target=end_pause)
    helper.start()
    assert run_worker(run, FakeTask(on_step=at(2, lambda: run.write_control(desired="pause")))) == 0
    helper.join()
    assert seen == [State.PAUSED]
    assert (run.status().state, run.status().step) == (State.FINISHED, 6)


def test_a_paused_training_leaves_its_device_to_others_and_waits_for_it_again(
    make_run: Callable[..., RunFolder], wait_until: Callable[..., None], tmp_path: Path
) -> None:
    run = make_run(max_steps=6)
    told: list[str] = []

    def state() -> State | None:
        status = run.status()
        return None if status is None else status.state

    def use_the_device() -> None:
        wait_until(lambda: is_paused(run), what="the pause")
        with DeviceQueue("cpu", tmp_path / "other") as other:
            assert other.try_acquire()
            for wish, wanted in (("run", "queued"), ("pause", "paused"), ("run", "queued")):
                run.write_control(desired=wish)
                wait_until(lambda wanted=wanted: state() == wanted, what=wanted)
            told.append(run.status().message)

    with ThreadPoolExecutor(1) as pool:
        helper = pool.submit(use_the_device)
        pause = at(2, lambda: run.write_control(desired="pause"))
        assert run_worker(run, FakeTask(on_step=pause)) == 0
        helper.result()
    assert told == [f"Waiting for cpu: {tmp_path / 'other'} has it."]
    assert (run.status().state, run.status().step) == (State.FINISHED, 6)


def test_a_stop_abandons_a_validation(make_run: Callable[..., RunFolder]) -> None:
    run = make_run(validate_every_s=1e-9)
    stop = partial(run.write_control, desired="stop")
    assert run_worker(run, FakeTask(on_evaluate=lambda module: stop())) == 0
    assert of(run, ev.Validation) == []
    assert of(run, ev.Finished)[0].reason == "stop"
    assert [(c.step, c.score) for c in run.checkpoints()] == [(1, None)]
    assert run.status().state is State.STOPPED


def test_a_stop_abandons_the_last_validation(make_run: Callable[..., RunFolder]) -> None:
    run = make_run(max_steps=3)
    stop = partial(run.write_control, desired="stop")
    assert run_worker(run, FakeTask(on_evaluate=lambda module: stop())) == 0
    assert of(run, ev.Validation) == []
    assert [(c.step, c.score) for c in run.checkpoints()] == [(3, None)]
    assert run.status().state is State.STOPPED


def test_the_last_validation_has_the_device_and_has_it_alone(
    make_run: Callable[..., RunFolder],
) -> None:
    """Lightning moves the module away when its loop has ended."""
    run, seen = make_run(max_steps=3, preview_share=0.5), []

    def look(module: FakeModule) -> None:
        previews = [t for t in threading.enumerate() if "previews" in t.name]
        seen.append((module.trainer.state.status.value, previews))

    run_worker(run, FakeTask(on_evaluate=look))
    assert seen == [("running", [])]


def test_a_paused_training_can_be_stopped(
    make_run: Callable[..., RunFolder], wait_until: Callable[..., None]
) -> None:
    run = make_run()

    def stop() -> None:
        wait_until(lambda: is_paused(run), what="the pause")
        run.write_control(desired="stop")

    helper = threading.Thread(target=stop)
    helper.start()
    run_worker(run, FakeTask(on_step=at(2, lambda: run.write_control(desired="pause"))))
    helper.join()
    assert run.status().state is State.STOPPED
    assert run.last_checkpoint().stem == "step_000002"


def test_new_clicks_are_taken_up_between_steps(
    make_run: Callable[..., RunFolder], project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tomoscribe.training.callbacks.control.LABELS_EVERY_S", 0.0)
    run = make_run(max_steps=6)
    run_worker(run, FakeTask(on_step=at(3, lambda: click(project, 4))))
    labels = of(run, ev.Labels)
    assert [(e.used, e.total) for e in labels] == [(5, 6), (9, 10)]
    assert labels[-1].revision == project.revision
    assert run.status().labels_used == 9


def test_labels_are_read_again_when_the_viewer_asks(
    make_run: Callable[..., RunFolder], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tomoscribe.training.callbacks.control.LABELS_EVERY_S", 0.0)
    run = make_run(max_steps=6)
    run_worker(run, FakeTask(on_step=at(3, lambda: run.write_control(labels_revision=1))))
    assert len(of(run, ev.Labels)) == 2


def test_labels_that_cannot_be_used_leave_the_old_ones(
    make_run: Callable[..., RunFolder], project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tomoscribe.training.callbacks.control.LABELS_EVERY_S", 0.0)
    run, task = make_run(max_steps=6), FakeTask()

    def refuse_more() -> None:
        task.refuse = TomoscribeError("there is nothing left to learn from.")
        click(project, 1)

    task.on_step = at(3, refuse_more)
    assert run_worker(run, task) == 0
    assert len(of(run, ev.Labels)) == 1
    warnings = [w.message for w in of(run, ev.Warning_)]
    assert "The new labels are not used: there is nothing left to learn from." in warnings


def test_last_and_best_checkpoints_are_kept(make_run: Callable[..., RunFolder]) -> None:
    run = make_run(max_steps=6, validate_every_s=1e-9, keep_best=2)
    # The share of validations lets every step through: a fake one takes no time.
    task = FakeTask(scores=[0.1, 0.9, 0.3, 0.8, 0.2, 0.4])
    run_worker(run, task)
    announced = [e.score for e in of(run, ev.Checkpoint)]
    kept = {c.score for c in run.checkpoints()}
    on_disk = {p.stem for p in (run.path / "checkpoints").iterdir()}
    assert kept == {announced[-1], *sorted(announced[:-1])[-2:]} | {max(announced)}
    assert on_disk == {c.name for c in run.checkpoints()}


def test_validations_can_come_by_steps_also_where_a_run_goes_on(
    make_run: Callable[..., RunFolder],
) -> None:
    run = make_run(max_steps=7, validate_every_steps=3)
    run_worker(run, FakeTask())
    assert [e.step for e in of(run, ev.Validation)] == [3, 6, 7]
    config = make_run(max_steps=10, validate_every_steps=3).config()
    on = RunFolder.create(run.path.parent, config.model_copy(update={"parent": run.name}))
    run_worker(on, FakeTask())
    assert [e.step for e in of(on, ev.Validation)] == [9, 10]


def test_patience_ends_a_training_that_gets_no_better(make_run: Callable[..., RunFolder]) -> None:
    run = make_run(validate_every_s=1e-9, patience=2)
    run_worker(run, FakeTask(scores=[0.3, 0.5] + [0.4] * 50))
    assert of(run, ev.Finished)[0].reason == "patience"
    assert run.best_checkpoint().stem == of(run, ev.Finished)[0].best


def test_metrics_that_are_no_numbers_are_left_out(make_run: Callable[..., RunFolder]) -> None:
    run = make_run(max_steps=1)
    run_worker(run, FakeTask(scores=[float("nan")]))
    validation = of(run, ev.Validation)[0]
    assert validation.score == 0.0
    assert validation.metrics == {}


def test_the_first_preview_comes_with_the_first_steps(
    make_run: Callable[..., RunFolder], wait_until: Callable[..., None]
) -> None:
    run = make_run(max_steps=4, preview_share=0.5)
    there = partial(wait_until, lambda: of(run, ev.Block), what="the first block")
    run_worker(run, FakeTask(on_step=at(3, there)))
    preview = of(run, ev.Preview)[0]
    block = of(run, ev.Block)[0]
    assert (preview.checkpoint, preview.sample) == ("step_000002", "two")
    assert block.lo_zyx == [4, 0, 0]
    assert block.shape_zyx == [1, 16, 12]
    assert read_block(run.resolve(preview.path), block.offset)[1].max() == 1 + 2


FOCUS = FocusBox(sample="one", center_zyx=(6, 8, 6), lo_zyx=(6, 0, 0), hi_zyx=(6, 16, 12))


def jump(run: RunFolder, wait_until: Callable[..., None], module: FakeModule | None = None) -> None:
    """Look at another tomogram, and wait for its first blocks."""
    run.write_control(focus=FOCUS)
    wait_until(
        lambda: sum(block.sample == "one" for block in of(run, ev.Block)) >= 3, what="the answer"
    )


def test_a_jump_is_answered_with_the_slice_in_view_by_the_newest_weights(
    make_run: Callable[..., RunFolder], wait_until: Callable[..., None]
) -> None:
    run = make_run(max_steps=40, preview_share=0.5)
    run_worker(run, FakeTask(on_step=at(20, partial(jump, run, wait_until))))
    events = [e for e in run.events() if isinstance(e, ev.Preview | ev.Block)]
    first = next(i for i, e in enumerate(events) if isinstance(e, ev.Preview) and e.sample == "one")
    preview, block, *others = events[first:]
    assert preview.step == 19  # during the twentieth
    assert (block.lo_zyx, block.shape_zyx) == ([6, 0, 0], [1, 16, 12])
    assert read_block(run.resolve(preview.path), block.offset)[1].max() == 1 + 19
    outward = [e.lo_zyx[0] for e in others if e.checkpoint == preview.checkpoint]
    assert len(outward) >= 2
    assert outward == sorted(outward, key=lambda lo: abs(lo + 1 - 6))


def test_a_jump_is_answered_while_the_training_validates(
    make_run: Callable[..., RunFolder], wait_until: Callable[..., None]
) -> None:
    run = make_run(max_steps=400, validate_every_s=0.05, preview_share=0.5)
    first = iter([partial(jump, run, wait_until)])
    run_worker(run, FakeTask(on_evaluate=lambda module: next(first, lambda: None)()))
    assert any(block.sample == "one" for block in of(run, ev.Block))


def test_a_defect_in_a_preview_ends_the_training_with_a_word(
    make_run: Callable[..., RunFolder],
) -> None:
    run = make_run(preview_share=0.5)
    task = FakeTask(on_predictor=lambda module: raise_(ZeroDivisionError("a test")))
    assert run_worker(run, task) == 1
    assert of(run, ev.Failed)[0].kind == "internal"
    assert not [thread for thread in threading.enumerate() if "previews" in thread.name]


def test_a_defect_in_the_last_preview_is_told_and_spoils_nothing(
    wait_until: Callable[..., None],
) -> None:
    told: list[str] = []
    context = SimpleNamespace(
        data=None,
        device=torch.device("cpu"),
        settings=TrainingSettings(),
        previewing=threading.Lock(),
        reporter=SimpleNamespace(warn=told.append),
        steering=SimpleNamespace(poll=lambda: raise_(ZeroDivisionError("a test"))),
    )
    previews = PreviewCallback(context)
    previews.on_train_start(None, None)
    assert previews._work is not None
    wait_until(previews._work.done, what="the defect")
    previews.on_train_end(None, None)
    previews.close()
    assert told == ["The last preview was not finished (ZeroDivisionError: a test)."]


def test_each_checkpoint_is_previewed_whole_under_its_name(
    make_run: Callable[..., RunFolder], wait_until: Callable[..., None]
) -> None:
    run = make_run(validate_every_s=1e-9, preview_share=0.5, preview_every_s=600)

    def is_whole(name: str) -> bool:
        found = [p for p in of(run, ev.Preview) if p.checkpoint == name]
        if not found:
            return False
        values = assemble(run.resolve(found[0].path), 1, tuple(found[0].shape_zyx))
        return bool((values == 1 + found[0].step).all())

    def wait_for_the_one_before(module: FakeModule) -> None:
        checkpoints = of(run, ev.Checkpoint)
        if checkpoints:
            name = checkpoints[-1].name
            wait_until(lambda: is_whole(name), what=f"the preview of {name}")
        if len(checkpoints) == 3:
            run.write_control(desired="stop")

    assert run_worker(run, FakeTask(on_evaluate=wait_for_the_one_before)) == 0


def test_previews_can_be_switched_off(make_run: Callable[..., RunFolder]) -> None:
    run = make_run(max_steps=5, preview_share=0.5)
    run.write_control(previews=False)
    run_worker(run, FakeTask())
    final = of(run, ev.Finished)[0].best
    assert {e.checkpoint for e in of(run, ev.Preview)} == {final}


def test_a_sample_that_is_not_there_is_told_once(
    make_run: Callable[..., RunFolder], wait_until: Callable[..., None]
) -> None:
    run = make_run(max_steps=5, preview_share=0.5)
    run.write_control(samples=["three"])
    there = partial(wait_until, lambda: of(run, ev.Preview), what="a preview")
    run_worker(run, FakeTask(on_step=at(4, there)))
    told = [w.message for w in of(run, ev.Warning_) if "three" in w.message]
    assert told == ["three cannot be previewed: the training does not know it."]
    assert of(run, ev.Preview)[0].sample == "two"


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried")],
)
def test_out_of_memory_offers_half_the_batch(
    make_run: Callable[..., RunFolder], error: Exception
) -> None:
    run = make_run()
    assert run_worker(run, FakeTask(on_step=at(3, lambda: raise_(error)))) == 1
    failed = of(run, ev.Failed)[0]
    assert (failed.kind, failed.hint) == ("oom", "retry with half the batch")
    assert run.status().state is State.FAILED
    assert run.status().message == failed.message


def test_a_defect_of_ours_is_told_with_its_traceback(
    make_run: Callable[..., RunFolder], capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run()
    run_worker(run, FakeTask(on_step=at(1, lambda: raise_(KeyError("lost")))))
    assert of(run, ev.Failed)[0].kind == "internal"
    assert "Traceback" in capsys.readouterr().err


def test_a_loss_that_is_no_number_is_told(make_run: Callable[..., RunFolder]) -> None:
    run = make_run()
    run_worker(run, FakeTask(add_to_loss=float("nan")))
    assert "not a number any more" in of(run, ev.Failed)[0].message


def test_data_that_are_not_there_are_told(tmp_path: Path) -> None:
    config = RunConfig(data=DataSource(path=tmp_path / "nothing"))
    run = RunFolder.create(tmp_path / "runs", config)
    assert run_worker(run, FakeTask()) == 1
    assert of(run, ev.Failed)[0].kind == "data"


def test_no_space_left_is_told_and_leaves_nothing_half_written(
    make_run: Callable[..., RunFolder], small_disk: Path
) -> None:
    run = make_run(small_disk / "runs")
    task = FakeTask(size=1_000_000, on_step=at(3, lambda: run.write_control(desired="stop")))
    assert run_worker(run, task) == 1
    failed = of(run, ev.Failed)[0]
    assert failed.kind == "disk"
    assert "no space is left" in failed.message
    assert run.status().state is State.FAILED
    assert list((run.path / "checkpoints").iterdir()) == []


def test_a_full_disk_under_the_events_is_told_from_the_reserve(
    make_run: Callable[..., RunFolder], small_disk: Path
) -> None:
    run = make_run(small_disk / "runs")

    def fill() -> None:
        with suppress(OSError), (small_disk / "filler").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))

    assert run_worker(run, FakeTask(on_step=at(3, fill))) == 1
    assert of(run, ev.Failed)[0].kind == "disk"
    assert run.status().state is State.FAILED


def test_a_run_is_trained_once(
    make_run: Callable[..., RunFolder], capsys: pytest.CaptureFixture[str]
) -> None:
    run = make_run(max_steps=1)
    run_worker(run, FakeTask())
    run.write_status(msgspec.structs.replace(run.status(), pid=1))
    assert run_worker(run, FakeTask()) == 1
    assert "was trained already; resume it" in capsys.readouterr().err


def test_a_folder_that_is_no_run_and_wrong_usage_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path)]) == 1
    assert "is not a run folder" in capsys.readouterr().err
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err


def test_a_resumed_run_counts_on_from_its_parent(
    make_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
    first = make_run(max_steps=9)
    run_worker(first, FakeTask(on_step=at(4, lambda: first.write_control(desired="stop"))))
    config = first.config().model_copy(update={"parent": first.name})
    child, task = RunFolder.create(first.path.parent, config), FakeTask()
    assert run_worker(child, task) == 0
    assert of(child, ev.Started)[0].step == 4
    assert task.module.steps == 9
    assert child.last_checkpoint().stem == "step_000009"
    assert of(child, ev.Step)[-1].elapsed_s > of(first, ev.Step)[-1].elapsed_s


def test_a_finished_run_that_is_resumed_gets_its_budget_again(
    make_run: Callable[..., RunFolder],
) -> None:
    first = make_run(max_steps=4)
    run_worker(first, FakeTask())
    child = RunFolder.create(
        first.path.parent, first.config().model_copy(update={"parent": first.name})
    )
    task = FakeTask()
    run_worker(child, task)
    assert child.last_checkpoint().stem == "step_000008"
    assert task.module.fractions == pytest.approx([0, 0.25, 0.5, 0.75])


def test_continue_from_takes_the_weights_alone(make_run: Callable[..., RunFolder]) -> None:
    first = make_run(max_steps=4)
    run_worker(first, FakeTask())
    again = first.config().model_copy(update={"start_from": str(first.best_checkpoint())})
    second, task = RunFolder.create(first.path.parent, again), FakeTask()
    seen: list[float] = []
    task.on_step = lambda module: seen.append(float(module.weight.detach().mean()))
    run_worker(second, task)
    assert of(second, ev.Started)[0].step == 0
    assert seen[0] != 0.0
    assert task.start is not None
    assert len(seen) == 4


@pytest.mark.parametrize(("steps", "begins", "first_weight"), [(7, 3, 3), (0, 0, 4)])
def test_a_resumed_run_keeps_what_a_continued_one_has_learnt(
    make_run: Callable[..., RunFolder],
    monkeypatch: pytest.MonkeyPatch,
    steps: int,
    begins: int,
    first_weight: int,
) -> None:
    """The weights are those of its parent, or the first ones where the parent made no step."""
    monkeypatch.setattr(launch, "start", lambda run: 0)
    first = make_run(max_steps=4)
    run_worker(first, FakeTask())
    again = first.config().model_copy(update={"start_from": str(first.best_checkpoint())})
    second, task = RunFolder.create(first.path.parent, again), FakeTask()
    if steps:
        task.on_step = at(3, lambda: second.write_control(desired="stop"))
    else:
        task.on_step = at(1, lambda: raise_(KeyError("a crash before the first checkpoint")))
    run_worker(second, task)
    child, task = launch.resume_as_child(second, settings={"max_steps": 7}), FakeTask()
    seen: list[float] = []
    task.on_step = lambda module: seen.append(float(module.weight.detach().mean()))
    assert run_worker(child, task) == 0
    assert of(child, ev.Started)[0].step == begins
    source = second if steps else first
    start = torch.load(source.checkpoint_path(f"step_{first_weight:06d}"), weights_only=True)
    assert seen[0] == pytest.approx(float(start["weight"].mean()))


def test_a_checkpoint_that_is_none_is_told(
    make_run: Callable[..., RunFolder], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.pt"
    bad.write_bytes(b"no weights")
    first = make_run()
    again = first.config().model_copy(update={"start_from": str(bad)})
    second = RunFolder.create(first.path.parent, again)
    assert run_worker(second, FakeTask()) == 1
    assert "is no checkpoint" in of(second, ev.Failed)[0].message


def test_signals_are_left_as_they_were(make_run: Callable[..., RunFolder]) -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    run_worker(make_run(max_steps=1), FakeTask())
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


# TensorBoard's own writer meets the same missing folder in its thread.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_a_worker_whose_folder_is_deleted_ends_by_itself(
    make_run: Callable[..., RunFolder], capsys: pytest.CaptureFixture[str], share: float
) -> None:
    run = make_run(
        max_steps=10**6, preview_share=share, preview_every_s=0.01, validate_every_s=0.01
    )
    assert run_worker(run, FakeTask(on_step=at(20, partial(shutil.rmtree, run.path)))) == 1
    assert not run.exists
    assert str(run.path) in capsys.readouterr().err
