"""Training from what is painted: what hinders it, what it is started with, where to paint next."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import napari
import numpy as np
import pytest
from tests.ui.conftest import FakeWorker

from tomoscribe.errors import TomoscribeError
from tomoscribe.evaluation.unsure_sections import unsure_sections
from tomoscribe.project.model import Role
from tomoscribe.project.painted import PaintedLabels
from tomoscribe.project.painted_samples import load_painted
from tomoscribe.project.store import Project
from tomoscribe.segmentation.labels import LabelClass
from tomoscribe.segmentation.painted_values import BACKGROUND, UNLABELLED
from tomoscribe.tasks.voxels.checks import check_labels
from tomoscribe.tasks.voxels.sources import held_in
from tomoscribe.ui.labels.complete_section import section_region
from tomoscribe.ui.labels.label_tally import LabelTally
from tomoscribe.ui.labels.mode import LabelMode
from tomoscribe.ui.labels.painter import LabelPainter
from tomoscribe.ui.runs import starter as starter_module
from tomoscribe.ui.runs.starter import Starter
from tomoscribe.ui.runs.train_dock import TrainDock
from tomoscribe.ui.session import Session


@pytest.fixture
def labelled(
    viewer: napari.Viewer,
    project: Project,
    request: pytest.FixtureRequest,
    process_until: Callable[..., None],
) -> Session:
    """The small project with `mito` and background painted on two sections of tomogram `one`."""
    project.set_label_classes([LabelClass("mito")])
    values = np.full((2, 8, 8), getattr(request, "param", BACKGROUND), np.uint16)
    values[:, :4] = 2
    PaintedLabels(project.path, "one", (16, 64, 48)).write((4, 8, 8), values)
    session = Session.of(viewer)
    session.set_project(project)
    tally = LabelTally.of(session)
    process_until(lambda: tally.of_tomogram("one"), "the counts")
    return session


@pytest.fixture
def dock(labelled: Session, qtbot) -> TrainDock:
    made = TrainDock(labelled)
    qtbot.addWidget(made)
    return made


def test_a_project_with_labels_and_no_picks_is_opened_for_labels(labelled, dock) -> None:
    assert LabelMode.of(labelled).on
    assert dock.task.currentText() == "labels: classes"
    assert dock.split.buttons[0].text() == "one   2 sections, trains"
    assert dock.why.text() == "Trains on 2 sections."


def test_a_project_with_painted_objects_is_opened_for_objects(
    labelled, dock, project, process_until
) -> None:
    store = PaintedLabels(project.path, "one", (16, 64, 48))
    (number,) = store.add_objects(2)
    store.write((4, 8, 8), np.full((1, 2, 2), number, np.uint16))
    mode, painter = LabelMode.of(labelled), LabelPainter.of(labelled)
    process_until(lambda: painter.copy is not None, "the labels")
    labelled.reopen()
    process_until(lambda: dock.task.currentText() == "labels: objects", "objects")
    mode.set(on=True, objects=False)
    painter.rewrite(lambda: None, lambda _: None)
    process_until(lambda: not painter.loading, "the labels again")
    assert not mode.objects  # the user has chosen


def test_train_starts_the_task_that_was_chosen_with_its_settings(
    labelled, dock, monkeypatch, project, process_until
) -> None:
    started = []

    def launch(config, runs_dir, control=None):
        started.append(config)
        return FakeWorker(project).run

    monkeypatch.setattr(starter_module.sweep.launch, "launch", launch)
    dock.voxels.set_value("dimension", "2d")
    dock.task.setCurrentIndex(dock.task.findData("instance"))
    dock.task.activated.emit(dock.task.currentIndex())
    assert LabelMode.of(labelled).objects
    dock.train.click()
    process_until(lambda: started, "the start")
    (config,) = started
    assert (config.task, config.data.kind, config.data.path) == (
        "instance", "project", project.path,
    )  # fmt: skip
    assert config.settings.voxels.dimension == "2d"
    process_until(lambda: "takes new strokes up" in dock.why.text(), "the reason")


def test_what_hinders_is_one_sentence(labelled, dock, project) -> None:
    project.set_role("one", Role.VALIDATE)
    assert "No painted tomogram trains" in dock.why.text()
    assert not dock.train.isEnabled()
    project.set_role("one", Role.TRAIN)
    assert dock.train.isEnabled()


@pytest.mark.parametrize("labelled", [UNLABELLED], indirect=True)
def test_one_class_and_nothing_else_teaches_nothing(labelled, dock) -> None:
    assert "All that is painted is mito" in dock.why.text()
    labelled.set_regions([section_region(4, (16, 64, 48))])
    assert dock.train.isEnabled()


def test_choosing_clicks_in_the_train_dock_leaves_the_labels(labelled, dock) -> None:
    Starter.of(labelled).set_task("tomogram")
    assert not LabelMode.of(labelled).on
    assert "Click at least 1 particle" in dock.why.text()
    assert dock.split.buttons[0].text() == "one   0 clicks, trains"


def test_the_next_stroke_is_where_the_model_is_unsure_and_nothing_is_painted() -> None:
    scores = np.full((3, 64, 64), 0.01, np.float32)
    scores[0, 40:50, 8:18] = 0.5
    scores[1, 8:24, 30:46] = 0.5
    scores[2] = np.nan
    painted = np.zeros(scores.shape, bool)
    places = unsure_sections(range(3), lambda z: scores[z], lambda z: painted[z], 8)
    assert sorted(place[0] for place in places) == [0, 1]
    assert all(scores[tuple(place)] == 0.5 for place in places)
    painted[1, :32] = True
    (left,) = unsure_sections(range(3), lambda z: scores[z], lambda z: painted[z], 8)
    assert left[0] == 0


def test_a_section_that_is_one_class_all_over_is_told_before_a_start_that_must_fail(
    labelled, project, process_until
) -> None:
    painter, starter = LabelPainter.of(labelled), Starter.of(labelled)
    LabelMode.of(labelled).set(on=True, objects=False)
    process_until(lambda: painter.copy is not None, "the labels")
    painter.rewrite(lambda: _paint_whole_section(project), lambda _: None)
    process_until(lambda: painter.copy is not None and painter.copy.values[6].all(), "the section")
    labelled.set_regions([section_region(6, (16, 64, 48))])
    tally = LabelTally.of(labelled)
    process_until(lambda: BACKGROUND not in tally.of_tomogram("one"), "the counts")
    assert "All that is labelled is mito, also where" in starter.why_not()
    with pytest.raises(TomoscribeError, match="All labelled voxels are of class 'mito'"):
        checked_by_a_worker(project)
    LabelMode.of(labelled).set(on=True, objects=True)
    assert starter.why_not() is None  # outlines of objects teach
    LabelMode.of(labelled).set(on=True, objects=False)
    labelled.set_regions([section_region(7, (16, 64, 48))])
    assert starter.why_not() is None
    checked_by_a_worker(project)


def _paint_whole_section(project: Project) -> None:
    painted = PaintedLabels(project.path, "one", (16, 64, 48))
    painted.write((0, 0, 0), np.zeros((16, 64, 48), np.uint16))
    painted.write((6, 0, 0), np.full((1, 64, 48), 2, np.uint16))


def checked_by_a_worker(project: Project) -> None:
    """Look at the labels as the worker does before it trains."""
    data = load_painted(project.path, 1)
    classes = data.label_classes
    sources = []
    for sample in data.samples:
        if sample.labels is not None:
            image = SimpleNamespace(bin=1, shape_zyx=(16, 64, 48))
            _, places = held_in(sample.labels, image, len(classes), 0.2)
            sources.append(SimpleNamespace(places=places))
    check_labels(sources, classes, "semantic")
