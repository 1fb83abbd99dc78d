from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tomoscribe.training.run import RunFolder

Run = Callable[..., int | str | None]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Stand in for the prediction itself, and tell what it was asked."""
    asked: list[dict[str, Any]] = []

    def predict_tomograms(checkpoint, tomograms, out, *, on_progress, **options):
        asked.append({"checkpoint": checkpoint, "tomograms": list(tomograms), "out": out} | options)
        for tomogram in tomograms:
            on_progress(tomogram, 0.5)
            on_progress(tomogram, 1.0)
        return [
            SimpleNamespace(
                tomogram=t,
                heatmap=out / "h.mrc",
                star=out / "p.star",
                csv=out / "p.csv",
                pick_count=7,
            )
            for t in tomograms
        ]

    module = ModuleType("tomoscribe.prediction.batch")
    module.predict_tomograms = predict_tomograms  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return asked


@pytest.fixture
def tomogram(tmp_path: Path) -> str:
    path = tmp_path / "one [two].mrc"
    path.touch()
    return str(path)


def test_checkpoint_file_is_used_as_it_is(
    exit_code: Run,
    calls: list[dict[str, Any]],
    tomogram: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    checkpoint = tmp_path / "best.pt"
    checkpoint.touch()
    out = tmp_path / "out"
    assert exit_code("predict", checkpoint, tomogram, "--out", out) == 0
    assert calls == [
        {
            "checkpoint": checkpoint,
            "tomograms": [tomogram],
            "out": out,
            "device": "auto",
            "threshold": None,
            "voxel_size_A": None,
        }
    ]
    assert f"{tomogram}: 7 picks in {out / 'p.star'}" in capsys.readouterr().out


def test_run_stands_for_its_best_checkpoint(
    exit_code: Run,
    calls: list[dict[str, Any]],
    tomogram: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    best = tmp_path / "best.pt"
    monkeypatch.setattr(RunFolder, "best_checkpoint", lambda self: best)
    assert exit_code("predict", tmp_path, tomogram, "--out", tmp_path) == 0
    assert calls[0]["checkpoint"] == best


def test_options_reach_the_prediction(
    exit_code: Run, calls: list[dict[str, Any]], tomogram: str, tmp_path: Path
) -> None:
    options = ["--threshold", 0.25, "--device", "cpu", "--voxel-size-A", 10]
    assert exit_code("predict", tomogram, tomogram, "--out", tmp_path, *options) == 0
    assert calls[0]["threshold"] == 0.25
    assert calls[0]["device"] == "cpu"
    assert calls[0]["voxel_size_A"] == 10.0


@pytest.mark.parametrize("missing", ["checkpoint", "tomogram"])
def test_missing_file_is_named_before_anything_is_loaded(
    exit_code: Run,
    missing: str,
    calls: list[dict[str, Any]],
    tomogram: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    nowhere = tmp_path / "nowhere"
    args = [nowhere, tomogram] if missing == "checkpoint" else [tomogram, nowhere]
    assert exit_code("predict", *args, "--out", tmp_path) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: There is no")
    assert str(nowhere) in error
    assert not calls


def test_threshold_beyond_one_is_wrong_usage(exit_code: Run, tomogram: str, tmp_path: Path) -> None:
    args = ["predict", tomogram, tomogram, "--out", tmp_path, "--threshold", 1.5]
    assert exit_code(*args) == 2
