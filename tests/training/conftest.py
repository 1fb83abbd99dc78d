from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tomoscribe.project.source import DataSource
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.training.config import RunConfig
from tomoscribe.training.run import RunFolder


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """Let workers of tests take one thread each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


@pytest.fixture
def config(tmp_path: Path) -> RunConfig:
    return RunConfig(data=DataSource(path=tmp_path / "project"), settings=TrainingSettings(seed=7))


@pytest.fixture
def run(tmp_path: Path, config: RunConfig) -> RunFolder:
    return RunFolder.create(tmp_path / "runs", config)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte; only root can make one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    if (
        sys.platform != "linux"
        or subprocess.run(mount, capture_output=True, check=False).returncode
    ):
        pytest.skip("a small disk can be made only by root on Linux")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
