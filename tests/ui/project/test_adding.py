"""Files and folders dropped on the panel."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import mrcfile
import numpy as np
import pytest

from tomoscribe.io.volumes import write_mrc
from tomoscribe.project.model import Role
from tomoscribe.ui.contributions import get_reader
from tomoscribe.ui.project.adding import TomogramAdder, holds_volumes, sort_out

DATA = np.random.default_rng(1).normal(size=(6, 12, 10)).astype(np.float32)


def write(path: Path, voxel_size_A: float = 8.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_mrc(path, DATA, voxel_size_A)
    return path


def write_without_size(path: Path) -> Path:
    write(path)
    with mrcfile.open(path, "r+") as file:
        file.voxel_size = 0.0
    return path


def done(panel: Any) -> None:
    panel.until(lambda: not TomogramAdder.of(panel.session).busy, "the dropped files")
    panel.until(lambda: panel.session.opening is None, "the tomogram")


def test_a_folder_of_tomograms_is_added_whole(panel: Any, tmp_path: Path) -> None:
    for name in ("a.mrc", "b.rec", "c.mrc"):
        write(tmp_path / "new" / name)
    (tmp_path / "new" / "notes.txt").write_text("no tomogram")
    panel.drop(tmp_path / "new")
    done(panel)
    assert panel.names == ["one", "two", "a", "b", "c"]
    assert panel.session.current == "one", "many that come do not take the view away"
    assert panel.said[-1] == "3 tomograms added."


def test_one_that_is_dropped_is_shown(panel: Any, tmp_path: Path) -> None:
    panel.drop(write(tmp_path / "a.mrc"))
    done(panel)
    assert panel.session.current == "a"


def test_a_segmentation_trains_nothing_and_is_told_what_it_is_for(
    panel: Any, tmp_path: Path
) -> None:
    labels = np.zeros((6, 12, 10), np.int16)
    labels[2:5, 3:9, 2:8] = 1
    write_mrc(tmp_path / "seg.mrc", labels, 8.0)
    noise = np.random.default_rng(0).integers(0, 120, (6, 12, 10)).astype(np.int16)
    write_mrc(tmp_path / "dense.mrc", noise, 8.0)
    panel.drop(tmp_path / "seg.mrc", tmp_path / "dense.mrc")
    done(panel)
    roles = {name: entry.role for name, entry in panel.session.project.tomograms.items()}
    assert (roles["seg"], roles["dense"]) == (Role.UNUSED, Role.TRAIN)
    assert "seg looks like labels" in panel.said[-1]
    assert "Membranes" in panel.said[-1]


def test_what_is_there_already_is_noted_and_not_added_again(panel: Any, tmp_path: Path) -> None:
    panel.drop(tmp_path / "one.mrc", write(tmp_path / "a.mrc"))
    done(panel)
    assert panel.names == ["one", "two", "a"]
    assert panel.said[-1] == "one is in the project already."


def test_a_voxel_size_is_asked_for_once_for_all_of_a_drop(panel: Any, tmp_path: Path) -> None:
    lost = [write_without_size(tmp_path / f"{n}.mrc") for n in "pqr"]
    panel.drop(*lost, write(tmp_path / "s.mrc"))
    done(panel)
    assert panel.names == ["one", "two", "s"]
    question = panel.dock.question
    assert question.isVisible()
    assert "2 more do not tell the voxel size" in question.label.text()
    question.voxel_size.text.setText("50, 4 nm")
    assert not question.use.isEnabled()
    assert "50, 4, 4 nm" in question.use.toolTip()
    question.voxel_size.text.setText("50, 4, 4 nm")
    question.use.click()
    done(panel)
    assert panel.names == ["one", "two", "s", "p", "q", "r"]
    assert {panel.session.project.tomograms[n].size for n in "pqr"} == {(500.0, 40.0, 40.0)}
    panel.session.show("p")
    done(panel)
    assert tuple(panel.session.layer.scale) == (500.0, 40.0, 40.0)
    assert not question.isVisible()


def test_those_without_a_voxel_size_can_be_left_out(panel: Any, tmp_path: Path) -> None:
    panel.drop(write_without_size(tmp_path / "p.mrc"))
    done(panel)
    panel.dock.question.leave.click()
    assert panel.names == ["one", "two"]
    assert not panel.dock.question.isVisible()


def test_picks_and_useless_files_are_told_apart(panel: Any, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("x,y,z\n7,6,5\n")
    (tmp_path / "useless.dat").write_bytes(b"nothing")
    panel.drop(tmp_path / "p.csv", tmp_path / "useless.dat")
    done(panel)
    assert len(panel.session.entry.picks) == 1
    assert any("useless.dat" in sentence for sentence in panel.said)


def test_a_broken_file_among_good_ones_costs_only_itself(panel: Any, tmp_path: Path) -> None:
    (tmp_path / "broken.mrc").write_bytes(b"\0" * 100)
    panel.drop(write(tmp_path / "a.mrc"), tmp_path / "broken.mrc", write(tmp_path / "b.mrc"))
    done(panel)
    assert panel.names == ["one", "two", "a", "b"]
    assert any("broken.mrc" in sentence for sentence in panel.said)


def test_without_a_project_one_begins_beside_the_first_tomogram(panel: Any, tmp_path: Path) -> None:
    panel.session.close_project()
    for name in "ab":
        write(tmp_path / "new" / f"{name}.mrc")
    panel.drop(tmp_path / "new" / "a.mrc", tmp_path / "new" / "b.mrc")
    done(panel)
    assert panel.session.project.path == tmp_path / "new" / "a_tomoscribe"
    assert panel.names == ["a", "b"]
    assert panel.session.current == "a"
    panel.session.close_project()


def test_the_project_goes_where_the_user_wants_such_projects(panel: Any, tmp_path: Path) -> None:
    panel.session.close_project()
    panel.session.autosave = tmp_path / "autosave"
    panel.drop(write(tmp_path / "a.mrc"))
    done(panel)
    assert panel.session.project.path == tmp_path / "autosave" / "a_tomoscribe"
    panel.session.close_project()


def test_the_canvas_takes_a_folder_too(
    panel: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "new" / "a.mrc")
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr("napari.current_viewer", lambda: panel.session.viewer)
    assert get_reader(str(tmp_path / "new")) is not None
    assert get_reader(str(tmp_path / "empty")) is None
    assert not holds_volumes(tmp_path / "empty")
    panel.session.open_paths([tmp_path / "new"])
    done(panel)
    assert "a" in panel.names


def test_a_folder_that_may_not_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tomoscribe.ui.project.adding.os.scandir", refuse)
    (tmp_path / "closed").mkdir()
    assert "Permission denied" in sort_out([str(tmp_path / "closed")]).notes[0]


def test_what_was_dropped_on_one_project_is_not_added_to_another(
    panel: Any, tmp_path: Path
) -> None:
    panel.drop(write(tmp_path / "a.mrc"))
    panel.session.new_project(tmp_path / "another")
    done(panel)
    assert not panel.session.project.tomograms
    assert "nothing was added" in panel.said[-1]
