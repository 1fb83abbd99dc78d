"""Who has a project open for reading follows what its editor writes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tomoscribe.io.volumes import write_mrc
from tomoscribe.project.following import Follower
from tomoscribe.project.model import ParticleClass, Patch, Region, Role
from tomoscribe.project.store import Project


@pytest.fixture
def editor(tmp_path: Path) -> Iterator[Project]:
    write_mrc(tmp_path / "one.mrc", np.zeros((4, 4, 4), np.float32), 10.0)
    project = Project.create(tmp_path / "project")
    project.add_class(ParticleClass("ribosome", 100.0))
    project.add_tomogram(tmp_path / "one.mrc", name="one")
    add(project, [[1, 1, 1], [2, 2, 2]])
    yield project
    project.close()


@pytest.fixture
def reader(editor: Project) -> Project:
    return Project.open(editor.path, read_only=True)


def add(project: Project, zyx: list[list[float]]) -> None:
    project.edit("one", project.tomograms["one"].picks.make_add(zyx, "ribosome"))


def test_picks_regions_and_patches_follow_and_are_announced(
    editor: Project, reader: Project
) -> None:
    told: list[object] = []
    reader.picks_changed.connect(
        lambda name, edit: told.append((len(edit.before), len(edit.after)))
    )
    reader.regions_changed.connect(told.append)
    reader.patches_changed.connect(told.append)
    follower = Follower(reader)
    first = follower.look()
    assert first is not None
    follower.take(first)
    assert told == []  # nothing was written since
    assert follower.look() is None

    picks = editor.tomograms["one"].picks
    editor.edit("one", picks.make_remove([1]))
    editor.edit("one", picks.make_change([2], zyx=(3.0, 3.0, 3.0)))
    add(editor, [[0, 1, 2]])
    editor.undo("one")
    add(editor, [[2, 1, 0]])
    editor.set_regions("one", [Region((0, 0, 0), (2, 2, 2))])
    editor.set_patches("one", [Patch("sheet", (1.0, 1.0, 1.0), 2.0)])
    news = follower.look()
    assert news is not None
    follower.take(news)
    assert told == [(2, 2), "one", "one"]
    assert [p.zyx for p in reader.tomograms["one"].picks] == [p.zyx for p in picks]
    assert reader.tomograms["one"].regions == editor.tomograms["one"].regions
    assert reader.tomograms["one"].patches == editor.tomograms["one"].patches
    assert follower.look() is None


def test_what_only_opening_again_shows_is_said(editor: Project, reader: Project) -> None:
    follower = Follower(reader)
    assert follower.look() is not None
    editor.set_role("one", Role.UNUSED)
    news = follower.look()
    assert news is not None
    assert news.reopen
