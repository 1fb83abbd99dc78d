"""Labels that change while a training runs: taken, refused, waiting; and what counts as used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from tests.training.fake_task import FakeModule, FakeTask

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import write_mrc
from tomoscribe.picks.table import JUNK, PickState
from tomoscribe.project.model import ParticleClass, Region, Role
from tomoscribe.project.source import DataSource
from tomoscribe.project.store import Project
from tomoscribe.project.training_data import load_training_data
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.training import events as ev
from tomoscribe.training import launch
from tomoscribe.training.config import RunConfig
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import State
from tomoscribe.training.worker import run_worker

E = TypeVar("E", bound=ev.Event)
SHAPE = (24, 40, 40)
START_S = 120.0
TINY = {
    "patch": 16,
    "width": 4,
    "batch": 1,
    "bin": 2,
    "threads": 1,
    "precision": "float32",
    "validate_every_s": 1e6,
    "preview_share": 0.0,
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Three tiny tomograms: one trains with 12 clicks, one is not used, one validates."""
    project = Project.create(tmp_path / "project")
    project.add_class(ParticleClass("ribo", 160.0))
    rng = np.random.default_rng(0)
    for name, role in (("one", Role.TRAIN), ("two", Role.UNUSED), ("three", Role.VALIDATE)):
        path = tmp_path / f"{name}.mrc"
        write_mrc(path, rng.normal(size=SHAPE).astype(np.float32), 20.0)
        project.add_tomogram(path, name=name, role=role)
    click(project, 12)
    return project


def click(project: Project, count: int, name: str = "one", **fields: object) -> None:
    table = project.tomograms[name].picks
    zyx = np.random.default_rng(len(table)).uniform(4, 20, (count, 3))
    project.edit(name, table.make_add(zyx, **({"class_name": "ribo"} | fields)))  # type: ignore[arg-type]


def of(run: RunFolder, kind: type[E]) -> list[E]:
    return [event for event in run.events() if isinstance(event, kind)]


def counts(run: RunFolder) -> tuple[int, int, int, int]:
    last = of(run, ev.Labels)[-1]
    return last.used, last.total, last.held_out, last.rejected


@pytest.fixture
def make_run(tmp_path: Path, project: Project) -> Callable[..., RunFolder]:
    def make(**settings: object) -> RunFolder:
        config = RunConfig(
            data=DataSource(path=project.path),
            settings=TrainingSettings.model_validate(TINY | settings),
        )
        return RunFolder.create(tmp_path / "runs", config)

    return make


@pytest.fixture
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tomoscribe.training.callbacks.control.LABELS_EVERY_S", 0.0)


@dataclass
class Script:
    """What is done before a step ends, by step."""

    acts: dict[int, Callable[[], object]]
    seen: dict[int, object] = field(default_factory=dict)

    def __call__(self, module: FakeModule) -> None:
        if module.steps in self.acts:
            self.seen[module.steps] = self.acts[module.steps]()


@pytest.fixture
def training(
    tmp_path: Path, project: Project, make_run: Callable[..., RunFolder]
) -> Iterator[RunFolder]:
    """A real worker process in training."""
    run = launch.launch(make_run(max_minutes=5).config(), tmp_path / "launched")
    yield run
    launch.kill(run)


def test_clicks_answers_and_junk_enter_a_running_training_which_says_what_it_uses(
    project: Project, training: RunFolder, wait_until: Callable[..., None]
) -> None:
    wait_until(lambda: bool(of(training, ev.Step)), START_S, "a step")

    def heard() -> bool:
        labels = of(training, ev.Labels)
        return bool(labels) and labels[-1].revision == project.revision

    # A fifth of twelve is held out, as nothing validates.
    assert counts(training) == (10, 12, 2, 0)
    table = project.tomograms["one"].picks
    found = table.make_add([[8, 9, 10], [9, 20, 20]], "ribo", state=PickState.PROPOSED, source="m")
    project.edit("one", found)
    ids = [pick.id for pick in found.after]
    project.edit("one", table.make_change(ids[:1], state=PickState.ACCEPTED))
    project.edit("one", table.make_change(ids[1:], state=PickState.REJECTED))
    click(project, 1, class_name=JUNK, state=PickState.REJECTED)
    click(project, 2, "two")
    wait_until(heard, START_S, "the answers")
    assert counts(training) == (10, 15, 3, 2)

    training.write_control(take_labels=False)
    click(project, 3)
    wait_until(lambda: training.status().labels_wait, START_S, "word that labels wait")
    assert counts(training) == (10, 15, 3, 2)
    click(project, 2)
    before = len(of(training, ev.Labels))
    training.write_control(take_labels=True)
    wait_until(heard, START_S, "the labels that waited")
    assert counts(training)[1] == 20
    assert len(of(training, ev.Labels)) == before + 1
    wait_until(lambda: not training.status().labels_wait, START_S, "the status")
    assert (training.status().labels_total, training.status().labels_used) == (20, 14)
    assert launch.stop(training, 60.0) is State.STOPPED


