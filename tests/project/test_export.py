from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tomoscribe.coords import Geometry
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_files import Flavour, PickColumns, read_picks
from tomoscribe.io.pick_formats import WRITABLE
from tomoscribe.picks.table import JUNK, PickState
from tomoscribe.project import export_file
from tomoscribe.project.export import SUFFIXES, export_picks
from tomoscribe.project.export_file import columns_of, export_columns
from tomoscribe.project.export_folder import export_training_folder
from tomoscribe.project.model import ParticleClass, Region, Role
from tomoscribe.project.source import DataSource
from tomoscribe.project.store import Project
from tomoscribe.project.training_data import load_training_data

POINTS = [[1.5, 2.25, 3.0], [4.3333333, 5, 29]]


@pytest.fixture
def two(project: Project, make_volume: Callable[..., Path]) -> Project:
    """Return a project with picks in two tomograms of different sizes."""
    project.add_tomogram(make_volume("TS_2.mrc", shape=(16, 24, 40)), role=Role.VALIDATE)
    for name in ("TS_1", "TS_2"):
        table = project.tomograms[name].picks
        project.edit(name, table.make_add(POINTS, "ribo"))
        scored = table.make_add(
            [[7, 7, 7]], "ribo", scores=[0.5], state=PickState.PROPOSED, source="best"
        )
        project.edit(name, scored)
    return project


def test_junk_is_never_written(two: Project, tmp_path: Path) -> None:
    table = two.tomograms["TS_1"].picks
    two.edit("TS_1", table.make_add([[8, 8, 8]], JUNK, state=PickState.REJECTED))
    report = export_picks(two, tmp_path / "out", "csv", states=tuple(PickState))
    assert report.written == 6
    for path in report.paths:
        assert JUNK not in (read_picks(path).class_names or [])
    folder = tmp_path / "folder"
    export_training_folder(two, folder)
    data = load_training_data(DataSource(kind="folder", path=folder, diameter_A=200.0))
    assert [c.name for c in data.classes] == ["ribo"]


@pytest.mark.parametrize("flavour", SUFFIXES)
def test_every_format_is_read_back_within_a_thousandth_of_a_voxel(
    two: Project, tmp_path: Path, flavour: Flavour
) -> None:
    report = export_picks(two, tmp_path / "out", flavour)
    assert (report.written, report.read_back) == (4, 4)
    assert report.max_difference_voxels <= 1e-3
    assert report.first_rows
    assert "4 written, 4 read back" in report.sentence
    names = {p.stem for p in report.paths}
    row = WRITABLE[flavour]
    each = {"TS_1_ribo", "TS_2_ribo"} if row.one_class else {"TS_1", "TS_2"}
    assert names == (each if row.one_tomogram else {*each, "particles"})


@pytest.mark.parametrize("flavour", ["copick", "portal"])
def test_formats_of_one_class_get_a_file_for_each(
    project: Project, tmp_path: Path, flavour: Flavour
) -> None:
    project.add_class(ParticleClass("50S subunit", 200.0, "#00ff00"))
    table = project.tomograms["TS_1"].picks
    project.edit("TS_1", table.make_add(POINTS, "ribo"))
    project.edit("TS_1", table.make_add([[1, 1, 1]], "50S subunit"))
    report = export_picks(project, tmp_path / "out", flavour)
    assert [p.stem for p in report.paths] == ["TS_1_ribo", "TS_1_50S_subunit"]
    assert report.written == 3


@pytest.mark.parametrize("flavour", ["stopgap", "dynamo", "motl", "deepfinder"])
def test_a_class_has_the_same_number_in_every_file(
    two: Project, tmp_path: Path, flavour: Flavour
) -> None:
    two.add_class(ParticleClass("gold", 60.0, "#ffff00"))
    for name, classes in (("TS_1", ("gold", "ribo")), ("TS_2", ("ribo", "gold"))):
        two.edit(name, two.tomograms[name].picks.make_remove([1, 2]))
        for kind in classes:
            two.edit(name, two.tomograms[name].picks.make_add([[3, 3, 3]], kind))
    report = export_picks(two, tmp_path, flavour)
    assert report.notes[0] == f"Classes are numbers in {flavour}: 1 ribo, 2 gold."
    assert read_picks(report.paths[0]).class_names == ["class_2", "class_1"]
    assert read_picks(report.paths[1]).class_names == ["class_1", "class_2"]


