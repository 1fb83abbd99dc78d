from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.model import ParticleClass
from tomoscribe.project.source import DataSource
from tomoscribe.project.store import Project
from tomoscribe.segmentation.labels import LabelClass

Run = Callable[..., int | str | None]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[DataSource, str]]:
    """Return what trainings would read, and stop them there."""
    sources: list[tuple[DataSource, str]] = []

    def read(source: DataSource, task: str) -> None:
        sources.append((source, task))
        raise TomoscribeError("far enough")

    monkeypatch.setattr("tomoscribe.training.training_request.load_training_data", read)
    return sources


def test_an_image_with_its_labels_is_data_to_segment(
    exit_code: Run, asked: list[tuple[DataSource, str]]
) -> None:
    exit_code(
        *("train", "--image", "a.h5::raw", "--labels", "b.tif", "--class", "mito", "--class", "er"),
        *("--unlabelled", 255, "--background", 1, "--voxel-size-nm", "50,4,4"),
    )
    source, task = asked[0]
    assert (source.kind, task) == ("pair", "semantic")
    files = source.voxels
    assert (files.image, files.labels, files.classes) == ("a.h5::raw", "b.tif", ("mito", "er"))
    assert (files.unlabelled, files.background) == (255, 1)
    assert files.voxel_size_zyx_nm == (50, 4, 4)
    kept = files.absolute()
    assert (kept.image, kept.labels) == (f"{Path.cwd()}/a.h5::raw", f"{Path.cwd()}/b.tif")


def test_a_folder_of_images_with_labels_and_a_datasplit_are_segmented(
    exit_code: Run, asked: list[tuple[DataSource, str]], tmp_path: Path
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((2, 8, 9), np.uint8))
    tifffile.imwrite(tmp_path / "a_labels.tif", np.zeros((2, 8, 9), np.uint8))
    (tmp_path / "split.csv").touch()
    exit_code("train", tmp_path, "--objects")
    exit_code("train", tmp_path / "split.csv", "--class", "nuc", "--task", "instance")
    exit_code("train", tmp_path, "--preset", "Instance3D")
    assert [(s.kind, task) for s, task in asked] == [
        ("folder", "semantic"),
        ("datasplit", "instance"),
        ("folder", "instance"),
    ]
    assert asked[0][0].voxels.objects
    assert asked[1][0].voxels.csv == tmp_path / "split.csv"
    assert asked[1][0].voxels.classes == ("nuc",)


def test_a_project_that_has_classes_of_voxels_only_is_segmented(
    exit_code: Run, asked: list[tuple[DataSource, str]], tmp_path: Path
) -> None:
    project = Project.create(tmp_path / "project")
    project.set_label_classes([LabelClass("mito")])
    exit_code("train", project.path)
    project.set_classes([ParticleClass("ribosome", 250)])
    exit_code("train", project.path)
    exit_code("train", project.path, "--task", "instance")
    assert [task for _, task in asked] == ["semantic", "tomogram", "instance"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--image", "a.tif"], "both --image and --labels"),
        ([".", "--preset", "Semantic2D", "--task", "instance"], "of the task semantic"),
        ([".", "--image", "a.tif", "--labels", "b.tif"], "not both"),
        (["PROJECT", "--class", "mito"], "a project has its own classes"),
        ([".", "--voxel-size-nm", "4;4"], "'4;4' is no voxel size"),
        ([".", "--voxel-size-nm", "1e9"], "give edges in nm between 0.001 and 100000"),
        ([".", "--voxel-size-A", "1e9"], "voxel size of 1e+09 Å (1e+08 nm) is not possible"),
    ],
)
def test_what_does_not_go_together_is_told(
    arguments: list[str],
    sentence: str,
    exit_code: Run,
    asked: list[tuple[DataSource, str]],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    project = Project.create(tmp_path / "project")
    project.close()
    exit_code("train", *(str(project.path) if a == "PROJECT" else a for a in arguments))
    assert sentence in capsys.readouterr().err
    assert not asked
