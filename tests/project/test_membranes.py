from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.file import read_project_file
from tomoscribe.project.model import Patch, Role
from tomoscribe.project.store import Project

STROKES = [Patch("M1", (5.0, 6.0, float(i)), 2.5, erase=i == 2) for i in range(4)]


@pytest.fixture
def container(tmp_path: Path) -> Path:
    """Return a membrane container with the least that one needs."""
    path = tmp_path / "M1.h5"
    with h5py.File(path, "w") as file:
        file["points"] = np.array([[5, 5, 5], [9, 5, 5], [5, 9, 5], [5, 5, 9]], float)
        file["faces"] = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    return path


def test_a_membrane_is_there_when_the_project_is_opened_again(
    project: Project, container: Path
) -> None:
    told: list[str] = []
    project.membranes_changed.connect(lambda: told.append("membranes"))
    entry = project.add_membrane(container, "TS_1")
    project.set_role("M1", Role.VALIDATE)
    project.close()
    again = Project.open(project.path)
    assert again.membranes == {"M1": entry}
    assert again.membranes["M1"].role == Role.VALIDATE
    assert len(told) == 2
    again.close()


def test_a_membrane_in_the_project_moves_with_it(project: Project, container: Path) -> None:
    project.membranes_dir.mkdir()
    inside = container.rename(project.membranes_dir / "M1.h5")
    project.add_membrane(inside, "TS_1")
    assert read_project_file(project.path).membranes[0].path == "membranes/M1.h5"


def test_a_project_without_membranes_stays_readable_for_older_versions(
    project: Project, container: Path
) -> None:
    assert read_project_file(project.path).format == 1
    project.add_membrane(container, "TS_1")
    assert read_project_file(project.path).format == 2


def test_tomograms_and_membranes_share_one_set_of_names(
    project: Project, container: Path, make_volume: Callable[..., Path]
) -> None:
    project.add_membrane(container, "TS_1")
    assert project.add_membrane(container, "TS_1").name == "M1_2"
    assert project.add_tomogram(make_volume("M1.mrc")).name == "M1_3"
    with pytest.raises(TomoscribeError, match="has a tomogram 'TS_1' already"):
        project.add_membrane(container, "TS_1", name="TS_1")


def test_what_cannot_be_a_membrane_is_told(
    project: Project, container: Path, make_volume: Callable[..., Path], tmp_path: Path
) -> None:
    with pytest.raises(TomoscribeError, match="no membrane container"):
        project.add_membrane(make_volume("TS_2.mrc"), "TS_1")
    with pytest.raises(TomoscribeError, match="no file"):
        project.add_membrane(tmp_path / "absent.h5", "TS_1")
    with pytest.raises(TomoscribeError, match="no tomogram 'TS_9'"):
        project.add_membrane(container, "TS_9")
    with pytest.raises(TomoscribeError, match="no membrane 'M7'"):
        project.remove_membrane("M7")
    assert not project.membranes


def test_a_removed_tomogram_takes_its_membranes_along(project: Project, container: Path) -> None:
    project.add_membrane(container, "TS_1")
    told: list[str] = []
    project.membranes_changed.connect(lambda: told.append("membranes"))
    project.remove_tomogram("TS_1")
    assert not project.membranes
    assert told == ["membranes"]


def test_strokes_and_their_undoing_survive_a_crash(project: Project) -> None:
    told: list[str] = []
    project.patches_changed.connect(told.append)
    before = project.revision
    project.set_patches("TS_1", STROKES[:3])
    project.set_patches("TS_1", STROKES)
    project.set_patches("TS_1", [*STROKES[:2], STROKES[3]])
    assert project.revision > before
    assert told == ["TS_1"] * 3
    again = Project.open(project.path, read_only=True)  # without closing the first
    assert again.tomograms["TS_1"].patches == [*STROKES[:2], STROKES[3]]


def test_one_more_stroke_costs_one_short_line(project: Project) -> None:
    many = [Patch("M1", (1.0, 2.0, float(i)), 3.0) for i in range(500)]
    project.set_patches("TS_1", many)
    path = project.path / "picks" / "TS_1.jsonl"
    size = path.stat().st_size
    project.set_patches("TS_1", [*many, STROKES[0]])
    assert path.stat().st_size - size < 200
    project.set_patches("TS_1", [*many, STROKES[0]])  # nothing new, nothing written
    assert path.stat().st_size - size < 200


def test_strokes_from_computed_positions_are_saved(project: Project) -> None:
    z, y, x = np.float32([1, 2, 3])
    project.set_patches("TS_1", [Patch("M1", (z, y, x), np.float32(2), erase=np.True_)])  # type: ignore[arg-type]
    again = Project.open(project.path, read_only=True)
    assert again.tomograms["TS_1"].patches == [Patch("M1", (1.0, 2.0, 3.0), 2.0, erase=True)]


def test_a_compacted_journal_keeps_its_strokes(project: Project) -> None:
    project.set_patches("TS_1", STROKES)
    path = project.path / "picks" / "TS_1.jsonl"
    with path.open("ab") as file:
        file.write(b'{"type":"edi')  # torn: opening writes the journal anew
    project.close()
    again = Project.open(project.path)
    assert again.tomograms["TS_1"].patches == STROKES
    again.close()


def test_picks_on_a_membrane_keep_normal_angle_and_name(project: Project) -> None:
    table = project.tomograms["TS_1"].picks
    edit = table.make_add(
        [[1, 2, 3], [4, 5, 6]],
        "ribo",
        normals_zyx=np.eye(3)[:2],
        angles_deg=[10.0, float("nan")],
        membrane="M1",
    )
    project.edit("TS_1", edit)
    again = list(Project.open(project.path, read_only=True).tomograms["TS_1"].picks)
    assert [p.normal_zyx for p in again] == [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0)]
    assert again[0].angle_deg == 10.0
    assert np.isnan(again[1].angle_deg)
    assert {p.membrane for p in again} == {"M1"}