def test_normals_are_exported_and_what_has_none_is_told(project: Project, tmp_path: Path) -> None:
    table = project.tomograms["TS_1"].picks
    project.edit("TS_1", table.make_add(POINTS, "ribo", normals_zyx=[[0, 0, 1], [0, 1, 0]]))
    project.edit("TS_1", table.make_add([[1, 1, 1]], "ribo"))
    report = export_picks(project, tmp_path, "relion5")
    assert "1 of 3 picks" in report.notes[0]
    back = read_picks(report.paths[0], geometry=Geometry((12, 20, 30), 10.0))
    assert back.normals_zyx == pytest.approx(
        np.array([[0, 0, 1], [0, 1, 0], [np.nan] * 3]), abs=1e-6, nan_ok=True
    )
    assert "does not hold the normals" in export_picks(project, tmp_path, "txt").notes[0]


def test_one_relion5_file_counts_from_the_centre_of_each_tomogram(
    two: Project, tmp_path: Path
) -> None:
    export_picks(two, tmp_path, "relion5")
    for name, shape in (("TS_1", (12, 20, 30)), ("TS_2", (16, 24, 40))):
        columns = read_picks(tmp_path / "particles.star", geometry=Geometry(shape, 10.0))
        mine = columns.for_tomogram(name, "particles.star")
        assert np.allclose(mine.zyx, POINTS, atol=1e-3)


def test_tomograms_of_different_voxel_size_share_a_relion5_file_only(
    two: Project, tmp_path: Path
) -> None:
    two.set_voxel_size("TS_2", 8.0)
    report = export_picks(two, tmp_path / "three", "relion3.1")
    assert "voxel sizes differ (8 to 10 Å)" in report.notes[0]
    assert len(report.paths) == 2
    assert len(export_picks(two, tmp_path / "five", "relion5").paths) == 3


def test_states_classes_and_tomograms_can_be_chosen(two: Project, tmp_path: Path) -> None:
    report = export_picks(
        two, tmp_path, "csv", states=[PickState.PROPOSED], class_names=["ribo"], tomograms=["TS_2"]
    )
    assert report.paths == (tmp_path / "TS_2.csv",)
    back = read_picks(report.paths[0])
    assert back.scores is not None
    assert back.scores.tolist() == [0.5]


