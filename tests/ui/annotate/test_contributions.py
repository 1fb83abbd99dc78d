"""The manifest is valid, and reader, writer and sample do what napari asks of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.layers import Points
from npe2 import PluginManifest
from qtpy.QtCore import QEvent, QMimeData, QPoint, QPointF, Qt, QUrl
from qtpy.QtGui import QDragEnterEvent, QDropEvent
from qtpy.QtWidgets import QApplication, QWidget
from tests.ui.annotate.conftest import NO_MODIFIER

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.pick_files import read_picks
from tomoscribe.io.volumes import write_mrc
from tomoscribe.project.model import ParticleClass
from tomoscribe.project.store import Project
from tomoscribe.ui import contributions


@pytest.fixture
def tomogram(tmp_path: Path) -> str:
    write_mrc(tmp_path / "t.mrc", np.zeros((4, 16, 20), np.float32), 8.0, (16.0, 0.0, 0.0))
    return str(tmp_path / "t.mrc")


def test_the_manifest_is_valid_and_everything_it_names_exists() -> None:
    manifest = PluginManifest.from_distribution("tomoscribe")
    manifest.validate_imports()
    assert manifest.contributions.commands is not None
    names = {widget.display_name for widget in manifest.contributions.widgets or ()}
    assert names == {"Project", "Annotate", "Train", "Compare", "Runs"}


def test_a_tomogram_without_a_session_is_a_plain_layer(
    tomogram: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contributions.napari, "current_viewer", lambda: None)
    reader = contributions.get_reader(tomogram)
    assert reader is not None
    ((data, meta, kind),) = reader(tomogram)
    assert (kind, data.shape, meta["name"]) == ("image", (4, 16, 20), "t")
    assert tuple(meta["scale"]) == (8, 8, 8)
    assert tuple(meta["translate"]) == (16, 0, 0)


def test_what_is_not_ours_has_no_reader(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("text")
    assert contributions.get_reader(str(tmp_path / "a.md")) is None
    assert contributions.get_reader(str(tmp_path)) is None


def test_a_project_without_a_viewer_is_refused_in_one_sentence(
    project: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contributions.napari, "current_viewer", lambda: None)
    with pytest.raises(TomoscribeError, match="open it in a viewer"):
        contributions.read(str(project.path))


def test_a_file_dropped_on_the_viewer_reaches_its_session(
    hands: Any, tomogram: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(contributions, "add_docks", lambda _: None)
    hands.viewer.open(tomogram, plugin="tomoscribe")
    assert hands.session.current == "t"
    assert [layer.name for layer in hands.viewer.layers if layer.name == "t"] == []


def test_a_project_dropped_on_the_canvas_opens_without_a_question(
    hands: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Project.create(tmp_path / "dropped")
    made.close()
    canvas = hands.viewer.window._qt_viewer
    left_to_napari: list[object] = []
    monkeypatch.setattr(canvas, "_qt_open", lambda *paths, **_: left_to_napari.append(paths))
    drop_on(canvas, made.path)
    assert hands.session.project.path == made.path
    assert not left_to_napari
    (tmp_path / "film.avi").touch()
    drop_on(canvas, tmp_path / "film.avi")
    assert len(left_to_napari) == 1


def drop_on(widget: QWidget, path: Path) -> None:
    """Drop a file on a widget."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path))])
    with_it = Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton, NO_MODIFIER
    QApplication.sendEvent(widget, QDragEnterEvent(QPoint(20, 20), *with_it))
    QApplication.sendEvent(widget, QDropEvent(QPointF(20, 20), *with_it, QEvent.Type.Drop))


def test_points_are_saved_as_star_with_class_and_score(tmp_path: Path) -> None:
    layer = Points(
        [[1.5, 2.0, 3.0], [4.0, 5.0, 6.0]],
        scale=(8, 8, 8),
        features={"class": ["a", "b"], "score": [0.25, 0.5]},
    )
    path = str(tmp_path / "p.star")
    data, meta, _ = layer.as_layer_data_tuple()
    assert contributions.write_star(path, data, meta) == [path]
    columns = read_picks(path)
    np.testing.assert_allclose(columns.zyx, layer.data)
    np.testing.assert_allclose(columns.scores, [0.25, 0.5])


def test_the_sample_is_made_in_a_thread_and_opened(
    hands: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process_until: Callable[..., None]
) -> None:
    from tomoscribe.simulate.project import make_sample_project

    def small(folder: Path) -> Any:
        return make_sample_project(folder, shape_zyx=(32, 96, 96))

    monkeypatch.setattr(contributions, "add_docks", lambda _: None)
    monkeypatch.setattr(contributions, "make_sample_project", small)
    monkeypatch.setattr(contributions, "user_data_path", lambda _: tmp_path)
    hands.viewer.open_sample("tomoscribe", "particles")
    assert "a few seconds" in hands.messages[-1]
    process_until(lambda: hands.session.current == "sample_train", "the sample", timeout=60.0)
    assert hands.session.project.path == tmp_path / "samples" / "particles_1"
    assert contributions.PLACEHOLDER not in hands.viewer.layers
    assert contributions.sample_folder().name == "particles_2"


def test_the_sample_with_membranes_comes_with_them(
    hands: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process_until: Callable[..., None]
) -> None:
    def small(folder: Path) -> Project:
        made = Project.create(folder)
        made.add_class(ParticleClass("barrel", 150.0))
        return made

    monkeypatch.setattr(contributions, "add_docks", lambda _: None)
    monkeypatch.setattr("tomoscribe.simulate.membrane_project.make_membrane_project", small)
    monkeypatch.setattr(contributions, "user_data_path", lambda _: tmp_path)
    hands.viewer.open_sample("tomoscribe", "membranes")
    place = tmp_path / "samples" / "membranes_1"
    process_until(lambda: hands.session.project.path == place, "the sample", timeout=60.0)
    assert [c.name for c in hands.session.classes] == ["barrel"]


def test_the_sample_to_segment_comes_with_classes_to_paint(
    hands: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process_until: Callable[..., None]
) -> None:
    monkeypatch.setattr(contributions, "add_docks", lambda _: None)
    monkeypatch.setattr(contributions, "user_data_path", lambda _: tmp_path)
    hands.viewer.open_sample("tomoscribe", "labels")
    process_until(lambda: hands.session.current == "em_volume", "the sample", timeout=60.0)
    names = [c.name for c in hands.session.project.label_classes]
    assert names == ["mitochondrion", "membrane"]


def test_a_sample_that_cannot_be_made_says_why(
    hands: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, process_until: Callable[..., None]
) -> None:
    def fail(_: Path) -> None:
        raise TomoscribeError("There is no space left on the disk.")

    monkeypatch.setattr(contributions, "add_docks", lambda _: None)
    monkeypatch.setattr(contributions, "make_sample_project", fail)
    monkeypatch.setattr(contributions, "user_data_path", lambda _: tmp_path)
    hands.viewer.open_sample("tomoscribe", "particles")
    process_until(lambda: "no space left" in hands.messages[-1], "the sentence")
    assert contributions.PLACEHOLDER not in hands.viewer.layers
