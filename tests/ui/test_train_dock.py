"""The dock Train: why it cannot start, what it starts with, and the runs that there are."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import Qt
from tests.ui.conftest import PLACES_ZYX, FakeWorker

from tomoscribe.project.model import Role
from tomoscribe.project.store import Project
from tomoscribe.tasks.membrane.settings import MembraneSettings
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.voxels.settings import VoxelSettings
from tomoscribe.training.status import State
from tomoscribe.ui.labels.mode import LabelMode
from tomoscribe.ui.runs import starter as starter_module
from tomoscribe.ui.runs.run_watch import RunWatch
from tomoscribe.ui.runs.settings_form import SettingsForm
from tomoscribe.ui.runs.starter import Starter
from tomoscribe.ui.runs.train_dock import OWN, VOXEL_FIELDS, TrainDock
from tomoscribe.ui.session import Session


@pytest.fixture
def dock(session, qtbot) -> TrainDock:
    made = TrainDock(session)
    qtbot.addWidget(made)
    return made


@pytest.fixture
def launched(monkeypatch, project) -> list:
    """Configurations and controls of the trainings that were started, played by a fake worker."""
    started = []

    def launch(config, runs_dir, control=None):
        started.append((config, control))
        return FakeWorker(project).run

    monkeypatch.setattr(starter_module.sweep.launch, "launch", launch)
    return started


def test_without_a_project_the_button_says_what_to_open(viewer, qtbot) -> None:
    dock = TrainDock(Session.of(viewer))
    qtbot.addWidget(dock)
    assert not dock.train.isEnabled()
    assert "Open a tomogram" in dock.why.text()
    Starter.of(Session.of(viewer)).close()
    Starter.of(Session.of(viewer)).monitor.close()


def test_the_first_click_enables_the_button(dock, session, edit_of) -> None:
    assert dock.why.text() == "Click at least 1 particle; 20 make a good start."
    assert dock.train.toolTip() == dock.why.text()
    session.edit(edit_of(PLACES_ZYX[:1]))
    assert dock.train.isEnabled()
    assert dock.why.text() == "Trains on 1 click."


def test_clicks_only_in_a_validating_tomogram_are_not_enough(dock, session, edit_of) -> None:
    session.edit(edit_of(PLACES_ZYX[:2]))
    dock.split.buttons[0].click()
    assert session.project.tomograms["one"].role is Role.VALIDATE
    assert "No clicked tomogram trains" in dock.why.text()
    dock.split.buttons[0].click()
    dock.split.buttons[0].click()
    assert session.project.tomograms["one"].role is Role.TRAIN
    assert dock.train.isEnabled()


def test_a_role_that_was_set_elsewhere_is_shown_at_once(dock, session, edit_of) -> None:
    session.edit(edit_of(PLACES_ZYX[:2]))
    session.project.set_role("one", Role.UNUSED)
    assert dock.split.buttons[0].text() == "one   2 clicks, not used"
    assert "No clicked tomogram trains" in dock.why.text()


def test_a_role_that_cannot_be_changed_stays_and_says_so(session, project, qtbot) -> None:
    said = []
    session.status_message.connect(said.append)
    session.set_project(Project.open(project.path, read_only=True))
    dock = TrainDock(session)
    qtbot.addWidget(dock)
    dock.split.buttons[0].click()
    assert "reading only" in said[-1]
    assert session.project.tomograms["one"].role is Role.TRAIN


def test_looks_at_a_training_that_show_nothing_new_count_no_picks(
    dock, session, fake_worker, process_until
) -> None:
    fake_worker.begin()
    session.run = fake_worker.run
    monitor = Starter.of(session).monitor
    process_until(lambda: monitor.alive and not monitor.replaying, "the run")
    changes, looks = [], []
    Starter.of(session).changed.connect(lambda: changes.append(1))
    monitor.updated.connect(lambda _: looks.append(1))
    process_until(lambda: len(looks) >= 3, "three looks")
    assert changes == []


def test_the_split_is_shown_with_what_is_held_out(dock, session, edit_of) -> None:
    session.edit(edit_of(PLACES_ZYX))
    assert dock.split.buttons[0].text() == "one   4 clicks, trains"
    assert dock.split.buttons[1].text() == "two   0 clicks, validates"
    assert "20% of the clicks are held out" in dock.split.hint.text()


def test_train_starts_a_run_that_is_followed_and_knows_where_the_user_looks(
    dock, session, edit_of, launched, process_until, qtbot
) -> None:
    session.edit(edit_of(PLACES_ZYX))
    dock.first.editors["max_minutes"].setValue(2.5)
    dock.others.editors["batch"].setValue(6)
    qtbot.mouseClick(dock.train, Qt.MouseButton.LeftButton)
    process_until(lambda: session.run is not None, "the run")
    (config, control), *_ = launched
    assert config.data.path == session.project.path
    assert config.settings.max_minutes == 2.5
    assert config.settings.batch == 6
    assert config.settings.width is None
    assert config.start_from is None
    assert control.samples == ["one"]
    assert control.focus.center_zyx[0] == round(session.focus().center_zyx[0])
    process_until(lambda: "A training goes on" in dock.why.text(), "the reason")


def test_the_plan_s_choices_and_reasons_are_shown(
    dock, session, fake_worker, process_until
) -> None:
    fake_worker.begin()
    session.run = fake_worker.run
    process_until(lambda: "bin: 2" in dock.plan.text(), "the plan")
    assert "so that the particle is 10-14 voxels across" in dock.plan.text()
    assert "8 GB" in dock.plan.text()


def test_earlier_runs_are_listed_and_a_click_follows_one(
    dock, session, project, process_until
) -> None:
    for name, state in (("first", State.STOPPED), ("second", State.FINISHED)):
        FakeWorker(project, name).beat(state)
    RunWatch.of(session).refresh()
    process_until(lambda: dock.runs.list.count() == 2, "the runs")
    texts = [dock.runs.list.item(i).text() for i in range(2)]
    assert "second" in texts[0]
    assert "stopped" in texts[1]
    dock.runs.list.itemClicked.emit(dock.runs.list.item(1))
    assert session.run.name == "first"


def test_a_checkpoint_of_an_earlier_run_can_be_continued_from(
    dock, session, project, edit_of, launched, process_until
) -> None:
    worker = FakeWorker(project, "first")
    worker.train(10)
    path = worker.keep(0.8)
    worker.beat(State.FINISHED)
    RunWatch.of(session).refresh()
    process_until(lambda: dock.continue_from.count() == 2, "the checkpoint")
    assert dock.continue_from.itemText(1) == "first, step 10 (best)"
    dock.continue_from.setCurrentIndex(1)
    session.edit(edit_of(PLACES_ZYX))
    process_until(lambda: dock.train.isEnabled(), "the button")
    dock.train.click()
    process_until(lambda: launched, "the start")
    assert launched[0][0].start_from == str(path)
    LabelMode.of(session).set(on=True)
    assert dock.continue_from.count() == 1  # weights of another task would be refused


@pytest.mark.parametrize(
    ("model", "changed"),
    [
        (
            TrainingSettings,
            TrainingSettings(max_minutes=7, batch=3, learning_rate=0.002, loss="nnpu", prior=0.01),
        ),
        (
            MembraneSettings,
            MembraneSettings(
                band_low_A=-30.5, band_high_A=90, position_tokens=["1", "psii"], dropout=True
            ),
        ),
        (
            VoxelSettings,
            VoxelSettings(
                dimension="3d", net="resnet", window_zyx=(8, 96, 64), overlap=False, levels=3
            ),
        ),
    ],
)
def test_the_form_is_made_from_the_settings_and_gives_them_back(qtbot, model, changed) -> None:
    fields = VOXEL_FIELDS if model is VoxelSettings else model.model_fields
    form = SettingsForm([n for n in fields if n not in OWN], model)
    qtbot.addWidget(form)
    assert model.model_validate(form.values()) == model()
    form.set_values(changed)
    assert model.model_validate(form.values()) == changed
    for name, editor in form.editors.items():
        assert editor.toolTip() == model.model_fields[name].description


def test_the_curve_shows_validation_and_loss(dock, session, fake_worker, process_until) -> None:
    fake_worker.begin()
    for f1 in (0.3, 0.8, 0.6):
        fake_worker.train(10, loss=1 - f1)
        fake_worker.validate(f1)
    session.run = fake_worker.run
    process_until(lambda: np.size(dock.curve._quality.getData()[0]) == 3, "the curve")
    np.testing.assert_allclose(dock.curve._quality.getData()[1], [0.3, 0.8, 0.6])
    assert dock.curve._best.getData()[0] == [20]
