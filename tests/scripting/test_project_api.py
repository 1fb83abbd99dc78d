"""Projects from scripts: picks go in and out as arrays and frames, and are on the disk at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.scripting.conftest import PlayedRun

from tomoscribe.errors import TomoscribeError
from tomoscribe.scripting.opening import create_project, open_project, sample_project
from tomoscribe.scripting.project import Project

PLACES = np.array([[4.0, 10.0, 20.0], [8.5, 30.25, 50.0]])


def test_picks_of_an_array_are_voxels_z_y_x_and_on_the_disk_at_once(project: Project) -> None:
    assert project.add_picks("one", PLACES) == 2
    again = open_project(project.path, read_only=True)
    found = again.picks("one")
    np.testing.assert_allclose(found[["z", "y", "x"]], PLACES)
    np.testing.assert_allclose(found[["z_A", "y_A", "x_A"]], PLACES * 10)
    assert [*found["class"].unique()] == ["ribosome"]
    assert [*found["state"].unique()] == ["accepted"]
    assert again.tomograms.loc["one", "picks"] == 2


def test_picks_in_angstrom_become_voxels(project: Project) -> None:
    project.add_picks("one", PLACES * 10, unit="angstrom")
    project.add_picks("two", pd.DataFrame(PLACES * 10, columns=["z_A", "y_A", "x_A"]))
    for name in ("one", "two"):
        np.testing.assert_allclose(project.picks(name)[["z", "y", "x"]], PLACES)


def test_a_frame_of_picks_keeps_all_it_tells_on_its_way_through_a_project(
    project: Project,
) -> None:
    frame = pd.DataFrame(PLACES, columns=["z", "y", "x"]).assign(
        score=[0.75, np.nan], state=["proposed", "accepted"], source=["run/step_1", None],
        normal_z=[0.0, np.nan], normal_y=[3.0, np.nan], normal_x=[4.0, np.nan],
        angle_deg=[30.0, np.nan],
    )  # fmt: skip
    frame["class"] = "ribosome"
    project.add_picks("one", frame)
    project.add_picks("two", project.picks("one"))
    once, twice = project.picks("one"), project.picks("two")
    kept = [c for c in once.columns if c not in ("tomogram", "id")]
    pd.testing.assert_frame_equal(once[kept], twice[kept])
    assert [*once["source"]] == ["run/step_1", "human"]
    np.testing.assert_allclose(once.loc[0, ["normal_y", "normal_x"]].astype(float), [0.6, 0.8])
    assert len(project.picks(state="proposed")) == 2


def test_one_call_is_one_step_of_undo(project: Project) -> None:
    project.add_picks("one", PLACES)
    project.store.undo("one")
    assert project.picks("one").empty


def test_picks_are_removed_by_id(project: Project) -> None:
    project.add_picks("one", PLACES)
    first = project.picks("one")["id"].iloc[0]
    assert project.remove_picks("one", [first]) == 1
    assert len(project.picks("one")) == 1
    with pytest.raises(TomoscribeError, match="no pick with the id"):
        project.remove_picks("one", [first])


@pytest.mark.parametrize(
    ("picks", "said"),
    [
        (PLACES[:, ::-1], "order of the axes"),
        (PLACES[:, :2], r"shape \(N, 3\)"),
        ([[1.0, np.nan, 2.0]], "not a number"),
        ([[1.0, 2.0, 3.0], [4.0]], "must be numbers"),
        (pd.DataFrame({"z": [1], "y": ["left"], "x": [1]}), "must be numbers"),
        (pd.DataFrame({"z": [1], "y": [1], "x": [1], "score": ["high"]}), "must be numbers"),
        (pd.DataFrame({"a": [1]}), "needs the columns z, y, x"),
        (pd.DataFrame({"z": [1], "y": [1], "x": [1], "class": ["shell"]}), "no class 'shell'"),
        (pd.DataFrame({"z": [1], "y": [1], "x": [1], "state": ["maybe"]}), "states of picks"),
    ],
)
def test_picks_that_cannot_be_are_refused_in_one_sentence(
    project: Project, picks: object, said: str
) -> None:
    with pytest.raises(TomoscribeError, match=said):
        project.add_picks("one", picks)
    assert project.picks().empty


def test_class_must_be_told_where_there_are_several(project: Project) -> None:
    project.add_class("shell", 200)
    with pytest.raises(TomoscribeError, match="Say which class"):
        project.add_picks("one", PLACES)
    project.add_picks("one", PLACES, "shell")
    assert [*project.classes.index] == ["ribosome", "shell"]
    assert project.classes["color"].nunique() == 2


def test_roles_and_regions_are_kept(project: Project) -> None:
    project.set_role("two", "unused")
    project.declare_complete("one", (0, 0, 0), (16, 20, 20), ["ribosome"])
    again = open_project(project.path, read_only=True)
    assert again.tomograms.loc["two", "role"] == "unused"
    [region] = again.regions("one")
    assert region.hi_zyx == (16, 20, 20)
    with pytest.raises(TomoscribeError, match="no role 'test'"):
        project.set_role("two", "test")
    with pytest.raises(TomoscribeError, match="empty"):
        project.declare_complete("one", (5, 5, 5), (5, 9, 9))
    with pytest.raises(TomoscribeError, match="no class 'shell'"):
        project.declare_complete("one", (0, 0, 0), (5, 9, 9), ["shell"])


def test_a_name_that_is_not_there_is_told_with_those_that_are(project: Project) -> None:
    with pytest.raises(TomoscribeError, match="no tomogram 'three'; it has: one, two"):
        project.picks("three")


def test_a_project_that_is_only_read_refuses_edits(project: Project) -> None:
    again = open_project(project.path, read_only=True)
    with pytest.raises(TomoscribeError, match="reading only"):
        again.add_picks("one", PLACES)


def test_a_with_block_lets_others_edit_afterwards(tmp_path: Path) -> None:
    with create_project(tmp_path / "new") as made:
        path = made.path
        with pytest.raises(TomoscribeError):
            open_project(path)
    with open_project(path):
        pass


def test_tomograms_come_as_arrays(project: Project) -> None:
    volume = project.read("one")
    assert (volume.shape, volume.dtype) == ((16, 40, 60), np.float32)


def test_export_writes_and_reads_back(project: Project, tmp_path: Path) -> None:
    project.add_picks("one", PLACES)
    report = project.export_picks(tmp_path / "out", "relion4")
    assert (report.written, report.read_back) == (2, 2)
    assert report.paths[0].is_file()


def test_samples_have_clicks_where_they_are_asked_for(tmp_path: Path) -> None:
    with sample_project(tmp_path / "sample", "tiny", clicks=6) as made:
        assert [*made.tomograms["picks"]] == [6, 3]
    with pytest.raises(TomoscribeError, match="no sample 'huge'"):
        sample_project(tmp_path / "other", "huge")  # type: ignore[arg-type]


def test_the_current_model_is_kept_and_must_be_there(project: Project, played: PlayedRun) -> None:
    kept = played.keep("step_000010", 0.5)
    project.use_model(kept)
    assert open_project(project.path, read_only=True).model == kept
    with pytest.raises(TomoscribeError, match="no checkpoint"):
        project.use_model(kept.with_name("other.pt"))
