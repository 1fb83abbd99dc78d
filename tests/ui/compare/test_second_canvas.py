"""Side by side: a second canvas that shows B, moves along, and leaves nothing behind."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtCore import QEvent
from tests.ui.compare.test_sides import ref
from tests.ui.conftest import PLACES_ZYX

from tomoscribe.ui.compare.sides_panel import OPENING


@pytest.fixture
def beside(compared, session, process_until):
    """The canvas with step 20 of `old` as B, beside step 10 of `new`."""
    compared.sides.choose("a", ref(compared.new, 10))
    compared.sides.choose("b", ref(compared.old, 20))
    session.actions["side_by_side"]()
    canvas = compared.panel.second_canvas
    process_until(
        lambda: canvas.view is not None and not canvas.view.isHidden(), "the second canvas"
    )
    process_until(lambda: "heatmap" in canvas.view.viewer.layers, "its heatmap")
    process_until(lambda: compared.feed.volume.shown == "new/step_000010", "A")
    return canvas


def test_until_it_is_there_the_panel_says_that_it_comes(compared, session, process_until) -> None:
    status = compared.panel.status
    assert OPENING not in status.text()
    session.actions["side_by_side"]()
    assert OPENING in status.text()
    process_until(lambda: OPENING not in status.text(), "the second canvas")
    assert not compared.panel.second_canvas.view.isHidden()


def test_it_shows_the_same_voxels_and_bs_scores(beside, compared, session) -> None:
    theirs = beside.view.viewer.layers
    assert theirs["tomogram"].data is session.layer.data
    np.testing.assert_array_equal(theirs["tomogram"].scale, session.layer.scale)
    known = compared.library.get(compared.sides.b, "one")
    assert theirs["heatmap"].data.base is known.values or np.shares_memory(
        theirs["heatmap"].data, known.values
    )
    ours = compared.feed.volume.layer
    assert not np.array_equal(ours.data, theirs["heatmap"].data)
    np.testing.assert_array_equal(ours.translate, theirs["heatmap"].translate)


def test_both_move_together_whichever_is_moved(beside, session) -> None:
    ours, theirs = session.viewer, beside.view.viewer
    session.fly_to(PLACES_ZYX[2])
    ours.scene.camera.zoom *= 1.5
    assert theirs.dims.point == ours.dims.point
    assert theirs.scene.camera.center == ours.scene.camera.center
    assert theirs.scene.camera.zoom == ours.scene.camera.zoom
    theirs.scene.camera.center = (100.0, 200.0)
    theirs.dims.point = (30.0, *theirs.dims.point[1:])
    assert ours.scene.camera.center[-2:] == (100.0, 200.0)
    assert ours.dims.point[0] == 30.0
    ours.dims.ndisplay = 3
    assert theirs.dims.ndisplay == 3
    theirs.scene.camera.angles = (10.0, 20.0, 30.0)
    np.testing.assert_allclose(ours.scene.camera.angles, (10.0, 20.0, 30.0))
    ours.dims.ndisplay = 2


def test_picks_contrast_and_slabs_are_the_same_on_both(
    beside, session, edit_of, process_until
) -> None:
    theirs = beside.view.viewer.layers
    session.edit(edit_of(PLACES_ZYX[:2]))
    process_until(lambda: "picks" in theirs and len(theirs["picks"].data) == 2, "the picks")
    np.testing.assert_array_equal(theirs["picks"].data, session.picks.layer.data)
    session.layer.contrast_limits = (-2.0, 2.0)
    assert tuple(theirs["tomogram"].contrast_limits) == (-2.0, 2.0)
    session.averaging.set(5)
    assert theirs["tomogram"].data.count == 5


def test_b_proposes_at_its_own_threshold(beside, process_until) -> None:
    theirs = beside.view.viewer.layers
    process_until(lambda: "proposals" in theirs and len(theirs["proposals"].data), "rings")
    shown = theirs["proposals"].data[theirs["proposals"].shown]
    assert len(shown) == 4  # all four score above 0.4


def test_leaving_hides_it_and_the_views_part(beside, session, process_until) -> None:
    session.actions["side_by_side"]()
    process_until(lambda: beside.view.isHidden(), "one canvas")
    before = beside.view.viewer.scene.camera.zoom
    session.viewer.scene.camera.zoom *= 2
    assert beside.view.viewer.scene.camera.zoom == before


def test_the_users_list_of_layers_knows_nothing_of_it(beside, session) -> None:
    names = [layer.name for layer in session.viewer.layers]
    assert len(names) == len(set(names))


def test_layers_taken_away_and_another_tomogram_leave_it_well(
    beside, session, process_until
) -> None:
    session.viewer.layers.remove("picks")
    session.viewer.layers.remove("heatmap")
    session.set_current("two")
    process_until(
        lambda: beside.view.viewer.layers["tomogram"].data is session.layer.data, "the other"
    )
    session.viewer.layers["tomogram"].name = "renamed"
    session.set_current("one")
    process_until(
        lambda: beside.view.viewer.layers["tomogram"].data is session.layer.data, "the first again"
    )
    assert not beside.view.isHidden()
    session.viewer.layers.remove("renamed")
    session.picks_changed.emit()
    process_until(lambda: beside.view.isHidden(), "nothing to show")


def test_it_ends_with_the_dock(beside, compared, session, qapp) -> None:
    view = beside.view
    compared.dock.deleteLater()
    for _ in range(2):  # the dock, then what it leaves to be deleted
        qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    with pytest.raises(RuntimeError, match="deleted"):
        view.isHidden()
    session.viewer.scene.camera.zoom *= 2  # nobody is left to follow


def test_it_ends_with_the_session(beside, session) -> None:
    session.close()
    assert beside.view is None
    session.viewer.scene.camera.zoom *= 2
