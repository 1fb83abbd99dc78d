"""A sweep: what a text of values means, which runs come of it, and in which order they train."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from subprocess import PIPE, Popen

import msgspec
import numpy as np
import pytest

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import write_mrc
from tomoscribe.project.model import ParticleClass
from tomoscribe.project.source import DataSource
from tomoscribe.project.store import Project
from tomoscribe.project.training_data import load_training_data
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.training import launch, process
from tomoscribe.training import turn as turn_module
from tomoscribe.training.config import RunConfig
from tomoscribe.training.devices import Device
from tomoscribe.training.queue import DeviceQueue
from tomoscribe.training.reporter import Reporter
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import State, Status
from tomoscribe.training.steering import Steering
from tomoscribe.training.sweep import (
    BAND,
    DIAMETER,
    configurations,
    launch_all,
    parse,
    sweep_name,
)
from tomoscribe.training.sweep_values import OFFERED, suggest
from tomoscribe.training.turn import DeviceTurn


def test_values_of_a_setting_are_read_as_the_setting_s_type(config: RunConfig) -> None:
    made = configurations(config, parse("bin", "2, 3"), "bins")
    assert [c.settings.bin for c in made] == [2, 3]
    assert [c.settings.seed for c in made] == [7, 7]  # the rest is as it was
    assert {c.sweep for c in made} == {"bins"}


def test_a_setting_may_be_left_to_the_plan_in_one_of_them(config: RunConfig) -> None:
    made = configurations(config, parse("bin", "auto, 3"), "s")
    assert [c.settings.bin for c in made] == [None, 3]


def test_a_band_varies_both_of_its_ends(config: RunConfig) -> None:
    made = configurations(config, parse(BAND, "-20:60, -60:100"), "s")
    ends = [(c.settings.membrane.band_low_A, c.settings.membrane.band_high_A) for c in made]
    assert ends == [(-20.0, 60.0), (-60.0, 100.0)]


def test_a_diameter_is_varied_for_the_run_and_not_in_the_project(tmp_path: Path) -> None:
    project = Project.create(tmp_path / "project")
    project.add_class(ParticleClass("ribosome", 200.0))
    write_mrc(tmp_path / "a.mrc", np.zeros((8, 16, 16), np.float32), 10.0)
    entry = project.add_tomogram(tmp_path / "a.mrc")
    project.edit(entry.name, entry.picks.make_add([[4, 8, 8]], "ribosome"))
    project.close()
    config = RunConfig(data=DataSource(path=project.path))
    made = configurations(config, parse(DIAMETER, "0.8, 1"), "s")
    found = [load_training_data(c.data).classes[0].diameter_A for c in made]
    assert found == [160.0, 200.0]
    assert Project.open(project.path, read_only=True).classes[0].diameter_A == 200.0


@pytest.mark.parametrize(
    ("key", "values", "said"),
    [
        ("bin", "2", "needs 2 to 8 values"),
        ("bin", "2, 2", "twice"),
        ("nothing", "1, 2", "cannot be varied"),
        (BAND, "20, 30", "low:high"),
        (DIAMETER, "0.8, x", "a number"),
        (DIAMETER, "-1, 1", "cannot be"),
        (DIAMETER, "inf, 1", "a number"),
        (BAND, "-20:nan, 0:10", "low:high"),
    ],
)
def test_what_is_no_sweep_is_one_sentence(key: str, values: str, said: str) -> None:
    with pytest.raises(TomoscribeError, match=said):
        parse(key, values)


def test_a_value_that_does_not_fit_is_found_before_anything_starts(config: RunConfig) -> None:
    with pytest.raises(TomoscribeError, match="bin=x"):
        configurations(config, parse("bin", "2, x"), "s")
    with pytest.raises(TomoscribeError, match="below"):
        configurations(config, parse(BAND, "60:20, 0:10"), "s")


@pytest.mark.parametrize("task", OFFERED)
def test_what_is_suggested_can_be_trained(task: str, config: RunConfig) -> None:
    planned = {
        "bin": 2, "patch": 48, "width": 16, "batch": 4, "learning_rate": 3e-3, "depths": 16,
        "radius_A": 55.0, "band_low_A": -22.0, "band_high_A": 120.0,
    }  # fmt: skip
    for key in OFFERED[task]:
        text = suggest(key, TrainingSettings(), planned)
        variants = parse(key, text)
        made = configurations(config, variants, "s")
        assert len({str(c.settings) + str(c.data) for c in made}) == len(variants), key


def test_nothing_is_suggested_where_nothing_is_known() -> None:
    assert suggest(BAND, TrainingSettings(), {}) == ""
    assert suggest("patch", TrainingSettings(), {}) == ""


def test_the_user_s_own_value_goes_before_the_plan_s() -> None:
    assert suggest("batch", TrainingSettings(batch=6), {"batch": 4}) == "6, 12"


def test_the_name_tells_what_is_varied_and_when() -> None:
    assert sweep_name("bin", datetime(2026, 11, 27, 12, 4, 31)) == "bin 11-27 12:04:31"


@pytest.mark.parametrize("what", [TomoscribeError("no more processes"), KeyboardInterrupt()])
def test_runs_are_made_in_order_and_if_one_cannot_the_others_are_stopped(
    what: BaseException, tmp_path: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[RunFolder] = []

    def start(run: RunFolder) -> int:
        if len(started) == 2:
            raise what
        started.append(run)
        run.write_status(Status(state=State.QUEUED))
        return 1

    monkeypatch.setattr(launch, "start", start)
    configs = configurations(config, parse("bin", "2,3,4"), "s")
    with pytest.raises(type(what)):
        launch_all(configs, tmp_path / "runs")
    assert [run.config().settings.bin for run in started] == [2, 3]
    assert [run.control().desired for run in started] == ["stop", "stop"]


def test_a_run_of_a_sweep_waits_for_an_elder_one_that_is_still_starting_up(
    tmp_path: Path, config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOMOSCRIBE_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(turn_module, "QUEUE_POLL_S", 0.001)
    elder, younger, never = (
        RunFolder.create(tmp_path / "runs", c, name)
        for c, name in zip(
            [*configurations(config, parse("bin", "2,3"), "s"), config], "abc", strict=True
        )
    )
    pid, started, host = process.this_process()
    here = Status(pid=pid, process_started=started, host=host, heartbeat=launch.time.time())
    elder.write_status(here)
    told = []

    def unless() -> bool:
        told.append(reporter.status.message)
        if len(told) == 2:
            elder.write_status(msgspec.structs.replace(here, state=State.RUNNING))
        return False

    with Reporter(younger) as reporter:
        turn = DeviceTurn(
            Device(name="cpu", label="CPU", memory_bytes=0), reporter, Steering(younger, reporter)
        )
        with turn:
            assert turn.wait(unless)
    assert told[1] == "Waiting for a, which is about to begin."
    assert len(told) == 2
    assert turn_module.elders_of(never) == []


HOLD = """
import sys
from pathlib import Path
from tomoscribe.training.queue import DeviceQueue
queue = DeviceQueue("cpu", Path("/runs/other"))
print(queue.try_acquire(), flush=True)
sys.stdin.read()
"""


def test_who_was_made_first_trains_first_even_if_it_starts_up_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOMOSCRIBE_STATE_DIR", str(tmp_path / "state"))
    other = Popen([sys.executable, "-c", HOLD], stdin=PIPE, stdout=PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "True\n"
        made = launch.time.time_ns()
        with (
            DeviceQueue("cpu", Path("/runs/b"), made + 2) as second,
            DeviceQueue("cpu", Path("/runs/a"), made + 1) as first,
        ):
            other.kill()
            other.wait()
            assert not second.try_acquire()
            assert second.holder() == "/runs/a"
            assert first.try_acquire()
    finally:
        other.kill()
        other.communicate()
