from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from tests.project.spheres import write_container, write_tomogram

from tomoscribe.errors import TomoscribeError
from tomoscribe.prediction.settings import PredictionSettings
from tomoscribe.project.source import DataSource
from tomoscribe.training.config import RunConfig
from tomoscribe.training.run import RunFolder

Run = Callable[..., int | str | None]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Stand in for the prediction itself, and tell what it was asked."""
    asked: list[dict[str, Any]] = []

    def predict_files(checkpoint, sources, out, *, on_progress, **options):
        asked.append({"checkpoint": checkpoint, "sources": list(sources), "out": out} | options)
        for source in sources:
            if Path(source).name == "bad.mrc":
                yield TomoscribeError(f"{source} is bad.")
                continue
            on_progress(source, 0.5)
            on_progress(source, 1.0)
            yield SimpleNamespace(
                source=source,
                scores=out / "h.mrc",
                star=out / "p.star",
                csv=out / "p.csv",
                pick_count=7,
            )

    module = ModuleType("tomoscribe.prediction.batch")
    module.predict_files = predict_files  # type: ignore[attr-defined]
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
            "sources": [tomogram],
            "out": out,
            "device": "auto",
            "threshold": None,
            "voxel_size_A": None,
            "tomogram": None,
            "settings": PredictionSettings(),
            "decode": True,
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
    config = RunConfig(data=DataSource(path=tmp_path))
    run = RunFolder.create(tmp_path / "runs", config, "run")
    best = tmp_path / "best.pt"
    monkeypatch.setattr(RunFolder, "best_checkpoint", lambda self: best)
    assert exit_code("predict", run.path, tomogram, "--out", tmp_path) == 0
    assert calls[0]["checkpoint"] == best
    assert exit_code("predict", tmp_path, tomogram, "--out", tmp_path) == 1


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


def test_a_bad_file_is_told_and_the_others_go_on(
    exit_code: Run,
    calls: list[dict[str, Any]],
    tomogram: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bad = tmp_path / "bad.mrc"
    bad.touch()
    assert exit_code("predict", tomogram, bad, tomogram, "--out", tmp_path) == 1
    told = capsys.readouterr()
    assert f"{tomogram}: 7 picks" in told.out
    assert f"error: {bad} is bad." in told.err


def test_a_folder_stands_for_its_membranes_or_else_its_tomograms(
    exit_code: Run, calls: list[dict[str, Any]], tmp_path: Path
) -> None:
    tomogram = write_tomogram(tmp_path / "in" / "TS_1.mrc")
    assert exit_code("predict", tomogram, tmp_path / "in", "--out", tmp_path) == 0
    assert calls[-1]["sources"] == [str(tomogram)]
    container = write_container(tmp_path / "in" / "M1.h5", tomogram)
    assert exit_code("predict", tomogram, tmp_path / "in", "--out", tmp_path) == 0
    assert calls[-1]["sources"] == [str(container)]
    (tmp_path / "empty").mkdir()
    assert exit_code("predict", tomogram, tmp_path / "empty", "--out", tmp_path) == 1
