from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tomoscribe.io.volumes import write_mrc
from tomoscribe.project.model import ParticleClass
from tomoscribe.project.store import Project

Exit = Callable[..., int | str | None]


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """A project of two tomograms with three picks, whose files went from old/ to new/."""
    project = Project.create(tmp_path / "project")
    project.add_class(ParticleClass("ribo", 250.0))
    (tmp_path / "old" / "b").mkdir(parents=True)
    for name in ("one", "b/two"):
        write_mrc(tmp_path / "old" / f"{name}.mrc", np.zeros((4, 5, 6), np.float32), 10.0)
        project.add_tomogram(tmp_path / "old" / f"{name}.mrc")
    project.edit("one", project.tomograms["one"].picks.make_add(np.ones((3, 3)), "ribo"))
    project.close()
    (tmp_path / "old").rename(tmp_path / "new")
    return project.path


def test_info_tells_what_a_project_holds_and_what_is_gone(
    moved: Path, tmp_path: Path, exit_code: Exit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code("info", moved) == 0
    said = capsys.readouterr().out
    assert "tomograms       2" in said
    assert "ribo 3 (250 Å)" in said
    assert f"2 files of {tmp_path / 'old'} are gone." in said
    assert f"tomoscribe relocate {moved} {tmp_path / 'old'}=NEW_FOLDER" in said


def test_what_info_says_to_type_is_one_word_each_whatever_folders_are_called(
    tmp_path: Path, exit_code: Exit, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project.create(tmp_path / "my project")
    project.set_model(tmp_path / "my models" / "best.pt")
    project.close()
    assert exit_code("info", project.path) == 0
    typed = shlex.split(capsys.readouterr().out.splitlines()[-1])
    assert typed[1:] == ["relocate", str(project.path), f"{tmp_path / 'my models'}=NEW_FOLDER"]


def test_relocate_finds_the_files_again(
    moved: Path, tmp_path: Path, exit_code: Exit, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code("relocate", moved, f"{tmp_path / 'old'}={tmp_path / 'new'}") == 0
    assert "2 files" in capsys.readouterr().out
    project = Project.open(moved, read_only=True)
    assert project.tomograms["two"].path == tmp_path / "new" / "b" / "two.mrc"
    assert exit_code("info", moved) == 0
    assert "gone" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("move", "said"),
    [
        ("nothing", "write OLD=NEW"),
        ("{tmp}/old={tmp}/nowhere", "There is no folder"),
        ("{tmp}/other={tmp}/new", "uses no file"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_changes_nothing(
    moved: Path,
    tmp_path: Path,
    exit_code: Exit,
    capsys: pytest.CaptureFixture[str],
    move: str,
    said: str,
) -> None:
    before = (moved / "project.yaml").read_bytes()
    assert exit_code("relocate", moved, move.format(tmp=tmp_path)) == 1
    assert said in capsys.readouterr().err
    assert (moved / "project.yaml").read_bytes() == before


def test_relocate_leaves_a_project_alone_that_is_open_elsewhere(
    moved: Path, tmp_path: Path, exit_code: Exit, capsys: pytest.CaptureFixture[str]
) -> None:
    project = Project.open(moved)
    assert exit_code("relocate", moved, f"{tmp_path / 'old'}={tmp_path / 'new'}") == 1
    assert "open in another tomoscribe" in capsys.readouterr().err
    project.close()
