"""What is painted on the mesh, the sliders and keys for it, and the profile at the clicks."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication
from tests.ui.mesh_live.conftest import DIRECTIONS, PLACES_ZYX

from tomoscribe.membranes.slab import Slab
from tomoscribe.ui.membranes.click_profile import ClickProfile
from tomoscribe.ui.membranes.membrane_panel import MembranePanel
from tomoscribe.ui.membranes.mesh_paint import MeshPaint, blend, density_limits, score_table
from tomoscribe.ui.runs.starter import Starter
from tomoscribe.ui.runs.strip_dock import PANEL


@pytest.fixture
def panel(session) -> MembranePanel:
    found = session.viewer.window._qt_window.findChild(MembranePanel)
    assert found is not None
    MeshPaint.of(session).set_depth(40.0)
    return found


def click(session, count: int = 4) -> None:
    session.edit(
        session.entry.picks.make_add(
            PLACES_ZYX[:count], "ribosome", normals_zyx=DIRECTIONS[:count], membrane="ball"
        )
    )


def test_dragging_the_depth_paints_the_density_there_with_the_same_contrast(session, panel) -> None:
    before = session.membranes.layer.contrast_limits
    slider = panel.controls.depth_slider
    slider.setValue(-70)
    painted = session.membranes.layer.vertex_values.copy()
    np.testing.assert_allclose(painted, session.membrane.slab.mean(-70, 40), rtol=1e-5)
    assert session.membranes.layer.contrast_limits == before
    assert panel.controls.depth_text.text() == "-70 Å"
    assert panel.plot.line.value() == -70
    QTest.mouseClick(panel.controls.density, Qt.MouseButton.LeftButton)
    assert np.ptp(session.membranes.layer.vertex_values) == 0
    QTest.mouseClick(panel.controls.density, Qt.MouseButton.LeftButton)
    np.testing.assert_allclose(session.membranes.layer.vertex_values, painted)


def test_the_thickness_is_averaged_and_the_contrast_follows_the_noise(session, panel) -> None:
    panel.controls.thickness_slider.setValue(0)
    low, high = session.membranes.layer.contrast_limits
    panel.controls.thickness_slider.setValue(100)
    thick_low, thick_high = session.membranes.layer.contrast_limits
    assert thick_high - thick_low < high - low
    np.testing.assert_allclose(
        session.membranes.layer.vertex_values, session.membrane.slab.mean(40, 100), rtol=1e-5
    )


def test_keys_move_the_depth_by_half_a_voxel(session, panel) -> None:
    window = session.viewer.window._qt_window
    QTest.keyClick(window, Qt.Key.Key_D)
    assert MeshPaint.of(session).depth_A == 45.0
    QTest.keyClick(window, Qt.Key.Key_D, Qt.KeyboardModifier.ShiftModifier)
    assert MeshPaint.of(session).depth_A == 40.0


def test_alt_and_the_wheel_move_the_depth_and_select_no_other_layer(session, panel) -> None:
    canvas = session.viewer.window._qt_viewer.canvas.native
    zoom, active = session.viewer.scene.camera.zoom, session.viewer.layers.selection.active

    def turn(x: int, y: int) -> None:
        at = QPointF(canvas.rect().center())
        there = QPointF(canvas.mapToGlobal(canvas.rect().center()))
        event = QWheelEvent(
            at, there, QPoint(0, 0), QPoint(x, y), Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.AltModifier, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(canvas, event)

    turn(0, 120)
    assert MeshPaint.of(session).depth_A == 45.0
    turn(-240, 0)  # what Qt makes of Alt and the wheel
    assert MeshPaint.of(session).depth_A == 35.0
    assert session.viewer.scene.camera.zoom == zoom
    assert session.viewer.layers.selection.active is active is not None


def test_the_panel_is_there_while_a_membrane_is(session, process_until) -> None:
    dock = session.viewer.window.dock_widgets[PANEL].parentWidget()
    assert dock.isVisible()
    session.set_membrane(None)
    assert not dock.isVisible()


def test_the_profile_explains_itself_until_there_are_clicks(session, panel) -> None:
    assert panel.plot.hint.isVisible()
    assert "usual" in panel.band.text()
    click(session)
    assert not panel.plot.hint.isVisible()
    profile = ClickProfile.of(session).profile
    np.testing.assert_allclose(panel.plot._clicks._mean.getData()[1], profile.mean)
    assert "4 clicks" in panel.band.text()
    session.undo()
    assert panel.plot.hint.isVisible()


def test_clicks_on_other_membranes_count_and_those_on_none_do_not(session, panel) -> None:
    session.edit(session.entry.picks.make_add(PLACES_ZYX[:2], "ribosome"))
    assert ClickProfile.of(session).clicks == 0
    click(session, 3)
    session.set_membrane("bead")
    assert ClickProfile.of(session).clicks == 3
    slab, where = session.surfaces.shelf.get("ball").membrane.slab, PLACES_ZYX[:3]
    vertices = session.surfaces.shelf.get("ball").membrane.mesh.vertices_zyx
    nearest = [np.linalg.norm(vertices - place, axis=1).argmin() for place in where]
    np.testing.assert_allclose(
        ClickProfile.of(session).profile.mean, slab.values[nearest].mean(axis=0), rtol=1e-4
    )


def test_a_dragged_band_goes_into_the_next_training_until_it_is_reset(session, panel) -> None:
    click(session)
    panel.plot.band.setRegion((-20.0, 80.0))
    settings = Starter.of(session).settings.membrane
    assert (settings.band_low_A, settings.band_high_A) == (-20.0, 80.0)
    assert "-20 to +80 Å: set by you" in panel.band.text()
    QTest.mouseClick(panel.automatic, Qt.MouseButton.LeftButton, pos=QPoint(5, 5))
    settings = Starter.of(session).settings.membrane
    assert settings.band_low_A is None
    assert tuple(panel.plot.band.getRegion()) == pytest.approx(ClickProfile.of(session).suggested)


def test_contrast_is_that_of_all_depths_and_survives_what_is_no_number() -> None:
    depths = np.arange(-150.0, 151.0, 5.0)
    values = np.tile(np.sin(depths / 30), (50, 1)).astype(np.float32)
    low, high = density_limits(Slab(values, depths), 0.0)
    assert low < -0.9
    assert high > 0.9
    values[:] = np.nan
    assert density_limits(Slab(values, depths), 0.0) == (0.0, 1.0)
    values[:] = 3.0
    low, high = density_limits(Slab(values, depths), 0.0)
    assert low < high


def test_scores_blend_over_grey_and_what_is_not_computed_stays_grey() -> None:
    table = score_table((10.0, 200.0))
    table[:, :3] = (1.0, 0.0, 0.0)  # red, however high
    stored = np.array([0, 1, 130, 255], np.uint8)
    density = np.array([0.0, 0.5, 0.5, 0.5], np.float32)
    rgba = blend(density, (0.0, 1.0), stored, table)
    np.testing.assert_allclose(rgba[0], [0, 0, 0, 1])
    np.testing.assert_allclose(rgba[1], [0.5, 0.5, 0.5, 1])
    assert rgba[3, 0] > rgba[2, 0] > 0.5 > rgba[2, 1] > rgba[3, 1]
