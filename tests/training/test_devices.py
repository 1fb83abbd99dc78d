from __future__ import annotations

import importlib.metadata
import subprocess
from pathlib import Path

import pytest

from tomoscribe.errors import TomoscribeError
from tomoscribe.training import devices
from tomoscribe.training.devices import Device

GPU = Device(name="cuda:0", label="H200", memory_bytes=141)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    """Stand in for torch with one GPU; tells how often it was asked."""
    calls: list[int] = []

    def answer() -> list[Device]:
        calls.append(1)
        return [GPU]

    monkeypatch.setenv("TOMOSCRIBE_STATE_DIR", str(tmp_path))
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.13.0+cu130")
    monkeypatch.setattr(devices, "_ask_torch", answer)
    return calls


def test_torch_is_asked_once_until_something_changes(
    asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert devices.probe()[0] == devices.probe()[0] == GPU
    assert len(asked) == 1
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    devices.probe()
    assert len(asked) == 2


def test_the_cpu_is_always_there_and_last(asked: list[int]) -> None:
    assert [d.name for d in devices.probe()] == ["cuda:0", "cpu"]
    assert devices.probe()[-1].memory_bytes > 0


@pytest.mark.parametrize(
    ("name", "chosen"), [("auto", "cuda:0"), ("cuda", "cuda:0"), ("cpu", "cpu")]
)
def test_a_device_is_chosen_by_name(asked: list[int], name: str, chosen: str) -> None:
    assert devices.choose(name).name == chosen


def test_a_device_that_is_not_there_is_one_sentence(asked: list[int]) -> None:
    with pytest.raises(TomoscribeError, match=r"no device 'cuda:7'.*cuda:0, cpu"):
        devices.choose("cuda:7")


def test_a_damaged_cache_is_made_anew(asked: list[int], tmp_path: Path) -> None:
    (tmp_path / "devices.json").write_text("{")
    assert devices.probe()[0] == GPU


def test_a_torch_without_gpu_need_not_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "2.13.0+cpu")
    monkeypatch.setattr(subprocess, "run", lambda *args, **options: pytest.fail("asked"))
    assert [d.name for d in devices.probe()] == ["cpu"]


def test_a_broken_torch_is_one_sentence(asked: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(devices, "_PROBE", "raise ImportError('libcudart is missing')")
    with pytest.raises(TomoscribeError, match=r"PyTorch does not work.*libcudart is missing"):
        devices._ask_torch()


def test_one_processor_is_left_to_the_viewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 8)
    assert devices.default_threads() == 7
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert devices.default_threads() == 1
