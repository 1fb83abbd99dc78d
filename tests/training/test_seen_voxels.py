"""Which labelled voxels a training learned from, also where only some images are looked at."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from tomoscribe.project.model import Role
from tomoscribe.project.painted import PaintedLabels
from tomoscribe.project.painted_samples import painted_of
from tomoscribe.project.source import DataSource
from tomoscribe.project.store import Project
from tomoscribe.segmentation.labels import LabelClass
from tomoscribe.segmentation.painted_values import BACKGROUND
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.training import events as ev
from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.config import RunConfig
from tomoscribe.training.run import RunFolder
from tomoscribe.training.seen_voxels import unseen_voxels

SHAPE = (2, 128, 128)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project of two images that are labelled whole; `b` validates."""
    made = Project.create(tmp_path / "project")
    made.set_label_classes([LabelClass("mito")])
    value = made.label_classes[0].value
    for name, role in (("a", Role.TRAIN), ("b", Role.VALIDATE)):
        path = tmp_path / f"{name}.tif"
        tifffile.imwrite(path, np.zeros(SHAPE, np.uint8), photometric="minisblack")
        made.add_tomogram(path, voxel_size_A=40.0, role=role)
        paint = np.full(SHAPE, BACKGROUND)
        paint[:, ::2] = value
        PaintedLabels(made.path, name, SHAPE).write((0, 0, 0), paint)
    return made


def trained(project: Project) -> CheckpointRef:
    """Return a checkpoint of a training on the project."""
    run = RunFolder.create(
        project.path / "runs",
        RunConfig(
            data=DataSource(kind="project", path=project.path),
            task="semantic",
            settings=TrainingSettings.model_validate({"voxels": {"hold_out_labels": 0.25}}),
            plan={"reduction_zyx": [1, 1, 1]},
        ),
    )
    run.append_event(
        ev.Started(time=1.0, device="cpu", memory_bytes=1, precision="float32", plan={},
                   train=["a"], validate=["b"])
    )  # fmt: skip
    return CheckpointRef.of_file(run.checkpoint_path("step_000010"))


def share_unseen(project: Project, ref: CheckpointRef, asked: list[str] | None) -> float:
    """Return the share of `a` that a training did not learn from, by what is told of `asked`."""
    data = painted_of(project.path, asked)
    source = DataSource(kind="project", path=project.path)
    sample = next(s for s in data.samples if s.name == "a")
    unseen = unseen_voxels(ref, source, data, sample)
    assert unseen is not None
    return float(unseen((0, 0, 0), SHAPE).mean())


@pytest.mark.parametrize("asked", [None, ["a"]])
def test_where_images_validate_all_labels_of_the_others_were_learned_from(
    project: Project, asked: list[str] | None
) -> None:
    ref = trained(project)
    assert share_unseen(project, ref, asked) == 0
    blank = np.zeros(SHAPE, int)
    PaintedLabels(project.path, "b", SHAPE).write((0, 0, 0), blank)
    assert 0.1 < share_unseen(project, ref, asked) < 0.4
