"""The current membrane is shown as a painted mesh, and slices come back as they were."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
from qtpy.QtCore import Qt
from tests.ui.membranes.conftest import CENTRE_ZYX

from tomoscribe.membranes.membrane import Membrane
from tomoscribe.project.store import Project
from tomoscribe.ui.membranes.mesh_visual import node_of


def test_a_tomogram_comes_with_its_first_membrane_and_a_sentence_for_whoever_listens(
    hands: Any,
) -> None:
    session = hands.session
    assert isinstance(session.membrane, Membrane)
    assert session.membrane_name == "ball"
    heard: list[str | None] = []
    session.membrane_changed.connect(heard.append)
    try:
        session.set_membrane("bead")
        session.set_membrane(None)
    finally:
        session.membrane_changed.disconnect(heard.append)
    assert heard == ["bead", None]
    assert session.membrane is None


def test_w_shows_the_mesh_without_the_volume_and_goes_back_to_the_same_slice(hands: Any) -> None:
    viewer, session = hands.viewer, hands.session
    viewer.dims.set_point(0, 130.0)
    hands.settle()
    before = np.array(viewer.scene.camera.center), viewer.scene.camera.zoom
    hands.key(Qt.Key.Key_W)
    assert viewer.dims.ndisplay == 3
    assert session.membranes.layer.visible
    assert not session.layer.visible
    hands.key(Qt.Key.Key_W)
    assert viewer.dims.ndisplay == 2
    assert not session.membranes.layer.visible
    assert session.layer.visible
    assert viewer.dims.point[0] == 130.0
    np.testing.assert_allclose(viewer.scene.camera.center[1:], before[0][1:])
    assert viewer.scene.camera.zoom == before[1]


def test_painted_values_reach_the_graphics_card_without_sending_the_mesh_again(hands: Any) -> None:
    session = hands.session
    hands.key(Qt.Key.Key_W)
    layer = session.membranes.layer
    node = node_of(hands.viewer, layer)
    count = len(session.membrane.mesh.vertices_zyx)
    session.membranes.set_values(np.zeros(count), (0.0, 2.0), "magma")
    hands.settle()
    sent: list[object] = []
    node.events.data_updated.connect(sent.append)
    before = hands.viewer.screenshot(flash=False).astype(int)
    values = np.linspace(0, 2, count)
    session.membranes.set_values(values)
    hands.settle()
    after = hands.viewer.screenshot(flash=False).astype(int)
    assert sent == []
    assert np.mean(np.abs(after - before).max(axis=2) > 20) > 0.05
    np.testing.assert_allclose(layer.vertex_values, values, atol=1e-6)
    assert tuple(layer.contrast_limits) == (0.0, 2.0)
    # What napari sends anew by itself is the new picture, not an old one.
    layer.refresh()
    hands.settle()
    again = hands.viewer.screenshot(flash=False).astype(int)
    assert np.abs(again - after).mean() < 1


def test_values_of_another_mesh_that_come_late_change_nothing(hands: Any) -> None:
    before = hands.session.membranes.values
    hands.session.membranes.set_values(np.zeros(7), (0.0, 1.0), "gray")
    assert hands.session.membranes.values is before


def test_another_membrane_takes_the_view_and_the_camera_remembers_the_first(hands: Any) -> None:
    session, camera = hands.session, hands.viewer.scene.camera
    hands.key(Qt.Key.Key_W)
    camera.zoom *= 1.7
    zoom, centre = camera.zoom, np.array(camera.center)
    session.set_membrane("bead")
    hands.settle()
    assert session.membranes.layer.vertices is session.membrane.mesh.vertices_zyx
    assert np.linalg.norm(np.array(camera.center) - centre) > 100
    session.set_membrane("ball")
    hands.settle()
    assert camera.zoom == zoom
    np.testing.assert_allclose(camera.center, centre)


def test_napari_s_own_button_back_to_slices_hides_the_mesh_too(hands: Any) -> None:
    hands.key(Qt.Key.Key_W)
    hands.viewer.dims.ndisplay = 2
    assert not hands.session.membranes.shown
    assert hands.session.layer.visible


def test_m_leads_into_another_tomogram_and_w_to_its_own_slice(
    hands: Any, membrane_project: Project, files: Path
) -> None:
    other = files / "other.mrc"
    shutil.copy(files / "tomo.mrc", other)
    membrane_project.add_tomogram(other, name="other")
    membrane_project.add_membrane(files / "ball.h5", "other", name="far_ball")
    hands.viewer.dims.set_point(0, 60.0)
    hands.key(Qt.Key.Key_W)
    hands.session.set_membrane("bead")
    hands.key(Qt.Key.Key_M)
    assert (hands.session.current, hands.session.membrane_name) == ("other", "far_ball")
    assert hands.session.membranes.shown
    assert not hands.session.layer.visible
    hands.click(hands.outward(hands.facing()))
    assert [p.membrane for p in hands.picks] == ["far_ball"]
    hands.session.picks.select([])
    hands.key(Qt.Key.Key_W)
    assert hands.session.layer.visible
    assert hands.viewer.dims.point[0] == 200.0


def test_a_tomogram_without_membranes_ends_the_mesh_view(
    hands: Any, membrane_project: Project, files: Path
) -> None:
    bare = files / "bare.mrc"
    shutil.copy(files / "tomo.mrc", bare)
    membrane_project.add_tomogram(bare, name="bare")
    hands.key(Qt.Key.Key_W)
    hands.session.set_current("bare")
    assert hands.session.membrane is None
    assert not hands.session.membranes.shown
    assert hands.viewer.dims.ndisplay == 2
    assert hands.session.layer.visible
    hands.session.set_current("tomo")
    assert hands.session.membrane_name == "ball"


def test_the_mesh_is_sent_to_the_graphics_card_once_with_its_own_normals(hands: Any) -> None:
    hands.key(Qt.Key.Key_W)
    shelved, layer = hands.session.surfaces.shelved, hands.session.membranes.layer
    data = node_of(hands.viewer, layer).mesh_data
    assert data.get_vertices(indexed="faces") is shelved.buffers.corners
    outward = shelved.buffers.corners - np.array(CENTRE_ZYX[::-1])
    assert np.all(np.einsum("fki,fki->fk", outward, shelved.buffers.normals) > 0)
    hands.key(Qt.Key.Key_W)
    hands.key(Qt.Key.Key_W)
    assert node_of(hands.viewer, layer).mesh_data is data


def test_naparis_wireframe_can_still_be_switched_on(hands: Any) -> None:
    hands.key(Qt.Key.Key_W)
    layer = hands.session.membranes.layer
    layer.wireframe.visible = True
    hands.settle()
    assert node_of(hands.viewer, layer).wireframe_filter.attached
    layer.wireframe.visible = False
    hands.settle()


def test_the_layers_of_a_membrane_wait_hidden_and_take_nobodys_keys(hands: Any) -> None:
    layers = hands.viewer.layers
    names = ("membrane", "other membranes")
    hands.until(lambda: all(name in layers for name in names), "the layers made ahead")
    made = [layers[name] for name in names]
    assert not any(layer.visible for layer in made)
    assert layers.selection.active is layers["picks"]
    hands.key(Qt.Key.Key_W)
    assert all(layer.visible for layer in made)
    assert [layers[name] for name in names] == made
    assert layers.selection.active is layers["picks"]
