"""Files that were moved: asked about once a folder, found, and taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tomoscribe.io.volumes import write_mrc
from tomoscribe.project.model import ParticleClass
from tomoscribe.project.store import Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose two tomograms were moved after it was closed, and are opened again."""
    made = Project.create(tmp_path / "project")
    made.add_class(ParticleClass("ribosome", 100.0))
    (tmp_path / "old" / "sub").mkdir(parents=True)
    for name in ("one", "sub/two"):
        write_mrc(tmp_path / "old" / f"{name}.mrc", np.zeros((4, 8, 8), np.float32), 10.0)
        made.add_tomogram(tmp_path / "old" / f"{name}.mrc")
    made.close()
    (tmp_path / "old").rename(tmp_path / "new")
    return Project.open(tmp_path / "project")


@pytest.fixture
def lost(panel: Any) -> Any:
    panel.until(lambda: panel.dock.lost.lost is not None, "the question")
    return panel.dock.lost


def test_it_asks_once_for_the_folder_and_finds_the_files(
    panel: Any, lost: Any, tmp_path: Path
) -> None:
    assert lost.isVisible()
    assert lost.label.text() == f"2 files of {tmp_path / 'old'} are gone."
    assert panel.session.current is None
    lost.search(tmp_path / "new")
    panel.until(lambda: panel.session.current == "one", "the first tomogram")
    assert panel.session.project.tomograms["two"].path == tmp_path / "new" / "sub" / "two.mrc"
    assert lost.label.text() == "2 files found again."
    model = panel.dock.model
    panel.until(lambda: all(map(model.look, model.rows)), "pictures")
    assert not any(model.look(row).problem for row in model.rows)
    lost.later.click()
    assert not lost.isVisible()


def test_what_was_found_can_be_taken_back(panel: Any, lost: Any, tmp_path: Path) -> None:
    lost.search(tmp_path / "new")
    panel.until(lambda: lost.back.isVisible(), "the button Undo")
    lost.back.click()
    assert panel.session.project.tomograms["one"].path == tmp_path / "old" / "one.mrc"
    panel.until(lambda: lost.lost is not None, "the question again")


def test_a_folder_without_them_is_told_and_the_question_stays(
    panel: Any, lost: Any, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    lost.search(tmp_path / "empty")
    panel.until(lambda: "None of them is below" in lost.label.text(), "the answer")
    assert lost.choose.isVisible()


def test_not_now_asks_no_more(panel: Any, lost: Any) -> None:
    lost.later.click()
    assert not lost.isVisible()
    lost.look()
    panel.until(lambda: not lost._searcher.busy, "another look")
    assert not lost.isVisible()
