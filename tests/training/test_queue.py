from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tomoscribe.training.queue import DeviceQueue

HOLD = """
import sys
from pathlib import Path
from tomoscribe.training.queue import DeviceQueue
queue = DeviceQueue("cpu", Path("/runs/first"))
print(queue.try_acquire(), flush=True)
sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def _state_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOMOSCRIBE_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def other():
    """Another process that holds the CPU."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "True\n"
    yield process
    process.kill()
    process.communicate()


def test_a_free_device_is_taken_at_once(tmp_path: Path) -> None:
    with DeviceQueue("cpu", tmp_path) as queue:
        assert queue.try_acquire()
        assert queue.try_acquire()


def test_the_second_waits_and_knows_for_whom(other: subprocess.Popen) -> None:
    with DeviceQueue("cpu", Path("/runs/second")) as queue:
        assert not queue.try_acquire()
        assert queue.holder() == "/runs/first"


def test_another_device_is_free(other: subprocess.Popen) -> None:
    with DeviceQueue("cuda:1", Path("/runs/second")) as queue:
        assert queue.try_acquire()


def test_a_killed_holder_gives_the_device_back(other: subprocess.Popen) -> None:
    with DeviceQueue("cpu", Path("/runs/second")) as queue:
        assert not queue.try_acquire()
        other.kill()
        other.wait()
        assert queue.try_acquire()


def test_who_came_first_goes_first(other: subprocess.Popen) -> None:
    with (
        DeviceQueue("cpu", Path("/runs/b")) as second,
        DeviceQueue("cpu", Path("/runs/c")) as third,
    ):
        other.kill()
        other.wait()
        assert not third.try_acquire()
        assert third.holder() == "/runs/b"
        assert second.try_acquire()
        second.release()
        assert third.try_acquire()
