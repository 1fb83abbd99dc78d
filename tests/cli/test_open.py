from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

Run = Callable[..., int | str | None]


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Stand in for the viewer, and tell what it was asked to open."""
    asked: list[list[str]] = []
    module = ModuleType("tomoscribe.ui.app")
    module.run = asked.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return asked


def test_paths_are_opened_in_the_viewer(
    exit_code: Run, opened: list[list[str]], tmp_path: Path
) -> None:
    assert exit_code("open", tmp_path, "s3://bucket/tomogram.zarr") == 0
    assert opened == [[str(tmp_path), "s3://bucket/tomogram.zarr"]]


def test_no_path_opens_an_empty_viewer(exit_code: Run, opened: list[list[str]]) -> None:
    assert exit_code("open") == 0
    assert opened == [[]]


def test_missing_path_is_told_before_the_viewer_starts(
    exit_code: Run, opened: list[list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code("open", tmp_path / "nowhere") == 1
    assert "There is no file or folder" in capsys.readouterr().err
    assert not opened
