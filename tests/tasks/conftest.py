"""What the tests of tasks share."""

from __future__ import annotations

import pytest
from tests.tasks.balls import DIAMETER, VOXEL_A, make_sample

from tomoscribe.project.model import ParticleClass, TrainingData


@pytest.fixture(scope="session")
def balls(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    """One tomogram with 14 balls, 12 of them clicked."""
    sample = make_sample(tmp_path_factory.mktemp("balls"), "one", 1, clicks=12)
    return TrainingData((sample,), (ParticleClass("ball", DIAMETER * VOXEL_A),))
