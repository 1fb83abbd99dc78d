from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks import journal
from tomoscribe.picks.table import Edit, PickState
from tomoscribe.project.file import LOCK_FILE, PROJECT_FILE
from tomoscribe.project.model import ParticleClass, Region, Role
from tomoscribe.project.source import DataSource
from tomoscribe.project.store import Project
from tomoscribe.project.training_data import read_revision

NOBODY = 65534


def click(project: Project, *zyx: tuple[float, float, float], name: str = "TS_1") -> None:
    project.edit(name, project.tomograms[name].picks.make_add(zyx, "ribo"))


def reopened(project: Project) -> Project:
    project.close()
    return Project.open(project.path)


def refuse_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every write of picks fail, as a full disk does; permissions do not stop root."""

    def refuse(*args: object, **kwargs: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal, "_append_bytes", refuse)
    monkeypatch.setattr("tomoscribe.project.file.write_text_atomic", refuse_text)


def refuse_text(path: Path, text: str) -> None:
    raise TomoscribeError(f"Cannot write {path}: no space is left on the disk.")


def test_all_of_a_project_is_there_after_reopening(
    project: Project, make_volume: Callable[..., Path], tmp_path: Path
) -> None:
    project.add_tomogram(make_volume("b.rec.mrc"), role=Role.VALIDATE, voxel_size_A=7.5)
    click(project, (1, 2, 3.25), (4, 5, 6))
    project.set_regions("TS_1", [Region((0, 0, 0), (5, 6, 7), ("ribo",))])
    project.add_class(ParticleClass("protea", 120.0, "#56b4e9"))
    again = reopened(project)
    assert [p.zyx for p in again.tomograms["TS_1"].picks] == [(1, 2, 3.25), (4, 5, 6)]
    assert again.tomograms["TS_1"].regions == [Region((0, 0, 0), (5, 6, 7), ("ribo",))]
    assert again.tomograms["b"].role == Role.VALIDATE
    assert again.tomograms["b"].voxel_size_A == 7.5
    assert [c.name for c in again.classes] == ["ribo", "protea"]
    assert again.classes[1].color == "#56b4e9"
    assert again.name == "project"
    assert not again.notes


def test_a_project_that_was_moved_finds_the_tomograms_inside_it(
    tmp_path: Path, make_volume: Callable[..., Path]
) -> None:
    make_volume("one/tomograms/TS_1.mrc")
    project = Project.create(tmp_path / "one")
    project.add_tomogram(tmp_path / "one" / "tomograms" / "TS_1.mrc")
    project.close()
    (tmp_path / "one").rename(tmp_path / "two")
    again = Project.open(tmp_path / "two")
    assert again.tomograms["TS_1"].path == (tmp_path / "two" / "tomograms" / "TS_1.mrc").resolve()


def test_edits_are_announced_after_they_are_on_disk(project: Project) -> None:
    heard: list[tuple[str, int, int]] = []

    def listen(name: str, edit: Edit) -> None:
        on_disk = journal.Journal.replay(project.path / "picks" / "TS_1.jsonl").picks
        heard.append((name, len(edit.after), len(on_disk)))

    project.picks_changed.connect(listen)
    click(project, (1, 1, 1), (2, 2, 2))
    project.undo("TS_1")
    project.redo("TS_1")
    assert heard == [("TS_1", 2, 2), ("TS_1", 0, 0), ("TS_1", 2, 2)]


def test_undo_is_kept_by_tomogram_and_survives_on_disk(
    project: Project, make_volume: Callable[..., Path]
) -> None:
    project.add_tomogram(make_volume("b.mrc"))
    click(project, (1, 1, 1))
    click(project, (2, 2, 2), name="b")
    assert project.undo("TS_1")
    assert not project.undo("TS_1")
    assert project.history("b").can_undo
    again = reopened(project)
    assert len(again.tomograms["TS_1"].picks) == 0
    assert len(again.tomograms["b"].picks) == 1


def test_a_proposal_keeps_its_source_when_accepted_and_stays_when_rejected(
    project: Project,
) -> None:
    table = project.tomograms["TS_1"].picks
    found = table.make_add(
        [[1, 1, 1], [2, 2, 2]], "ribo", scores=[0.9, 0.8], state=PickState.PROPOSED, source="best"
    )
    project.edit("TS_1", found)
    project.edit("TS_1", table.make_change([1], state=PickState.ACCEPTED))
    project.edit("TS_1", table.make_change([2], state=PickState.REJECTED))
    picks = list(reopened(project).tomograms["TS_1"].picks)
    assert [p.state for p in picks] == [PickState.ACCEPTED, PickState.REJECTED]
    assert {p.source for p in picks} == {"best"}
    assert [p.score for p in picks] == [0.9, 0.8]


def test_the_revision_grows_with_every_change_and_is_the_same_from_outside(
    project: Project, make_volume: Callable[..., Path]
) -> None:
    source = DataSource(path=project.path)
    seen = [project.revision]
    steps: list[Callable[[], object]] = [
        lambda: click(project, (1, 1, 1)),
        lambda: project.undo("TS_1"),
        lambda: project.set_regions("TS_1", []),
        lambda: project.set_role("TS_1", Role.VALIDATE),
        lambda: project.add_tomogram(make_volume("b.mrc")),
        lambda: click(project, (2, 2, 2), name="b"),
        lambda: project.remove_tomogram("b"),
        lambda: project.set_classes([ParticleClass("ribo", 300)]),
        lambda: project.set_voxel_size("TS_1", 8.0),
    ]
    for step in steps:
        step()
        assert project.revision > seen[-1]
        seen.append(project.revision)
        assert read_revision(source) == project.revision
    assert Project.open(project.path, read_only=True).revision == project.revision


def test_a_full_disk_keeps_the_click_and_the_next_one_saves_both(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[str] = []
    project.picks_changed.connect(lambda name, edit: heard.append(name))
    before = project.revision
    with monkeypatch.context() as patch:
        refuse_writing(patch)
        with pytest.raises(TomoscribeError, match=r"Cannot save the last edit .*No space left"):
            click(project, (1, 1, 1))
    assert len(project.tomograms["TS_1"].picks) == 1
    assert heard == ["TS_1"]
    assert project.unsaved == 1
    assert project.revision > before
    click(project, (2, 2, 2))
    assert project.unsaved == 0
    assert len(reopened(project).tomograms["TS_1"].picks) == 2


def test_a_full_disk_leaves_the_project_file_whole(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        refuse_writing(patch)
        with pytest.raises(TomoscribeError, match="no space"):
            project.add_class(ParticleClass("new", 100))
    assert [c.name for c in project.classes] == ["ribo", "new"]
    assert [c.name for c in Project.open(project.path, read_only=True).classes] == ["ribo"]
    project.save()
    assert [c.name for c in Project.open(project.path, read_only=True).classes] == ["ribo", "new"]


def test_closing_writes_what_is_outstanding(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        refuse_writing(patch)
        with pytest.raises(TomoscribeError):
            click(project, (1, 1, 1))
    assert len(reopened(project).tomograms["TS_1"].picks) == 1


def test_a_folder_that_cannot_be_written_opens_with_a_note(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.close()
    lock = project.path / LOCK_FILE
    lock.unlink(missing_ok=True)
    lock.mkdir()
    again = Project.open(project.path)
    assert "cannot be written" in again.notes[0]
    click(again, (1, 1, 1))
    assert len(again.tomograms["TS_1"].picks) == 1


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="permissions of POSIX")
def test_a_read_only_folder_keeps_clicks_in_memory_and_saves_them_once_it_can(
    project: Project, make_volume: Callable[..., Path]
) -> None:
    project.close()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        shutil.copytree(project.path, folder)
        everything = [Path(name), *Path(name).rglob("*")]
        for path in everything:
            path.chmod(0o555)
        root = os.geteuid() == 0
        if root:
            # Permissions do not stop root.
            os.seteuid(NOBODY)
        try:
            again = Project.open(folder)
            assert "cannot be written" in again.notes[0]
            with pytest.raises(TomoscribeError, match="kept in memory"):
                click(again, (1, 1, 1))
            assert len(again.tomograms["TS_1"].picks) == 1
        finally:
            if root:
                os.seteuid(0)
            for path in everything:
                path.chmod(0o755)
        click(again, (2, 2, 2))
        assert again.unsaved == 0
        again.close()
        assert len(Project.open(folder, read_only=True).tomograms["TS_1"].picks) == 2


def test_a_second_viewer_is_told_so_and_may_look(project: Project) -> None:
    click(project, (1, 1, 1))
    with pytest.raises(TomoscribeError, match="open in another tomoscribe"):
        Project.open(project.path)
    second = Project.open(project.path, read_only=True)
    assert len(second.tomograms["TS_1"].picks) == 1
    assert second.read_only
    with pytest.raises(TomoscribeError, match="reading only"):
        click(second, (2, 2, 2))
    with pytest.raises(TomoscribeError, match="reading only"):
        second.undo("TS_1")
    with pytest.raises(TomoscribeError, match="reading only"):
        second.add_class(ParticleClass("x", 1))
    second.close()
    click(project, (2, 2, 2))


def test_another_process_is_kept_out_until_this_one_closes(project: Project) -> None:
    script = (
        "import sys; from tomoscribe.project.store import Project; "
        "from tomoscribe.errors import TomoscribeError\n"
        "try: Project.open(sys.argv[1])\n"
        "except TomoscribeError as e: print(e)\n"
    )
    command = [sys.executable, "-c", script, str(project.path)]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "open in another tomoscribe" in told
    project.close()
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert told == ""


def test_names_are_made_from_files_and_unique(
    project: Project, make_volume: Callable[..., Path]
) -> None:
    assert project.add_tomogram(make_volume("other/TS_1.mrc")).name == "TS_1_2"
    assert project.add_tomogram(make_volume("a b (c).mrc")).name == "a_b_c"
    with pytest.raises(TomoscribeError, match="already"):
        project.add_tomogram(make_volume("d.mrc"), name="TS_1")


def test_a_removed_tomogram_leaves_its_picks_on_disk_and_none_to_its_successor(
    project: Project, make_volume: Callable[..., Path]
) -> None:
    click(project, (1, 1, 1))
    project.remove_tomogram("TS_1")
    assert not project.tomograms
    kept = list((project.path / "picks").glob("TS_1.removed*.jsonl"))
    assert len(journal.Journal.replay(kept[0]).picks) == 1
    project.add_tomogram(make_volume())
    assert len(project.tomograms["TS_1"].picks) == 0


def test_what_does_not_exist_is_told(project: Project, tmp_path: Path) -> None:
    with pytest.raises(TomoscribeError, match="no tomogram 'x'"):
        project.set_role("x", Role.TRAIN)
    with pytest.raises(TomoscribeError, match="There is no file"):
        project.add_tomogram(tmp_path / "none.mrc")
    with pytest.raises(KeyError):
        project.edit(
            "TS_1", Edit(before=project.tomograms["TS_1"].picks.make_add([[1, 1, 1]], "a").after)
        )


def test_an_unknown_voxel_size_must_be_told(
    project: Project, make_volume: Callable[..., Path]
) -> None:
    path = make_volume("unknown.mrc", voxel_size_A=1.0)
    with pytest.raises(TomoscribeError, match="--voxel-size-A"):
        project.add_tomogram(path)
    assert project.add_tomogram(path, voxel_size_A=6.8).voxel_size_A == 6.8


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ([ParticleClass("a", 1), ParticleClass("a", 2)], "used twice"),
        ([ParticleClass(" ", 1)], "needs a name"),
        ([ParticleClass("a", 0)], "diameter"),
        ([ParticleClass("a", float("nan"))], "diameter"),
    ],
)
def test_classes_that_make_no_sense_are_refused(
    project: Project, classes: list[ParticleClass], message: str
) -> None:
    with pytest.raises(TomoscribeError, match=message):
        project.set_classes(classes)
    assert [c.name for c in project.classes] == ["ribo"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "damaged"),
        ("format: 99", "newer tomoscribe"),
        ("name: 5x\ntomograms: 7", "wrong entry at 'tomograms'"),
        ("", "wrong entry"),
        ("!!python/object/apply:os.system ['true']", "damaged"),
    ],
)
def test_a_broken_project_file_gets_a_sentence(
    project: Project, content: str, message: str
) -> None:
    project.close()
    (project.path / PROJECT_FILE).write_text(content)
    with pytest.raises(TomoscribeError, match=message):
        Project.open(project.path)


def test_a_folder_that_is_no_project_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(TomoscribeError, match="no tomoscribe project"):
        Project.open(tmp_path)


def test_creating_over_a_project_or_a_file_gets_a_sentence(
    project: Project, tmp_path: Path
) -> None:
    with pytest.raises(TomoscribeError, match="already"):
        Project.create(project.path)
    (tmp_path / "file").write_text("")
    with pytest.raises(TomoscribeError, match="Cannot make a project"):
        Project.create(tmp_path / "file")


def test_a_torn_journal_is_repaired_on_opening(project: Project) -> None:
    click(project, (1, 1, 1))
    project.close()
    with (project.path / "picks" / "TS_1.jsonl").open("ab") as file:
        file.write(b'{"type":"edit","set":[{"id":2')
    again = Project.open(project.path)
    assert len(again.tomograms["TS_1"].picks) == 1
    click(again, (2, 2, 2))
    assert len(reopened(again).tomograms["TS_1"].picks) == 2


def test_a_project_of_an_early_version_opens(project: Project) -> None:
    file = project.path / "project.yaml"
    project.close()
    file.write_text(file.read_text() + "current_model: null\n")
    assert list(Project.open(file.parent).tomograms) == ["TS_1"]


def test_parts_of_one_file_get_names_of_their_own(project: Project, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "many.h5", "w") as file:
        for name in ("a/raw", "b/raw"):
            file[name] = np.zeros((4, 5, 6), np.float32)
    for name in ("/a/raw", "/b/raw"):
        project.add_tomogram(f"{tmp_path}/many.h5::{name}", voxel_size_A=10.0)
    assert list(project.tomograms) == ["TS_1", "many_a_raw", "many_b_raw"]
    assert list(reopened(project).tomograms) == ["TS_1", "many_a_raw", "many_b_raw"]


def test_the_current_model_is_kept_and_moves_with_the_project(
    project: Project, tmp_path: Path
) -> None:
    assert project.model is None
    heard: list[Path | None] = []
    project.model_changed.connect(lambda: heard.append(project.model))
    inside = project.path / "runs" / "first" / "checkpoints" / "step_000120.pt"
    project.set_model(inside)
    assert heard == [inside]
    project.close()
    assert f"current_model: {inside.relative_to(project.path)}\n" in (
        project.path / PROJECT_FILE
    ).read_text(encoding="utf-8")
    moved = project.path.rename(tmp_path / "moved")
    again = Project.open(moved)
    assert again.model == moved.resolve() / inside.relative_to(project.path)
    again.set_model(tmp_path / "elsewhere.pt")
    assert reopened(again).model == tmp_path / "elsewhere.pt"


def test_a_model_that_is_taken_back_leaves_no_trace(project: Project) -> None:
    project.set_model("/somewhere/best.pt")
    project.set_model(None)
    assert "current_model" not in (project.path / PROJECT_FILE).read_text(encoding="utf-8")
    assert reopened(project).model is None


def test_a_model_is_not_chosen_where_nothing_may_be_edited(project: Project) -> None:
    reader = Project.open(project.path, read_only=True)
    with pytest.raises(TomoscribeError, match="reading only"):
        reader.set_model("/somewhere/best.pt")
    assert reader.model is None
