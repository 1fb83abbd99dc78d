"""A membrane project through the real worker, in a process of its own and in this one."""

from __future__ import annotations

import csv
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import torch
from tests.project.spheres import CENTERS, on_sphere, write_container, write_tomogram

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_files import read_picks
from tomoscribe.membranes.membrane import load_membrane
from tomoscribe.prediction.batch import PredictionFiles, predict_files
from tomoscribe.project.model import ParticleClass, Patch
from tomoscribe.project.source import DataSource
from tomoscribe.project.store import Project
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.table import get_task
from tomoscribe.training import events as ev
from tomoscribe.training import launch
from tomoscribe.training.config import RunConfig
from tomoscribe.training.control import FocusBox
from tomoscribe.training.previews import assemble
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import State
from tomoscribe.training.worker import run_worker

E = TypeVar("E", bound=ev.Event)
WAIT_S = 240.0


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project with three membranes and eight clicks on each."""
    made = Project.create(tmp_path / "project")
    made.add_class(ParticleClass("psii", 80.0))
    tomogram = write_tomogram(tmp_path / "TS_1.mrc")
    made.add_tomogram(tomogram)
    for name in CENTERS:
        made.add_membrane(write_container(tmp_path / f"{name}.h5", tomogram, name), "TS_1")
        click(made, name, 8)
    return made


def click(project: Project, name: str, count: int) -> None:
    table = project.tomograms["TS_1"].picks
    zyx = on_sphere(name, count, len(table))
    project.edit("TS_1", table.make_add(zyx, "psii", membrane=name))


@pytest.fixture
def config(project: Project) -> Callable[..., RunConfig]:
    def make(**settings: object) -> RunConfig:
        values = {"threads": 1, "validate_every_s": 1e6, "preview_share": 0.0} | settings
        return RunConfig(
            task="membrane",
            data=DataSource(path=project.path),
            settings=TrainingSettings.model_validate(values),
        )

    return make


def of(run: RunFolder, kind: type[E]) -> list[E]:
    return [event for event in run.events() if isinstance(event, kind)]


def wait_for(run: RunFolder, met: Callable[[], bool]) -> None:
    never, waited = threading.Event(), 0.0
    while not met() and waited < WAIT_S:
        assert not of(run, ev.Failed)
        never.wait(0.1)
        waited += 0.1
    assert met()


def test_a_training_previews_lists_and_remembers_what_validates(
    config: Callable[..., RunConfig], tmp_path: Path
) -> None:
    made = config(max_steps=4, preview_share=0.5, preview_every_s=0.01)
    run = RunFolder.create(tmp_path / "runs", made)
    focus = FocusBox(
        sample="M2", center_zyx=CENTERS["M2"], lo_zyx=CENTERS["M2"], hi_zyx=CENTERS["M2"]
    )
    run.write_control(focus=focus, samples=["M1", "M2"])
    assert run_worker(run) == 0
    (started,) = of(run, ev.Started)
    assert (started.train, started.validate) == (["M2", "M3"], ["M1"])
    assert run.config().data.validate_on == ("M1",)
    assert set(run.config().data_hashes) == set(CENTERS)
    previews = of(run, ev.Preview)
    assert previews[0].sample == "M2"
    assert {p.kind for p in previews} == {"mesh"}
    # After the end the best checkpoint is shown whole on every watched membrane.
    assert {p.sample for p in previews if p.checkpoint == "step_000004"} >= {"M1", "M2"}
    last = previews[-1]
    assert last.shape_zyx == [1, 1, 642]
    scores = assemble(run.resolve(last.path), 1, (1, 1, 642))
    assert scores.all()  # 0 is where nothing is computed
    lists = of(run, ev.Scores)
    assert {s.sample for s in lists} == {"M1", "M2"}
    with run.resolve(lists[0].path).open() as file:
        assert next(csv.reader(file))[-4:] == ["nz", "ny", "nx", "angle"]


def test_a_stroke_and_a_click_reach_a_training_that_goes_on(
    project: Project, config: Callable[..., RunConfig], tmp_path: Path
) -> None:
    run = launch.launch(config(max_minutes=5), tmp_path / "runs")
    try:
        wait_for(run, lambda: bool(of(run, ev.Step)))
        first = of(run, ev.Labels)[-1]
        click(project, "M2", 3)
        wait_for(run, lambda: of(run, ev.Labels)[-1].revision == project.revision)
        assert of(run, ev.Labels)[-1].total == first.total + 3
        project.set_patches("TS_1", [Patch("M2", (30.0, 22.0, 40.0), 5.0)])
        wait_for(run, lambda: of(run, ev.Labels)[-1].revision == project.revision)
        assert launch.stop(run, 60.0) is State.STOPPED
    finally:
        launch.kill(run)
    child = launch.resume_as_child(run, settings={"max_steps": 2})
    try:
        wait_for(child, lambda: bool(of(child, ev.Finished)))
    finally:
        launch.kill(child)
    before = of(run, ev.Finished)[-1].step
    assert of(child, ev.Finished)[-1].step > before > 0
    assert child.config().data.validate_on == run.config().data.validate_on


def test_a_checkpoint_predicts_membranes_and_a_bad_file_does_not_stop_it(
    project: Project, config: Callable[..., RunConfig], tmp_path: Path
) -> None:
    run = RunFolder.create(tmp_path / "runs", config(max_steps=2))
    assert run_worker(run) == 0
    good = str(project.membranes["M3"].path)
    broken = tmp_path / "broken.h5"
    broken.write_bytes(Path(good).read_bytes()[:3000])
    out = tmp_path / "out"
    sources = [str(broken), good, str(tmp_path / "TS_1.mrc")]
    results = list(predict_files(run.best_checkpoint(), sources, out, threshold=0.0))
    problems = [str(r) for r in results if isinstance(r, TomoscribeError)]
    (files,) = [r for r in results if isinstance(r, PredictionFiles)]
    assert len(problems) == 2
    assert any("TS_1.mrc is no membrane" in p for p in problems)
    scored = load_membrane(files.scores)
    assert scored.class_names == ("psii",)
    assert scored.scores is not None
    assert scored.scores.shape == (1, 642)
    np.testing.assert_allclose(scored.mesh.vertices_zyx, load_membrane(good).mesh.vertices_zyx)
    picks = read_picks(files.star)
    assert files.pick_count == len(picks) > 0
    assert picks.tomogram is not None
    assert picks.tomogram[0] == "TS_1.mrc"
    assert picks.normals_zyx is not None
    outward = picks.zyx - CENTERS["M3"]
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    assert np.median((picks.normals_zyx * outward).sum(axis=1)) > 0.95


def test_what_a_training_opened_is_previewed_without_reading_it_again(project: Project) -> None:
    from tomoscribe.project.training_data import load_training_data

    data = load_training_data(DataSource(path=project.path), "membrane")
    settings = TrainingSettings(max_steps=1, threads=1)
    module = get_task("membrane").build(data, settings, torch.device("cpu"))
    module.set_data(data)
    predictor = module.predictor()
    sample = next(s for s in data.samples if s.role == "train")
    opened = [
        predictor.open(sample.volume_path, sample.voxel_size_A, sample.tomogram) for _ in range(2)
    ]
    assert opened[0] is opened[1]
