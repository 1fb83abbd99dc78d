from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.model import ParticleClass
from tomoscribe.project.relocate import Lost, find_again, find_lost, relocate, used_files
from tomoscribe.project.store import Project


@pytest.fixture
def moved(tmp_path: Path, make_volume: Callable[..., Path]) -> Project:
    """A project whose three tomograms, in two folders, and model went from old/ to new/."""
    project = Project.create(tmp_path / "project")
    project.add_class(ParticleClass("ribo", 250.0))
    for name in ("old/a/TS_1.mrc", "old/a/TS_2.mrc", "old/b/TS_3.mrc"):
        project.add_tomogram(make_volume(name))
    project.edit("TS_2", project.tomograms["TS_2"].picks.make_add([(1, 2, 3)], "ribo"))
    (tmp_path / "old" / "best.pt").write_bytes(b"weights")
    project.set_model(tmp_path / "old" / "best.pt")
    (tmp_path / "old").rename(tmp_path / "new")
    return project


def test_what_is_gone_is_told_once_for_the_folder_that_went(moved: Project, tmp_path: Path) -> None:
    (lost,) = find_lost(used_files(moved))
    assert lost.folder == tmp_path / "old"
    assert len(lost.files) == 4
    assert lost.words == f"4 files of {tmp_path / 'old'} are gone."


def test_a_lone_file_that_is_gone_is_named(project: Project) -> None:
    path = project.tomograms["TS_1"].path
    path.unlink()
    (lost,) = find_lost(used_files(project))
    assert lost == Lost(path.parent, (path,))
    assert lost.words == f"{path} is gone."


def test_nothing_is_gone_where_a_disk_does_not_answer(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stale(*_args: object, **_kwargs: object) -> os.stat_result:
        raise OSError(116, "Stale file handle")

    monkeypatch.setattr(Path, "stat", stale)
    assert find_lost([project.tomograms["TS_1"].path]) == []


def test_files_are_found_at_the_same_place_below_the_new_folder(
    moved: Project, tmp_path: Path
) -> None:
    found = relocate(moved, tmp_path / "old", tmp_path / "new")
    assert len(found) == 4
    moved.close()
    again = Project.open(moved.path)
    assert again.tomograms["TS_3"].path == tmp_path / "new" / "b" / "TS_3.mrc"
    assert again.model == tmp_path / "new" / "best.pt"
    assert len(again.tomograms["TS_2"].picks) == 1
    assert find_lost(used_files(again)) == []


def test_files_in_another_order_are_found_by_their_names(moved: Project, tmp_path: Path) -> None:
    (tmp_path / "sorted" / "1").mkdir(parents=True)
    shutil.move(tmp_path / "new" / "b" / "TS_3.mrc", tmp_path / "sorted" / "1" / "TS_3.mrc")
    (lost,) = find_lost(used_files(moved))
    found = find_again(lost, tmp_path / "sorted")
    assert found == {tmp_path / "old/b/TS_3.mrc": tmp_path / "sorted/1/TS_3.mrc"}


def test_a_name_that_is_there_twice_is_left_alone(moved: Project, tmp_path: Path) -> None:
    for folder in ("x", "y"):
        (tmp_path / "twice" / folder).mkdir(parents=True)
        shutil.copy(tmp_path / "new" / "b" / "TS_3.mrc", tmp_path / "twice" / folder)
    (lost,) = find_lost(used_files(moved))
    assert find_again(lost, tmp_path / "twice") == {}


def test_a_part_of_a_file_keeps_naming_its_part(tmp_path: Path) -> None:
    (tmp_path / "new" / "deep").mkdir(parents=True)
    (tmp_path / "new" / "deep" / "many.h5").write_bytes(b"")
    old = tmp_path / "old" / "many.h5::" / "a" / "raw"
    found = find_again(Lost(tmp_path / "old", (old,)), tmp_path / "new")
    assert found == {old: Path(f"{tmp_path / 'new' / 'deep' / 'many.h5'}::/a/raw")}


def test_a_relocation_is_taken_back_by_telling_it_the_other_way_round(
    moved: Project, tmp_path: Path
) -> None:
    before = used_files(moved)
    relocate(moved, tmp_path / "old", tmp_path / "new")
    (tmp_path / "new").rename(tmp_path / "old")
    relocate(moved, tmp_path / "new", tmp_path / "old")
    assert used_files(moved) == before


def test_a_folder_without_the_files_changes_nothing(moved: Project, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    before = used_files(moved)
    with pytest.raises(TomoscribeError, match="None of the 4 files"):
        relocate(moved, tmp_path / "old", tmp_path / "empty")
    with pytest.raises(TomoscribeError, match="uses no file"):
        relocate(moved, tmp_path / "other", tmp_path / "new")
    assert used_files(moved) == before


def test_several_that_were_looked_at_are_added_with_one_saving(
    project: Project, make_volume: Callable[..., Path]
) -> None:
    revision = project.revision
    paths = [make_volume(f"s/{i}/TS_1.mrc") for i in range(3)]
    added = project.add_opened((str(p), 12.0) for p in paths)
    assert [e.name for e in added] == ["TS_1_2", "TS_1_3", "TS_1_4"]
    assert project.revision == revision + 1
    project.close()
    again = Project.open(project.path)
    assert [again.tomograms[e.name].path for e in added] == paths
    assert again.tomograms["TS_1_4"].voxel_size_A == 12.0
