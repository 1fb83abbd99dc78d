"""Preferences: one class, the manifest that repeats it, and whom they reach."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
import yaml
from napari.settings import _plugin_config_generator as generator
from npe2 import PluginManager
from tests.ui.conftest import FakeWorker

from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.ui import preferences as module
from tomoscribe.ui.preferences import GROUP, PLUGIN, Preferences, preferences
from tomoscribe.ui.runs.starter import Starter
from tomoscribe.ui.runs.train_dock import TrainDock
from tomoscribe.ui.scores import score_library

LIMITS = {"minimum": "ge", "maximum": "le", "exclusive_minimum": "gt"}
TYPES = {"string": str, "integer": int, "number": float}


@pytest.fixture
def stored(monkeypatch):
    """Napari's copy of the preferences, of its own making from our manifest, kept in memory."""
    manager = PluginManager.instance()
    manager.discover()
    made = generator.plugin_configuration_generator(manager)[PLUGIN](config_path=None)
    monkeypatch.setattr("napari.settings._PLUGIN_SETTINGS", {PLUGIN: made})
    return getattr(made, GROUP)


def test_the_manifest_says_what_the_class_says() -> None:
    text = (resources.files("tomoscribe") / "napari.yaml").read_text(encoding="utf-8")
    properties = yaml.safe_load(text)["contributions"]["configurations"][GROUP]["properties"]
    assert list(properties) == list(Preferences.model_fields)
    for name, field in Preferences.model_fields.items():
        told = properties[name]
        assert TYPES[told["type"]] is field.annotation, name
        for key in ("default", "title", "description"):
            assert told[key] == getattr(field, key), name
        limits = {
            (limit, getattr(m, limit))
            for m in field.metadata
            for limit in LIMITS.values()
            if hasattr(m, limit)
        }
        assert {(LIMITS[k], told[k]) for k in LIMITS if k in told} == limits, name


def test_untouched_they_change_nothing(stored) -> None:
    assert preferences() == Preferences()
    assert Preferences().training_settings() == TrainingSettings()


def test_a_napari_without_plugin_settings_means_the_defaults(monkeypatch) -> None:
    monkeypatch.delattr("napari.settings.get_plugin_settings")
    assert preferences() == Preferences()
    module.on_change(lambda: None)()


def test_a_file_with_nonsense_means_the_defaults(stored, monkeypatch) -> None:
    class Broken:
        def __getattr__(self, name: str) -> object:
            return "nonsense" if name == "max_minutes" else getattr(stored, name)

    monkeypatch.setattr(module, "_stored", Broken)
    assert preferences() == Preferences()


def test_what_is_preferred_reaches_the_next_training(stored, session, qtbot) -> None:
    stored.max_minutes = 12.0
    dock = TrainDock(session)
    qtbot.addWidget(dock)
    starter = Starter.of(session)
    assert starter.settings.max_minutes == 12.0
    assert dock.first.editors["max_minutes"].value() == 12.0
    stored.threads = 3
    stored.max_minutes = 7.5
    assert starter.settings.threads == 3
    assert dock.first.editors["max_minutes"].value() == 7.5
    assert starter.configuration().settings.max_minutes == 7.5


def test_a_training_that_goes_on_keeps_what_it_was_started_with(
    stored, session, fake_worker: FakeWorker
) -> None:
    before = fake_worker.run.config()
    Starter.of(session)
    stored.max_minutes = 99.0
    assert fake_worker.run.config() == before


def test_they_reach_background_predictions_and_new_projects(stored, session, qtbot) -> None:
    stored.device = "cpu"
    stored.threads = 2
    Starter.of(session)
    stored.autosave_folder = "/data/projects"
    assert session.autosave == Path("/data/projects")
    asked = []

    class Service:
        def __init__(self, *given: object) -> None:
            asked.append(given)

        def want(self, requests: object) -> None:
            pass

        def look(self, focus: object) -> None:
            pass

        def close(self) -> None:
            pass

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score_library, "PredictionService", Service)
        library = score_library.ScoreLibrary.of(session)
        patch.setattr(library, "_listed", True)
        patch.setattr(library, "_asked", None)
        library._ask()
        library._service = None
    assert asked == [(session.project.path, "cpu", 2)]


def test_words_become_what_programs_need(stored) -> None:
    assert preferences().autosave is None
    assert preferences().worker_threads is None
    stored.autosave_folder = "~/projects"
    stored.threads = 2
    assert preferences().autosave == Path.home() / "projects"
    assert preferences().worker_threads == 2
