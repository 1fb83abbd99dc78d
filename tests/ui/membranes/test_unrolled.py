"""The unrolled view shows the membrane flat; clicks there are picks on the mesh."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from tests.ui.membranes.conftest import CENTRE_ZYX, RADIUS

from tomoscribe.ui.membranes.flat_raster import colored, make_raster


@pytest.fixture
def unrolled(hands: Any) -> Any:
    """Return the window, open around the side of `ball` that faces +y."""
    hands.click((20.0, CENTRE_ZYX[1] + RADIUS, CENTRE_ZYX[2]))
    hands.session.picks.select([hands.picks[0].id])
    hands.dock.membranes.unroll.click()
    hands.settle()
    window = hands.dock.membranes.unrolled
    window.radius.setValue(3)
    laid_flat(hands, window)
    yield window
    window.hide()


def laid_flat(hands: Any, window: Any) -> None:
    hands.until(lambda: window.patch is not None and not window.busy, "the map")


def click(window: Any, u: float, v: float) -> None:
    place = window.view.to_pixel(u, v)
    QTest.mouseClick(
        window.view, Qt.MouseButton.LeftButton, pos=QPoint(round(place.x()), round(place.y()))
    )


def test_the_selected_pick_is_in_the_middle_and_z_is_up(hands: Any, unrolled: Any) -> None:
    (shown,) = unrolled.view._picks
    np.testing.assert_allclose((shown.u, shown.v), 0, atol=0.1)
    assert "true within" in unrolled.note.text()
    above = unrolled.patch.to_mesh((0.0, 5.0))[0]
    assert above[0] > CENTRE_ZYX[0] + 4


def test_a_click_adds_a_pick_exactly_there_with_its_normal(hands: Any, unrolled: Any) -> None:
    click(unrolled, 8.0, 3.0)
    pick = hands.picks[-1]
    assert pick.membrane == "ball"
    outward = (np.array(pick.zyx) - CENTRE_ZYX) / np.linalg.norm(np.array(pick.zyx) - CENTRE_ZYX)
    assert float(outward @ pick.normal_zyx) > 0.99
    pixel = 2 / min(unrolled.view.width(), unrolled.view.height()) * unrolled._reach
    found = [(p.u, p.v) for p in unrolled.view._picks if p.id == pick.id]
    np.testing.assert_allclose(found, [(8.0, 3.0)], atol=1.5 * pixel)
    hands.session.undo()
    assert len(unrolled.view._picks) == 1


def test_a_click_on_a_pick_selects_it(hands: Any, unrolled: Any) -> None:
    hands.session.picks.select([])
    click(unrolled, 0.5, 0.5)
    assert len(hands.picks) == 1
    assert hands.session.picks.selected_ids() == [hands.picks[0].id]
    assert unrolled.view._picks[0].selected


def test_dragging_travels_along_the_membrane(hands: Any, unrolled: Any) -> None:
    start, end = unrolled.view.to_pixel(0, 0), unrolled.view.to_pixel(0, -8)
    view = unrolled.view
    at = [QPoint(round(p.x()), round(p.y())) for p in (start, end)]
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=at[0])
    QTest.mouseMove(view, at[1])
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=at[1])
    assert len(hands.picks) == 1
    assert unrolled.patch is not None, "the old map stays until the new one is there"
    laid_flat(hands, unrolled)
    middle = unrolled.patch.to_mesh((0.0, 0.0))[0]
    assert middle[0] == pytest.approx(CENTRE_ZYX[0] + RADIUS * np.sin(8 / RADIUS), abs=0.6)


def test_the_picture_shows_what_is_painted_on_the_mesh(hands: Any, unrolled: Any) -> None:
    vertices = hands.session.membrane.mesh.vertices_zyx
    hands.session.membranes.set_values(vertices[:, 0], (0.0, 40.0), "gray")
    picture = unrolled.view._pixels
    size = len(picture)
    bright = picture[:, size // 2, 0].astype(float)
    shown = picture[:, size // 2, 3] > 0
    # Upward is +z, and rows count downward: the picture darkens from top to bottom.
    assert np.all(np.diff(bright[shown]) <= 0)
    assert bright[size // 2] == pytest.approx(255 * 20 / 40, abs=3)
    assert not shown[0]
    colors = np.tile(np.array([1.0, 0.2, 0.0, 1.0], np.float32), (len(vertices), 1))
    hands.session.membranes.set_colors(colors)
    assert unrolled.view._pixels[size // 2, size // 2].tolist() == [255, 51, 0, 255]


def test_the_raster_interpolates_between_vertices_and_knows_its_rim(unrolled: Any) -> None:
    patch = unrolled.patch
    per_vertex = np.zeros(patch.vertices.max() + 1)
    per_vertex[patch.vertices] = 2.0 * patch.uv[:, 0] - patch.uv[:, 1]
    reach, size = 10.0, 100
    picture = make_raster(patch, reach, size).values(per_vertex)
    centres = (np.arange(size) + 0.5) * 2 * reach / size - reach
    expected = 2 * centres[None, :] + centres[:, None]
    covered = np.isfinite(picture)
    assert covered.mean() > 0.7
    np.testing.assert_allclose(picture[covered], expected[covered], atol=1e-4)
    rgba = colored(picture, (-30.0, 30.0), np.repeat(np.arange(256, dtype=np.uint8)[:, None], 4, 1))
    assert ((rgba[..., 3] > 0) == covered).all()
