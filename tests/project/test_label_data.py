from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
import zarr
from numpy.typing import NDArray

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import write_mrc
from tomoscribe.project.model import Region, Role, TrainingData
from tomoscribe.project.painted import PaintedLabels
from tomoscribe.project.source import DataSource, LabelFiles
from tomoscribe.project.store import Project
from tomoscribe.project.training_data import load_training_data, read_revision
from tomoscribe.segmentation.labels import LabelClass
from tomoscribe.segmentation.painted_values import BACKGROUND

SHAPE = (4, 20, 30)
IMAGE = np.random.default_rng(0).integers(0, 255, SHAPE).astype(np.uint8)


def _labels(*values: int, dtype: Any = np.uint8) -> NDArray[Any]:
    """Return labels of SHAPE with a square of each value."""
    labels = np.zeros(SHAPE, dtype)
    for i, value in enumerate(values):
        labels[1:3, 4:9, 5 * i : 5 * i + 4] = value
    return labels


def _write(path: Path, values: NDArray[Any]) -> Path:
    if path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["data"] = values
    elif path.suffix == ".zarr":
        zarr.create_array(path, data=values)
    elif path.suffix == ".mrc":
        write_mrc(path, values, 10.0)
    else:
        tifffile.imwrite(path, values, photometric="rgb" if values.shape[-1] == 3 else "minisblack")
    return path


@pytest.fixture
def load(tmp_path: Path) -> Callable[..., TrainingData]:
    """Return what loads a pair of an image and labels, written to files first."""

    def load(
        labels: NDArray[Any], name: str = "labels.tif", task: str = "semantic", **said: Any
    ) -> TrainingData:
        image = _write(tmp_path / "image.tif", said.pop("image", IMAGE))
        files = LabelFiles(image=str(image), labels=str(_write(tmp_path / name, labels)), **said)
        return load_training_data(DataSource(kind="pair", voxels=files), task)

    return load


@pytest.mark.parametrize("name", ["l.tif", "l.h5", "l.zarr", "l.mrc"])
def test_labels_of_every_format_become_classes_by_rising_value(
    name: str, load: Callable[..., TrainingData]
) -> None:
    labels = _labels(9, 7, 7).astype(np.int16)
    labels[0] = 100
    data = load(labels, name, classes=("mito", "er"), unlabelled=100)
    assert [c.name for c in data.label_classes] == ["mito", "er"]
    assert data.exclusive
    assert data.warnings[0].endswith("in rising order: 7 as 'mito', 9 as 'er'.")
    sample = data.samples[0]
    assert sample.labels is not None
    assert sample.labels.boxes == (((0, 0, 0), SHAPE),)
    read = sample.labels.reader.read((-1, 2, 0), (3, 12, 31))
    expected = np.full((2, 4, 10, 31), -1)
    expected[:, 2:, :, :30] = np.stack([labels == 7, labels == 9])[:, 1:3, 2:12]
    assert np.array_equal(read, expected)


def test_objects_keep_their_numbers_and_nan_is_not_labelled(
    load: Callable[..., TrainingData],
) -> None:
    labels = _labels(3, 70_000, dtype=np.float32)
    labels[3] = np.nan
    data = load(labels, task="instance")
    assert [c.name for c in data.label_classes] == ["object"]
    assert data.samples[0].labels is not None
    read = data.samples[0].labels.reader.read((0, 0, 0), SHAPE)[0]
    assert np.array_equal(read[:3], labels[:3])
    assert (read[3] == -1).all()
    full = load(np.where(labels == 3, 3, 5).astype(np.uint8), task="instance")
    assert full.samples[0].labels is not None  # borders of objects teach where no background is
    semantic = load(labels, objects=True, classes=("cell",))
    assert semantic.samples[0].labels is not None
    assert semantic.samples[0].labels.reader.read((0, 0, 0), SHAPE).max() == 1


def test_voxel_sizes_are_those_given_or_told_and_unknown_ones_do_not_stop(
    load: Callable[..., TrainingData],
) -> None:
    unknown = load(_labels(1))
    assert unknown.samples[0].size == 10.0
    assert "image.tif does not tell its voxel size: it is taken as 1 nm" in unknown.warnings[0]
    given = load(_labels(1), voxel_size_zyx_nm=(50, 4, 4))
    assert given.samples[0].voxel_sizes_zyx_A == (500.0, 40.0, 40.0)
    assert not given.warnings
    turned = load(_labels(1), voxel_size_zyx_nm=(4, 4, 50))
    assert "give 50,4,4 if they are meant as X,Y,Z" in turned.warnings[0]
    assert not load(_labels(1), voxel_size_zyx_nm=(4, 4, 4.4)).warnings
    assert not given.warnings


_RGB = np.zeros((*SHAPE, 3), np.uint8)
_RGB[..., 0] = 1
_NAN = np.full(SHAPE, np.nan, np.float32)


