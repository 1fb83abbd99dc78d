"""Layers that the user deletes, renames or hides at any time cost nothing but the picture."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.ui.compare.conftest import make_run
from tests.ui.conftest import PLACES_ZYX

from tomoscribe.project.store import Project
from tomoscribe.training.status import State

VIEWER = """
import faulthandler, sys, time
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from tomoscribe.ui.app import open_viewer
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.project.project_dock import ProjectDock
from tomoscribe.ui.session import Session

faulthandler.enable()
viewer = open_viewer([sys.argv[1]])
session = Session.of(viewer)
said = []
session.status_message.connect(said.append)
sides = Sides.of(session)
rows = viewer.window._qt_window.findChild(ProjectDock).list


def until(condition, what):
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, what
        QApplication.processEvents()


def draw():
    for _ in range(10):
        QApplication.processEvents()


def names():
    return {layer.name for layer in viewer.layers}


until(lambda: "heatmap" in names() and len(sides.side("b").stops) == 2, "the previews")
for name in ("tomogram", "heatmap"):
    draw()
    viewer.layers.remove(name)
draw()
assert names() >= {"picks"}
assert any("Click one in the Project panel" in sentence for sentence in said), said
place = rows.visualRect(rows.model().index(0, 0)).topLeft()
place.setX(place.x() + 90)
place.setY(place.y() + 10)
QTest.mouseClick(rows.viewport(), Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
until(lambda: session.layer is not None, "the tomogram")
draw()
assert len(viewer.layers["picks"].data) == 2
print("well", flush=True)
viewer.close()
"""


@pytest.fixture
def folder(project: Project) -> Path:
    """The small project with picks and two runs, closed."""
    project.edit("one", project.tomograms["one"].picks.make_add(PLACES_ZYX[:2], "ribosome"))
    make_run(project, "old").beat(State.FINISHED)
    project.close()
    return project.path


def test_a_tomogram_whose_layer_was_deleted_comes_back_with_a_click(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", VIEWER, str(folder)],
        capture_output=True, text=True, timeout=120, env=os.environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "well"
    assert "Traceback" not in done.stderr
