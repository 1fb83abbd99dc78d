from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from tomoscribe.cli import main as cli
from tomoscribe.errors import TomoscribeError
from tomoscribe.project.model import Role
from tomoscribe.project.source import DataSource, LabelFiles
from tomoscribe.project.training_data import load_training_data
from tomoscribe.simulate.labels import simulate_labels
from tomoscribe.simulate.labels_files import make_labels_project

SMALL = (20, 96, 96)


def test_the_same_seed_gives_the_same_volume_and_labels_that_agree_with_it() -> None:
    made, again, other = (simulate_labels(seed, SMALL) for seed in (3, 3, 4))
    assert np.array_equal(made.volume, again.volume)
    assert np.array_equal(made.objects, again.objects)
    assert not np.array_equal(made.objects, other.objects)
    assert np.array_equal(made.classes == 1, made.objects > 0)
    # Each mitochondrion is in one piece, and both classes are darker than what is around them.
    for number in range(1, made.objects.max() + 1):
        assert ndimage.label(made.objects == number)[1] == 1
    background = made.volume[made.classes == 0].mean()
    assert made.volume[made.classes == 1].mean() < background - 25
    assert made.volume[made.classes == 2].mean() < background - 60


def test_mitochondria_touch_and_sections_may_be_thick() -> None:
    made = simulate_labels(0, (12, 160, 160), (40, 8, 8))
    assert made.voxel_size_zyx_nm == (40, 8, 8)
    parts = ndimage.label(made.objects > 0)[1]
    assert made.objects.max() > parts >= 2
    with pytest.raises(TomoscribeError, match="at least 4 voxels"):
        simulate_labels(0, (3, 100, 100))


def test_the_command_writes_folders_that_both_tasks_train_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--shape", "8", "64", "96", "--voxel-size-nm", "40,8,8", "--seed", "2"]
    with pytest.raises(SystemExit) as stopped:
        cli.main(["simulate", str(tmp_path / "out"), "--kind", "labels", *arguments])
    assert not stopped.value.code
    assert "of 8 × 64 × 96 voxels at 40 × 8 × 8 nm" in capsys.readouterr().out
    files = LabelFiles(classes=("mitochondrion", "membrane"))
    source = DataSource(kind="folder", path=tmp_path / "out" / "semantic", voxels=files)
    semantic = load_training_data(source, "semantic")
    assert [s.role for s in semantic.samples] == [Role.TRAIN, Role.VALIDATE]
    assert semantic.samples[0].voxel_sizes_zyx_A == (400, 80, 80)
    assert not semantic.warnings
    instance = load_training_data(
        DataSource(kind="folder", path=tmp_path / "out" / "instance"), "instance"
    )
    assert instance.samples[0].labels is not None
    assert instance.samples[0].labels.reader.read((0, 0, 0), (8, 64, 96)).max() > 1


def test_the_sample_is_to_be_painted_and_its_strokes_are_right(tmp_path: Path) -> None:
    project = make_labels_project(tmp_path / "sample", strokes=8)
    project.close()
    data = load_training_data(DataSource(path=project.path), "semantic")
    assert [c.name for c in data.label_classes] == ["mitochondrion", "membrane"]
    sample = data.samples[0]
    assert sample.labels is not None
    assert len({lo[0] for lo, _ in sample.labels.boxes}) == 2
    read = sample.labels.reader.read((0, 0, 0), (48, 192, 192))
    from tomoscribe.io.volumes import open_volume

    truth = np.asarray(open_volume(project.path / "truth" / "classes.tif").data[...])
    for index in range(2):
        assert (read[index] == 1).sum() > 200
        assert (truth[read[index] == 1] == index + 1).all()
        assert (truth[read[index] == 0] != index + 1).all()
