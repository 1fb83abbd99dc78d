"""A and B on a membrane: side by side and as a difference, by the same code as in volumes."""

from __future__ import annotations

import numpy as np
import pytest
from tests.ui.mesh_live.conftest import PLACES_ZYX

from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.ui.compare.compare_dock import CompareDock
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.scores.difference import EQUAL


@pytest.fixture
def dock(session, mesh_worker, bumps, process_until, qtbot) -> CompareDock:
    """A sees the second place, B the third; both score the first alike."""
    mesh_worker.begin()
    names = []
    for heights in ([0.9, 0.8, 0.02, 0.02], [0.9, 0.02, 0.8, 0.02]):
        mesh_worker.train(10)
        mesh_worker.keep(0.5)
        mesh_worker.preview_mesh(bumps(heights))
        names.append(mesh_worker.name)
    made = CompareDock(session)
    qtbot.addWidget(made)
    made.show()
    session.run = mesh_worker.run
    sides = Sides.of(session)
    process_until(lambda: len(sides.side("b").stops) == 2, "both previews")
    for letter, name in zip(("a", "b"), names, strict=True):
        sides.choose(letter, CheckpointRef.of_run(mesh_worker.run, name))
    return made


def vertices_at(session) -> list[int]:
    """Return the vertex nearest to each place."""
    vertices = session.membrane.mesh.vertices_zyx
    return [int(np.linalg.norm(vertices - place, axis=1).argmin()) for place in PLACES_ZYX]


def test_the_difference_is_painted_blue_where_a_and_red_where_b_scores_higher(
    dock, session, process_until
) -> None:
    session.actions["difference"]()
    mesh = RunMonitor.of(session).feed.layer
    process_until(lambda: mesh.shows_difference, "the difference")
    both, only_a, only_b, none = vertices_at(session)
    stored, colors = mesh.map[0, 0], session.membranes.colors
    assert stored[both] == stored[none] == EQUAL
    assert stored[only_a] < EQUAL - 60
    assert stored[only_b] > EQUAL + 60
    assert colors[only_a, 2] > colors[only_a, 0] + 0.2
    assert colors[only_b, 0] > colors[only_b, 2] + 0.2
    session.actions["difference"]()
    assert not mesh.shows_difference


def test_the_second_canvas_shows_the_same_membrane_with_bs_scores(
    dock, session, process_until
) -> None:
    session.actions["side_by_side"]()
    canvas = dock.sides_panel.second_canvas
    process_until(lambda: canvas.view is not None and not canvas.view.isHidden(), "the canvas")
    theirs = canvas.view.viewer.layers["membrane"]
    process_until(lambda: theirs.vertex_colors is not None, "its colours")
    assert theirs.vertices is session.membrane.mesh.vertices_zyx

    def tint(colors: np.ndarray, vertex: int) -> float:
        return float(np.ptp(colors[vertex, :3]))

    _, only_a, only_b, _ = vertices_at(session)
    process_until(lambda: tint(theirs.vertex_colors, only_b) > 0.2, "B's scores")
    process_until(lambda: tint(session.membranes.colors, only_a) > 0.2, "A's scores")
    assert tint(theirs.vertex_colors, only_a) < 0.05
    assert tint(session.membranes.colors, only_b) < 0.05
    session.viewer.scene.camera.angles = (10.0, 50.0, 20.0)
    np.testing.assert_allclose(
        canvas.view.viewer.scene.camera.view_direction, session.viewer.scene.camera.view_direction
    )
    session.actions["side_by_side"]()
