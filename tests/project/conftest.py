from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tomoscribe.io.volumes import write_mrc
from tomoscribe.project.model import ParticleClass
from tomoscribe.project.store import Project

SHAPE = (12, 20, 30)
VOXEL_SIZE_A = 10.0


@pytest.fixture
def make_volume(tmp_path: Path) -> Callable[..., Path]:
    """Return `make_volume(name, shape, voxel_size_A)`, which writes a small MRC file."""

    def make(
        name: str = "TS_1.mrc",
        shape: tuple[int, int, int] = SHAPE,
        voxel_size_A: float = VOXEL_SIZE_A,
    ) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_mrc(path, np.arange(np.prod(shape), dtype=np.float32).reshape(shape), voxel_size_A)
        return path

    return make


@pytest.fixture
def project(tmp_path: Path, make_volume: Callable[..., Path]) -> Project:
    """Return a project with one tomogram, TS_1, and the class ribo."""
    result = Project.create(tmp_path / "project")
    result.add_class(ParticleClass("ribo", 250.0))
    result.add_tomogram(make_volume())
    return result