def test_nothing_to_export_gets_a_sentence_and_makes_no_folder(
    two: Project, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(TomoscribeError, match="There are no rejected picks"):
        export_picks(two, out, "csv", states=[PickState.REJECTED])
    with pytest.raises(TomoscribeError, match="of class protea"):
        export_picks(two, out, "csv", class_names=["protea"])
    with pytest.raises(TomoscribeError, match="no tomogram 'x'"):
        export_picks(two, out, "csv", tomograms=["x"])
    with pytest.raises(TomoscribeError, match="There is no format 'xls'"):
        export_picks(two, out, "xls")  # type: ignore[arg-type]
    assert not out.exists()
    with pytest.raises(TomoscribeError, match="no picks to write"):
        export_columns(
            PickColumns(np.zeros((0, 3))),
            tmp_path / "a.csv",
            "csv",
            geometry=Geometry((9, 9, 9), 10.0),
            tomogram_name="a",
        )


def test_an_export_that_fails_half_way_leaves_no_new_file(
    two: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = export_file.write_picks
    calls: list[Path] = []

    def full(path: Path, *args: object, **kwargs: object) -> None:
        calls.append(path)
        if len(calls) == 2:
            raise TomoscribeError(f"Cannot write {path}: no space is left on the disk.")
        real(path, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(export_file, "write_picks", full)
    with pytest.raises(TomoscribeError, match="no space"):
        export_picks(two, tmp_path / "out", "csv")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_file_that_reads_back_differently_is_told(
    two: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def shifted(path: Path, *, geometry: Geometry) -> PickColumns:
        columns = read_picks(path, geometry=geometry)
        return replace(columns, zyx=columns.zyx + 0.5)

    monkeypatch.setattr(export_file, "read_picks", shifted)
    with pytest.raises(TomoscribeError, match="reads back differently"):
        export_picks(two, tmp_path, "csv")


def test_an_output_that_is_a_file_gets_a_sentence(two: Project, tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(TomoscribeError, match="Cannot make"):
        export_picks(two, tmp_path / "out", "csv")


def test_picks_without_a_direction_have_none_among_others(two: Project) -> None:
    table = two.tomograms["TS_1"].picks
    two.edit("TS_1", table.make_change([1], normal_zyx=(1.0, 0.0, 0.0), angle_deg=5.0))
    normals = columns_of(list(table)).normals_zyx
    assert normals is not None
    assert np.isnan(normals).any(axis=1).tolist() == [False, True, True]
    two.edit("TS_1", table.make_change([2, 3], normal_zyx=(0.0, 1.0, 0.0)))
    assert columns_of(list(table)).normals_zyx is not None


def test_a_training_folder_gives_the_same_training_data(two: Project, tmp_path: Path) -> None:
    report = export_training_folder(two, tmp_path / "data")
    assert (report.written, report.read_back) == (4, 4)
    assert all(path.exists() for path in report.paths)
    assert "--diameter-A 250" in report.notes[0]
    data = load_training_data(DataSource(kind="folder", path=tmp_path / "data", diameter_A=250))
    original = load_training_data(DataSource(path=two.path))
    for mine, theirs in zip(data.samples, original.samples, strict=True):
        assert (mine.name, mine.role, mine.voxel_size_A) == (
            theirs.name,
            theirs.role,
            theirs.voxel_size_A,
        )
        expected = [p.zyx for p in theirs.of_class("ribo")]
        assert np.allclose([p.zyx for p in mine.of_class("ribo")], expected, atol=1e-3)
    assert os.path.samefile(data.samples[0].volume_path, two.tomograms["TS_1"].path)


def test_a_training_folder_tells_what_it_cannot_hold(two: Project, tmp_path: Path) -> None:
    two.set_voxel_size("TS_1", 12.0)
    two.add_class(ParticleClass("unused", 90))
    two.set_regions("TS_1", [Region((0, 0, 0), (5, 5, 5))])
    notes = " ".join(export_training_folder(two, tmp_path / "data").notes)
    assert "--voxel-size-A 12" in notes
    assert "regions" in notes
    assert "90" not in notes
    two.set_voxel_size("TS_2", (40.0, 8.0, 8.0))
    notes = " ".join(export_training_folder(two, tmp_path / "more").notes)
    assert "voxel edges of TS_2.mrc that the project has, 40, 8, 8 Å along z, y, x" in notes


def test_a_training_folder_never_replaces_anything(two: Project, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "precious").write_text("")
    with pytest.raises(TomoscribeError, match="not empty"):
        export_training_folder(two, tmp_path / "data")
    assert [p.name for p in (tmp_path / "data").iterdir()] == ["precious"]


def test_a_training_folder_that_fails_leaves_nothing(two: Project, tmp_path: Path) -> None:
    two.tomograms["TS_2"].path.unlink()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(TomoscribeError, match="There is no file"):
        export_training_folder(two, tmp_path / "data")
    assert sorted(tmp_path.iterdir()) == before


def test_a_training_folder_without_picks_gets_a_sentence(project: Project, tmp_path: Path) -> None:
    with pytest.raises(TomoscribeError, match="nothing to export"):
        export_training_folder(project, tmp_path / "data")


def test_without_links_the_volumes_are_copied(
    two: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(Path, "symlink_to", refuse)
    export_training_folder(two, tmp_path / "data")
    copy = tmp_path / "data" / "train" / "TS_1.mrc"
    assert not copy.is_symlink()
    assert copy.read_bytes() == two.tomograms["TS_1"].path.read_bytes()
