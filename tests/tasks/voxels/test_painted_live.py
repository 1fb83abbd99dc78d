"""A stroke during a training on a painted project: taken over at the cost of what it touched."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tomoscribe.io.volumes import write_mrc
from tomoscribe.project import painted
from tomoscribe.project.model import Region, Role
from tomoscribe.project.painted import CHUNK, PaintedLabels
from tomoscribe.project.painted_samples import load_painted
from tomoscribe.project.store import Project
from tomoscribe.segmentation.labels import LabelClass
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.table import get_task

SHAPE = (3, 300, 520)
CPU = torch.device("cpu")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.create(tmp_path / "project")
    project.set_label_classes([LabelClass("wall")])
    values = np.random.default_rng(0).normal(size=SHAPE).astype(np.float32)
    write_mrc(tmp_path / "one.mrc", values, 20.0)
    project.add_tomogram(tmp_path / "one.mrc", name="one", role=Role.TRAIN)
    store = PaintedLabels(project.path, "one", SHAPE)
    for z in range(3):
        store.write((z, 20, 20), np.full((1, 60, 220), 1))
        store.write((z, 90, 20), np.full((1, 40, 480), 2))
        store.write((z, 260, 20), np.full((1, 30, 480), 1 + z % 2))
    return project


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The chunks that are read from now on."""
    files: list[Path] = []
    read_chunk = painted._read_chunk

    def counted(file: Path) -> object:
        files.append(file)
        return read_chunk(file)

    monkeypatch.setattr(painted, "_read_chunk", counted)
    return files


def settings() -> TrainingSettings:
    return TrainingSettings(
        batch=1,
        width=8,
        bin=1,
        precision="float32",
        voxels={"window_zyx": (1, 64, 64), "levels": 3},
    )


def held_labels(module: object) -> torch.Tensor:
    (part,) = module._parts  # type: ignore[attr-defined]
    found: torch.Tensor = part.labels((0, 0, 0), SHAPE)
    return found


@pytest.mark.parametrize("task", ["semantic", "instance"])
def test_a_stroke_reads_the_chunk_that_it_touched_and_no_other(
    project: Project, read: list[Path], task: str
) -> None:
    module = get_task(task).build(load_painted(project.path, 0), settings(), CPU)
    all_chunks = len(PaintedLabels(project.path, "one", SHAPE).chunks())
    assert len(set(read)) == all_chunks == 3 * 2 * 2
    store = PaintedLabels(project.path, "one", SHAPE)
    (number,) = store.add_objects(2)
    store.write((1, 100, 260), np.full((1, 150, 250), number))
    before = held_labels(module).clone()
    read.clear()
    told = module.set_data(load_painted(project.path, 1))
    assert {file.relative_to(store.path).as_posix() for file in read} == {"0/1/0/1"}
    anew = get_task(task).build(load_painted(project.path, 1), settings(), CPU)
    assert torch.equal(held_labels(module), held_labels(anew))
    assert (held_labels(module) > 0).sum() > (before > 0).sum()
    assert told == anew.set_data(load_painted(project.path, 1))


def test_an_object_that_becomes_another_class_and_a_box_that_is_declared_are_read(
    project: Project, read: list[Path]
) -> None:
    store = PaintedLabels(project.path, "one", SHAPE)
    (number,) = store.add_objects(2)
    store.write((0, 10, 10), np.full((1, 9, 9), number))
    module = get_task("instance").build(load_painted(project.path, 0), settings(), CPU)
    store.set_objects({number: 1})
    read.clear()
    module.set_data(load_painted(project.path, 1))
    assert {file.relative_to(store.path).as_posix() for file in read} == {"0/0/0/0"}
    assert not (held_labels(module)[0, 0, 10:19, 10:19] > 0).any()
    box = Region((0, 0, CHUNK[2]), (1, 30, CHUNK[2] + 9), ("wall",))
    project.set_regions("one", [box])
    read.clear()
    module.set_data(load_painted(project.path, 2))
    assert {file.relative_to(store.path).as_posix() for file in read} == {"0/0/0/1"}
