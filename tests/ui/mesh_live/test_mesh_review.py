"""Correcting on a mesh: sections along the normal, where to label next, uncertainty, junk."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from tests.ui.mesh_live.conftest import DIRECTIONS, PLACES_ZYX

from tomoscribe.picks.table import JUNK, PickState
from tomoscribe.ui.annotate.junk import Junk
from tomoscribe.ui.compare.compare_dock import CompareDock
from tomoscribe.ui.compare.next_place import ALL_SEEN, NextPlace
from tomoscribe.ui.compare.uncertainty_layer import UncertaintyLayer
from tomoscribe.ui.membranes.mesh_pick_tool import Spot


@pytest.fixture
def learning(session, mesh_worker, bumps, process_until, qtbot) -> SimpleNamespace:
    """A run whose newest weights are unsure of the third place and sure of the others."""
    session.edit(
        session.entry.picks.make_add(
            PLACES_ZYX[:1], "ribosome", normals_zyx=DIRECTIONS[:1], membrane="ball"
        )
    )
    mesh_worker.begin()
    mesh_worker.train(10)
    mesh_worker.validate(0.8, threshold=0.4)
    mesh_worker.keep(0.8)
    mesh_worker.preview_mesh(bumps([0.4, 0.99, 0.42, 0.99]))
    said: list[str] = []
    session.status_message.connect(said.append)
    dock = CompareDock(session)
    qtbot.addWidget(dock)
    dock.show()
    session.run = mesh_worker.run
    process_until(lambda: dock.review.proposals is not None, "proposals")
    process_until(lambda: dock.review.threshold == 0.4, "the threshold")
    return SimpleNamespace(dock=dock, panel=dock.review_panel, said=said)


def test_the_particle_is_seen_from_two_sides_and_from_outside(
    learning, session, process_until
) -> None:
    session.actions["next_uncertain"]()
    triptych = learning.panel.triptych
    process_until(lambda: triptych.picture is not None, "the sections")
    assert triptych.picture.names == ["side", "other side", "from outside"]
    review = learning.dock.review
    subject = learning.panel.view._shown
    np.testing.assert_allclose(
        subject.normal_zyx, review.proposals.normals_zyx[review.current], atol=1e-6
    )


def test_l_flies_to_the_unsure_place_and_never_to_a_labelled_one(
    learning, session, process_until
) -> None:
    seen = []
    while ALL_SEEN not in learning.said:
        session.actions["next_place"]()
        process_until(lambda: not NextPlace.of(session).busy, "the place")
        seen.append(np.array(session.viewer.scene.camera.center))
        assert len(seen) < 20
    image = session.layer
    world = np.array([image.data_to_world(place) for place in PLACES_ZYX])
    size = 100.0  # Å, of a ribosome
    assert np.linalg.norm(seen[0] - world[2]) < size
    assert all(np.linalg.norm(place - world[0]) > 0.5 * size for place in seen)


def test_uncertainty_is_painted_on_the_mesh_and_taken_off_again(
    learning, session, process_until
) -> None:
    vertices = session.membrane.mesh.vertices_zyx
    unsure, sure = (
        int(np.argmin(np.linalg.norm(vertices - PLACES_ZYX[i], axis=1))) for i in (2, 3)
    )
    before = session.membranes.colors.copy()
    learning.panel.show_unsure.setChecked(True)
    process_until(lambda: not np.allclose(session.membranes.colors, before), "the paint")
    red, green, _ = session.membranes.colors[unsure, :3]
    assert green > red + 0.2
    assert np.ptp(session.membranes.colors[sure, :3]) < 0.2
    assert "uncertainty" not in session.viewer.layers
    learning.panel.show_unsure.setChecked(False)
    np.testing.assert_allclose(session.membranes.colors, before)
    assert not UncertaintyLayer.of(session).on


def test_x_on_the_mesh_makes_junk_on_the_membrane(learning, session) -> None:
    place = session.layer.data_to_world(PLACES_ZYX[3])
    session.viewer.cursor.position = place
    session.viewer.cursor._view_direction = tuple(-DIRECTIONS[3])
    session.actions["junk"]()
    (pick,) = session.entry.picks.select(state=PickState.REJECTED)
    assert (pick.class_name, pick.membrane) == (JUNK, "ball")
    np.testing.assert_allclose(pick.normal_zyx, DIRECTIONS[3], atol=0.2)
    session.undo()
    assert not session.entry.picks.select(state=PickState.REJECTED)


def test_a_ring_of_the_other_face_is_not_hit(learning, session) -> None:
    away = Spot(tuple(PLACES_ZYX[3]), tuple(-DIRECTIONS[3]), "ball")
    assert not Junk.of(session).of_ring(away)
    assert Junk.of(session).of_ring(Spot(tuple(PLACES_ZYX[3]), tuple(DIRECTIONS[3]), "ball"))
