from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.project import spheres

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import open_volume
from tomoscribe.project.store import Project
from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.prediction_folder import Wish
from tomoscribe.training.prediction_request import PredictionRequest


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project.create(tmp_path / "project")
    tomogram = spheres.write_tomogram(tmp_path / "t.mrc")
    project.add_tomogram(tomogram, name="t", voxel_size_A=9.5)
    project.add_membrane(spheres.write_container(tmp_path / "m.h5", tomogram), "t", name="m")
    return project


@pytest.fixture
def ref(tmp_path: Path) -> CheckpointRef:
    return CheckpointRef.of_file(tmp_path / "a.pt")


def test_a_tomogram_is_asked_for_with_the_voxel_size_that_the_project_knows(
    project: Project, ref: CheckpointRef, tmp_path: Path
) -> None:
    wish = PredictionRequest.of(project, ref, "t").wish()
    assert (wish.volume_path, wish.kind, wish.voxel_size_A) == (
        str(tmp_path / "t.mrc"), "volume", 9.5,
    )  # fmt: skip
    assert (wish.checkpoint, wish.key) == (str(tmp_path / "a.pt"), ref.key)


def test_thick_sections_are_thick_for_the_process_that_predicts(
    project: Project, ref: CheckpointRef
) -> None:
    project.set_voxel_size("t", (500.0, 40.0, 40.0))
    sent = msgspec.json.encode(PredictionRequest.of(project, ref, "t").wish())
    wish = msgspec.json.decode(sent, type=Wish)
    assert open_volume(wish.volume_path, wish.voxel_size_A).voxel_sizes_zyx_A == (500, 40, 40)


def test_a_membrane_is_asked_for_with_its_tomogram(
    project: Project, ref: CheckpointRef, tmp_path: Path
) -> None:
    wish = PredictionRequest.of(project, ref, "m").wish()
    assert (wish.volume_path, wish.kind, wish.voxel_size_A, wish.tomogram) == (
        str(tmp_path / "m.h5"), "mesh", 9.5, str(tmp_path / "t.mrc"),
    )  # fmt: skip


def test_what_the_project_does_not_hold_cannot_be_asked_for(
    project: Project, ref: CheckpointRef
) -> None:
    with pytest.raises(TomoscribeError, match="has no tomogram or membrane 'x'"):
        PredictionRequest.of(project, ref, "x")