@pytest.mark.parametrize(
    ("labels", "said", "sentence"),
    [
        (_labels(1)[:, :, :25], {}, r"labels.tif has 4 × 20 × 25 voxels \(z y x\), its image"),
        (_labels(1).T, {}, r"another order; .* labels.transpose\(2, 1, 0\)"),
        (_RGB, {}, "labels.tif has several colours"),
        (_labels(1) * 0.37, {}, "labels.tif holds 0.37, which is no label"),
        (_NAN, {}, "labels.tif holds no voxel of any class, only nothing but NaN"),
        (_labels(), {}, "labels.tif holds no voxel of any class, only 0: label some"),
        (_labels() + 7, {}, "labels.tif holds the value 7 in every voxel"),
        (_labels(-1, 1, dtype=np.int16), {}, "holds the value -1: .*--unlabelled -1"),
        (_labels(1, 255), {}, "holds 1, 255: say --objects if"),
        (IMAGE, {}, r"holds 254 different values \(1, 2, 3, …, 254\): say --task instance"),
        (_labels(1, 3), {"classes": ("a", "b", "c")}, "class 'b' has no voxel in .*no 2"),
        (_labels(1, 3), {"classes": ("a",)}, "1 class is named .a., .*--objects if all"),
        (_labels(1, 3), {"classes": ("a", "b"), "task": "instance"}, "number the objects of one"),
        (_labels(1, 3), {"classes": ("a", "a")}, "The class 'a' is named twice"),
        (_labels(1), {"unlabelled": 0}, "Nothing in .*labelled as background"),
        (_labels(1), {"image": IMAGE * _NAN}, "2400 of 2400 voxels|NaN or infinite"),
    ],
)
def test_bad_labels_are_told_in_one_sentence_before_training(
    labels: NDArray[Any], said: dict[str, Any], sentence: str, load: Callable[..., TrainingData]
) -> None:
    with pytest.raises(TomoscribeError, match=sentence):
        load(labels.astype(labels.dtype if labels.dtype != np.float64 else np.float32), **said)


def test_a_folder_says_what_validates_and_new_labels_are_news(tmp_path: Path) -> None:
    for part, values in (("train", (1, 2)), ("val", (2,))):
        (tmp_path / part).mkdir()
        _write(tmp_path / part / "a.tif", IMAGE)
        _write(tmp_path / part / "a_labels.h5", _labels(*values))
    source = DataSource(kind="folder", path=tmp_path)
    data = load_training_data(source, "semantic")
    assert [(s.name, s.role) for s in data.samples] == [("a", Role.TRAIN), ("a_2", Role.VALIDATE)]
    before = read_revision(source)
    _write(tmp_path / "val" / "a_labels.h5", _labels(2, 5))
    assert read_revision(source) > before
    with pytest.raises(TomoscribeError, match=r"val/a_labels.h5 holds 5, which no labels"):
        load_training_data(source, "semantic")
    (tmp_path / "val" / "a.tif").unlink()
    with pytest.raises(TomoscribeError, match=r"There is no image for .*val/a_labels.h5"):
        load_training_data(source, "semantic")


@pytest.fixture
def painted(project: Project) -> tuple[Project, PaintedLabels]:
    """Return a project with the classes mito and er, and the paints of its one tomogram."""
    project.set_label_classes([LabelClass("mito"), LabelClass("er")])
    return project, PaintedLabels(project.path, "TS_1", (12, 20, 30))


def test_strokes_objects_and_fully_labelled_boxes_teach(
    painted: tuple[Project, PaintedLabels],
) -> None:
    project, labels = painted
    mito, er = project.label_classes
    (number,) = labels.add_objects(er.value)
    labels.write((2, 0, 0), np.full((1, 4, 4), BACKGROUND))
    labels.write((2, 4, 0), np.full((1, 4, 4), mito.value))
    labels.write((2, 8, 0), np.full((1, 4, 4), number))
    project.set_regions("TS_1", [Region((2, 0, 0), (4, 6, 8), ("mito",))])
    data = load_training_data(DataSource(path=project.path), "instance")
    assert data.exclusive
    assert [c.name for c in data.label_classes] == ["mito", "er"]
    sample = data.samples[0]
    assert sample.labels is not None
    assert sample.labels.boxes == (((2, 0, 0), (3, 20, 30)), ((3, 0, 0), (4, 6, 8)))
    expected = np.full((2, 12, 20, 30), -1)
    expected[0, 2:4, :6, :8] = 0  # declared complete, for mito
    expected[:, 2, :12, :4] = 0  # painted: each says what the voxel is not, too
    expected[0, 2, 4:8, :4] = 1
    expected[1, 2, 8:12, :4] = number
    assert np.array_equal(sample.labels.reader.read((0, 0, 0), (12, 20, 30)), expected)


def test_what_is_painted_meanwhile_is_news_and_what_lacks_is_told(
    painted: tuple[Project, PaintedLabels],
) -> None:
    project, labels = painted
    mito, er = project.label_classes
    source = DataSource(path=project.path)

    def load() -> TrainingData:
        return load_training_data(source, "semantic")

    with pytest.raises(TomoscribeError, match="No voxel of 'mito', 'er' is painted"):
        load()
    labels.write((2, 0, 0), np.full((1, 4, 4), mito.value))
    with pytest.raises(TomoscribeError, match=r"Only 'mito' is painted .* paint background too"):
        load()
    labels.write((3, 0, 0), np.full((1, 4, 4), BACKGROUND))
    first = load()
    assert first.warnings == ("'er' is not painted yet and cannot be learned until it is.",)
    labels.write((4, 0, 0), np.full((1, 4, 4), er.value))
    second = load()
    assert second.revision > first.revision
    assert not second.teaches_as(first)
    assert second.samples[0].labels is not None
    assert first.samples[0].labels is not None
    assert second.samples[0].labels.version > first.samples[0].labels.version
    project.set_label_classes([])
    with pytest.raises(TomoscribeError, match="has no class of voxels"):
        load()