def test_what_validates_lies_outside_or_is_not_used_is_counted_but_does_not_train(
    project: Project, make_run: Callable[..., RunFolder]
) -> None:
    from tomoscribe.tasks.table import get_task

    click(project, 2, "three")
    click(project, 3, "two")
    table = project.tomograms["one"].picks
    project.edit("one", table.make_add([[5, 5, 900]], "ribo"))
    data = load_training_data(DataSource(path=project.path))
    settings = TrainingSettings.model_validate(TINY)
    import torch

    module = get_task("tomogram").build(data, settings, torch.device("cpu"))
    status = module.set_data(data)
    assert (status.used, status.held_out, status.total) == (12, 2, 18)


@pytest.mark.usefixtures("_at_once")
def test_labels_wait_while_told_to_and_are_then_taken_at_once(
    make_run: Callable[..., RunFolder], project: Project
) -> None:
    run = make_run(max_steps=9)
    script = Script(
        {
            2: lambda: run.write_control(take_labels=False),
            3: lambda: click(project, 1),
            4: lambda: click(project, 1),
            6: lambda: (run.status().labels_wait, run.write_control(take_labels=True)),
        }
    )
    run_worker(run, FakeTask(on_step=script))
    assert script.seen[6][0] is True
    assert [e.total for e in of(run, ev.Labels)] == [12, 14]
    assert run.status().labels_wait is False


@pytest.mark.usefixtures("_at_once")
def test_a_switched_off_training_takes_no_labels_even_when_asked(
    make_run: Callable[..., RunFolder], project: Project
) -> None:
    run = make_run(max_steps=6)
    run.write_control(take_labels=False)
    script = Script({2: lambda: (click(project, 1), run.write_control(labels_revision=1))})
    run_worker(run, FakeTask(on_step=script))
    assert len(of(run, ev.Labels)) == 1
    assert run.status().labels_wait


@pytest.mark.usefixtures("_at_once")
def test_patience_and_planned_steps_count_anew_when_labels_change(
    make_run: Callable[..., RunFolder], project: Project
) -> None:
    run = make_run()
    task = FakeTask(on_step=Script({4: lambda: click(project, 1)}), planned=6)
    run_worker(run, task)
    assert of(run, ev.Finished)[0].reason == "steps"
    assert of(run, ev.Finished)[0].step == 4 + 6

    patient = make_run(validate_every_s=1e-9, patience=3)
    script = Script({4: lambda: click(project, 1)})
    run_worker(patient, FakeTask(on_step=script, scores=[0.9, *[0.5] * 50]))
    assert of(patient, ev.Finished)[0].reason == "patience"
    told = [e for e in patient.events() if isinstance(e, ev.Labels | ev.Validation)]
    again = max(i for i, e in enumerate(told) if isinstance(e, ev.Labels))
    # Worse than the best of before, yet the first one counts as the best with these labels.
    assert len(told[again + 1 :]) == 1 + 3


@pytest.mark.usefixtures("_at_once")
@pytest.mark.parametrize("what", ["proposal", "unused tomogram", "colour"])
def test_what_teaches_nothing_does_not_prolong_a_training(
    make_run: Callable[..., RunFolder], project: Project, what: str
) -> None:
    def change() -> None:
        if what == "proposal":
            click(project, 1, state=PickState.PROPOSED, source="m")
        elif what == "colour":
            project.set_classes([replace(project.classes[0], color="#009e73")])
        else:
            click(project, 1, "two")

    run = make_run()
    run_worker(run, FakeTask(on_step=Script({4: change}), planned=6))
    assert len(of(run, ev.Labels)) == 2
    assert of(run, ev.Finished)[0].step == 6


@pytest.mark.usefixtures("_at_once")
def test_a_region_prolongs_a_training(make_run: Callable[..., RunFolder], project: Project) -> None:
    run, region = make_run(), Region((0, 0, 0), (9, 9, 9))
    script = Script({4: lambda: project.set_regions("one", [region])})
    run_worker(run, FakeTask(on_step=script, planned=6))
    assert of(run, ev.Finished)[0].step == 10


@pytest.mark.usefixtures("_at_once")
def test_labels_that_cannot_be_used_are_told_once_and_tried_again_when_they_change(
    make_run: Callable[..., RunFolder], project: Project
) -> None:
    run, task = make_run(max_steps=9), FakeTask()

    def refuse() -> None:
        task.refuse = TomoscribeError("no.")
        click(project, 1)

    def relent() -> None:
        task.refuse = None
        click(project, 1)

    task.on_step = Script({2: refuse, 6: relent})
    run_worker(run, task)
    told = [w.message for w in of(run, ev.Warning_) if "not used" in w.message]
    assert told == ["The new labels are not used: no."]
    assert [e.total for e in of(run, ev.Labels)] == [12, 14]
