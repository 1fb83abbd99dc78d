"""A disk that does not answer holds up threads, never the viewer."""

from __future__ import annotations

import builtins
import io
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from tomoscribe.io.volumes import write_mrc
from tomoscribe.project.model import Role
from tomoscribe.ui.project.rows import Order


@pytest.fixture
def stalled(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Looks at files wait until the event is set; in the viewer's own thread they fail."""
    answers = threading.Event()

    def late(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **keys: Any) -> Any:
            assert threading.current_thread() is not threading.main_thread()
            answers.wait(30)
            return real(*args, **keys)

        return call

    for place in (
        "tomoscribe.ui.volume_loader.open_volume",
        "tomoscribe.ui.project.pictures.thumbnail",
        "tomoscribe.ui.project.lost_files.find_lost",
        "tomoscribe.ui.project.adding.sort_out",
        "tomoscribe.ui.project.model_line.model_words",
    ):
        module, _, name = place.rpartition(".")
        monkeypatch.setattr(place, late(getattr(__import__(module, fromlist=[name]), name)))
    yield answers
    answers.set()


def test_all_but_the_pictures_goes_on(panel: Any, stalled: threading.Event, tmp_path: Path) -> None:
    session, project = panel.session, panel.session.project
    panel.dock.model.pictures.forget()
    panel.dock.list.look_again()
    panel.dock.lost.look()
    project.set_model(tmp_path / "best.pt")
    panel.drop(tmp_path / "two.mrc")
    panel.click("two")
    for _ in range(20):
        QApplication.processEvents()
    assert (session.current, session.opening) == ("one", "two")
    panel.click_role("one")
    assert project.tomograms["one"].role is Role.VALIDATE
    QTest.keyClicks(panel.dock.search, "tw")
    assert panel.names == ["two"]
    panel.dock.search.clear()
    session.edit(session.entry.picks.make_add(np.array([[8.0, 9.0, 10.0]]), "ribosome"))
    assert len(session.entry.picks) == 1
    stalled.set()
    panel.until(lambda: session.current == "two", "the second tomogram")


def test_another_tomogram_is_shown_while_one_does_not_answer(
    panel: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answers, real = (
        threading.Event(),
        __import__("tomoscribe.ui.volume_loader", fromlist=["open_volume"]).open_volume,
    )

    def late(address: str, voxel_size_A: float) -> object:
        if address.endswith("far.mrc"):
            answers.wait(30)
        return real(address, voxel_size_A)

    write_mrc(tmp_path / "far.mrc", np.zeros((4, 8, 8), np.float32), 10.0)
    panel.session.project.add_opened([(str(tmp_path / "far.mrc"), 10.0)])
    monkeypatch.setattr("tomoscribe.ui.volume_loader.open_volume", late)
    panel.click("far")
    panel.click("two")
    panel.until(lambda: panel.session.current == "two", "the one that answers")
    answers.set()
    for _ in range(20):
        QApplication.processEvents()
    assert panel.session.current == "two"


def test_nothing_is_asked_of_the_disk_in_the_viewer_s_thread(
    panel: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    panel.until(lambda: not panel.dock.model.pictures.waiting, "the pictures")
    panel.until(lambda: not panel.dock.lost._searcher.busy, "the look at what is gone")
    asked: list[str] = []

    def watch(owner: Any, name: str) -> None:
        real = getattr(owner, name)

        def call(path: Any = ".", *args: Any, **keys: Any) -> Any:
            here = threading.current_thread() is threading.main_thread()
            if here and not isinstance(path, int) and str(tmp_path) in os.fsdecode(path):
                asked.append(f"{name} {path}")
            return real(path, *args, **keys)

        monkeypatch.setattr(owner, name, call)

    for owner, name in (
        (os, "stat"),
        (os, "lstat"),
        (os, "scandir"),
        (os, "listdir"),
        (os, "open"),
        (io, "open"),
        (builtins, "open"),
    ):
        watch(owner, name)
    panel.dock.list.scrollToBottom()
    panel.dock.model.sort_by(Order.PICKS)
    panel.dock.search.setText("t")
    panel.dock.search.clear()
    panel.key(Qt.Key.Key_Down)
    panel.dock.read_only.ask()
    panel.dock.activity.refresh()
    panel.click("two")
    panel.until(lambda: panel.session.current == "two", "the second tomogram")
    panel.until(lambda: not panel.dock.model.pictures.waiting, "the pictures")
    assert asked == []
