"""Cases and the sample project on disk: readable by everything else, truth beside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation
from typer.testing import CliRunner

from tomoscribe.cli.main import app
from tomoscribe.coords import relion_rotation, rotation_to_relion
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_files import read_picks
from tomoscribe.io.volumes import open_volume
from tomoscribe.project.model import Role
from tomoscribe.project.source import DataSource
from tomoscribe.project.store import Project
from tomoscribe.project.training_data import load_training_data
from tomoscribe.simulate.case import read_truth, write_case
from tomoscribe.simulate.project import make_sample_project
from tomoscribe.simulate.sample import make_sample, make_scene

if TYPE_CHECKING:
    from pathlib import Path


def test_case_holds_volumes_clicks_and_truth_that_agree(tmp_path: Path) -> None:
    out = write_case(tmp_path / "case", make_scene("tiny"), seed=1, clicks=6)
    truth = read_truth(out / "truth" / "train.csv")["globule"]
    volume = open_volume(out / "train" / "train.mrc")
    assert volume.require_voxel_size() == pytest.approx(10)
    clicks = read_picks(out / "train" / "train.star", geometry=volume.geometry)
    assert len(clicks.zyx) == 6
    assert KDTree(truth).query(clicks.zyx)[0].max() < 5
    targets = read_picks(out / "truth" / "train.star", geometry=volume.geometry)
    np.testing.assert_allclose(targets.zyx, truth, atol=1e-3)
    assert len(read_picks(out / "val" / "val.star", geometry=volume.geometry).zyx) == 3
    assert not (out / "test" / "test.star").exists()
    assert (out / "test" / "test.mrc").exists()


def test_truth_star_carries_the_particles_axes(tmp_path: Path) -> None:
    out = write_case(tmp_path / "case", make_scene("tiny"), seed=2, roles=("test",))
    volume = open_volume(out / "test" / "test.mrc")
    picks = read_picks(out / "truth" / "test.star", geometry=volume.geometry)
    rows = np.genfromtxt(out / "truth" / "test.csv", delimiter=",", skip_header=1)
    axes_xyz = Rotation.from_quat(rows[:, 4:8]).apply([0.0, 0.0, 1.0])
    assert picks.normals_zyx is not None
    np.testing.assert_allclose(picks.normals_zyx[:, ::-1], axes_xyz, atol=1e-3)
    turns = Rotation.from_quat(rows[:, 4:8])
    again = relion_rotation(rotation_to_relion(turns))
    assert (turns * again.inv()).magnitude().max() < 1e-6


def test_case_trains_as_a_folder(tmp_path: Path) -> None:
    out = write_case(tmp_path / "case", make_scene("tiny"), seed=3, clicks=6)
    data = load_training_data(DataSource(kind="folder", path=out, diameter_A=120))
    assert len(data.with_role(Role.TRAIN)) == 1
    assert len(data.with_role(Role.TRAIN)[0].picks) == 6
    assert len(data.with_role(Role.VALIDATE)) == 1


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(TomoscribeError, match="not empty"):
        write_case(tmp_path, make_scene("tiny"))
    with pytest.raises(TomoscribeError, match="not empty"):
        make_sample_project(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_sample_project_opens_without_picks_and_with_its_truth_beside(tmp_path: Path) -> None:
    made = make_sample_project(tmp_path / "sample", preset="tiny")
    made.close()
    project = Project.open(tmp_path / "sample")
    roles = {name: entry.role for name, entry in project.tomograms.items()}
    assert roles == {"sample_train": Role.TRAIN, "sample_validate": Role.VALIDATE}
    assert [(c.name, c.diameter_A) for c in project.classes] == [("globule", 120)]
    assert all(len(entry.picks) == 0 for entry in project.tomograms.values())
    truth = read_truth(tmp_path / "sample" / "truth" / "sample_validate.csv")
    assert len(truth["globule"]) > 5
    project.close()


def test_sample_project_places_true_clicks_on_request(tmp_path: Path) -> None:
    project = make_sample_project(tmp_path / "sample", preset="tiny", clicks=8)
    truth = read_truth(tmp_path / "sample" / "truth" / "sample_train.csv")["globule"]
    picks = project.tomograms["sample_train"].picks.select(class_name="globule")
    assert len(picks) == 8
    assert KDTree(truth).query([p.zyx for p in picks])[0].max() < 5
    project.close()


def test_command_writes_a_case_of_the_asked_size(tmp_path: Path) -> None:
    out = tmp_path / "case"
    arguments = ["simulate", str(out), "--preset", "tiny", "--shape", "24", "64", "64"]
    result = CliRunner().invoke(app, [*arguments, "--snr", "2", "--voxel-size-A", "12"])
    assert result.exit_code == 0, result.output
    volume = open_volume(out / "train" / "train.mrc")
    assert volume.shape_zyx == (24, 64, 64)
    assert volume.require_voxel_size() == pytest.approx(12)


def test_more_clicks_than_particles_clicks_them_all(tmp_path: Path) -> None:
    sample = make_sample(0, "tiny")
    out = write_case(tmp_path / "case", make_scene("tiny"), clicks=500, roles=("train",))
    volume = open_volume(out / "train" / "train.mrc")
    clicks = read_picks(out / "train" / "train.star", geometry=volume.geometry)
    assert len(clicks.zyx) == len(read_truth(out / "truth" / "train.csv")["globule"])
    assert len(sample.zyx) > 0
