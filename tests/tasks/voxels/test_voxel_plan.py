"""What a plan makes of the labels: windows that hold little of what nobody labelled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tomoscribe.io.volumes import write_mrc
from tomoscribe.project.model import Role, TrainingData, TrainingSample
from tomoscribe.segmentation.labels import ArrayLabels, LabelClass, SampleLabels
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.voxels.plan import VoxelPlan, make_plan
from tomoscribe.tasks.voxels.summary import summarise

Triple = tuple[int, int, int]


def plan_of(tmp_path: Path, shape: Triple, labelled: Triple, **settings: object) -> VoxelPlan:
    """Plan a training on an image of which the corner is labelled, objects of 20 voxels."""
    path = tmp_path / "one.mrc"
    write_mrc(path, np.zeros(shape, np.float32), 80.0)
    at = np.indices(labelled)
    inside = ((at % 20 > 2)[1:]).all(0)
    values = np.where(inside, 1 + at[1] // 20 * 100 + at[2] // 20, 0).astype(np.int32)
    labels = SampleLabels(ArrayLabels(values[None]), (((0, 0, 0), labelled),), "made")
    sample = TrainingSample("one", str(path), 80.0, Role.TRAIN, labels=labels)
    data = TrainingData((sample,), (), label_classes=(LabelClass("cell"),))
    device = str(settings.pop("device", "cpu"))
    return make_plan("instance", summarise(data), TrainingSettings(**settings), device)


@pytest.mark.parametrize(
    ("labelled", "edge"),
    [((1, 400, 400), 144), ((1, 400, 100), 96), ((1, 70, 400), 64), ((1, 20, 20), 48)],
)
def test_a_window_of_a_section_is_no_wider_than_its_labels(
    tmp_path: Path, labelled: Triple, edge: int
) -> None:
    assert plan_of(tmp_path, (1, 400, 400), labelled, bin=1).window_zyx == (1, edge, edge)


def test_a_window_of_a_volume_is_no_deeper_than_its_labels(tmp_path: Path) -> None:
    shape, labelled = (128, 128, 128), (70, 128, 128)
    plan = plan_of(tmp_path, shape, labelled, bin=1, device="cuda")
    assert plan.dimension == "3d"
    assert plan.window_zyx == (64, 96, 96)
    assert plan.reasons["window_zyx"] == "some objects wide, no wider than what is labelled"


def test_a_window_that_the_user_sets_stays(tmp_path: Path) -> None:
    own = {"window_zyx": (1, 192, 192)}
    plan = plan_of(tmp_path, (1, 400, 400), (1, 100, 100), bin=1, voxels=own)
    assert plan.window_zyx == (1, 192, 192)
