"""A project that another process edits: looked at here, said so, and taken over when it may be."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from qtpy.QtCore import Qt

from tomoscribe.project.model import Role
from tomoscribe.project.store import Project
from tomoscribe.ui.project.read_only import READ_ONLY

EDITOR = """
import sys
from tomoscribe.project.store import Project
project = Project.open(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
project.edit("one", project.tomograms["one"].picks.make_add([[8.0, 9.0, 10.0]], "ribosome"))
print("edited", flush=True)
sys.stdin.readline()
project.close()
print("closed", flush=True)
"""


@pytest.fixture
def editor(panel: Any) -> Iterator[subprocess.Popen[str]]:
    """Another process that edits the project which the panel shows."""
    folder = panel.session.project.path
    panel.session.close_project()
    process = subprocess.Popen(
        [sys.executable, "-c", EDITOR, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "open\n"
    panel.session.open_project(folder)
    yield process
    process.communicate("\n\n", timeout=30)


def step(editor: subprocess.Popen[str], done: str) -> None:
    assert editor.stdin is not None
    assert editor.stdout is not None
    editor.stdin.write("\n")
    editor.stdin.flush()
    assert editor.stdout.readline() == f"{done}\n"


def let_go(editor: subprocess.Popen[str]) -> None:
    step(editor, "edited")
    step(editor, "closed")


def test_picks_of_the_other_window_appear_here_by_themselves(panel: Any, editor: Any) -> None:
    session = panel.session
    assert len(session.picks.layer.data) == 0
    step(editor, "edited")
    panel.dock.read_only.ask()
    panel.until(lambda: len(session.picks.layer.data) == 1, "the pick of the other window")
    assert session.project.read_only
    assert [p.zyx for p in session.entry.picks] == [(8.0, 9.0, 10.0)]


def test_it_says_so_as_long_as_it_lasts_and_edits_nothing(panel: Any, editor: Any) -> None:
    dock, project = panel.dock, panel.session.project
    assert dock.read_only.isVisible()
    assert "reading only" in dock.read_only.label.text()
    assert not dock.read_only.edit.isEnabled()
    assert not dock.add.isEnabled()
    assert dock.add.toolTip() == READ_ONLY
    panel.click_role("two")
    panel.key(Qt.Key.Key_Space)
    assert project.tomograms["two"].role is Role.VALIDATE
    assert any("reading only" in sentence for sentence in panel.said)
    menu = dock.list.menu(dock.model.rows[0])
    enabled = {action.text() for action in menu.actions() if action.isEnabled()}
    assert not enabled & {"Voxel size…", "Remove from project…"}
    from tomoscribe.ui.runs.starter import Starter

    assert Starter.of(panel.session).why_not() == READ_ONLY
    panel.click("two")
    panel.until(lambda: panel.session.current == "two", "a look at the other tomogram")


def test_it_is_taken_over_once_the_other_has_closed_it(panel: Any, editor: Any) -> None:
    panel.session.set_current("two")
    banner = panel.dock.read_only
    banner.ask()
    panel.until(lambda: not banner._asker.busy, "the answer")
    assert not banner.edit.isEnabled()
    let_go(editor)
    banner.ask()
    panel.until(lambda: banner.edit.isEnabled(), "the button")
    banner.edit.click()
    project: Project = panel.session.project
    assert not project.read_only
    assert not banner.isVisible()
    assert len(project.tomograms["one"].picks) == 1, "what the other one picked is here"
    panel.until(lambda: panel.session.current == "two", "what was shown")
    panel.click_role("two")
    assert project.tomograms["two"].role is Role.UNUSED


def test_two_windows_of_one_process_are_told_apart_too(panel: Any, tmp_path: Path) -> None:
    folder = panel.session.project.path
    assert Project.open(folder, read_only=True).read_only
    with pytest.raises(Exception, match="open in another tomoscribe"):
        Project.open(folder)
