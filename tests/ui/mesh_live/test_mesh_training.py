"""Mesh scores while a training runs: painting, checkpoints, proposals, review, what is started."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from tests.ui.mesh_live.conftest import DIRECTIONS, PLACES_ZYX

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks.table import PickState
from tomoscribe.project.model import Role
from tomoscribe.ui.compare.compare_dock import CompareDock
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.membranes.mesh_paint import MeshPaint
from tomoscribe.ui.runs import starter as starter_module
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.train_dock import TrainDock


@pytest.fixture
def trained(session, mesh_worker, bumps, process_until, qtbot) -> SimpleNamespace:
    """Two checkpoints: the first sees two of four particles, the second all of them."""
    session.edit(
        session.entry.picks.make_add(
            PLACES_ZYX[:1], "ribosome", normals_zyx=DIRECTIONS[:1], membrane="ball"
        )
    )
    mesh_worker.begin()
    names = []
    for heights in ([0.7, 0.5, 0.05, 0.05], [0.95, 0.9, 0.8, 0.45]):
        mesh_worker.train(10)
        mesh_worker.validate(float(np.mean(heights)), threshold=0.4)
        mesh_worker.keep(float(np.mean(heights)))
        mesh_worker.preview_mesh(bumps(heights))
        names.append(mesh_worker.name)
    dock = CompareDock(session)
    qtbot.addWidget(dock)
    dock.show()
    session.run = mesh_worker.run
    process_until(lambda: dock.review.proposals is not None, "proposals")
    process_until(lambda: len(dock.sides_panel.checkpoints.checkpoints) == 2, "two checkpoints")
    return SimpleNamespace(dock=dock, worker=mesh_worker, names=names)


def tint(session) -> np.ndarray:
    """Return how far colours (V,) are from grey."""
    colors = session.membranes.colors
    assert colors is not None
    return np.ptp(colors[:, :3], axis=1)


def test_scores_are_painted_where_they_are_high_and_can_be_taken_off(trained, session) -> None:
    vertices = session.membrane.mesh.vertices_zyx
    near = np.linalg.norm(vertices - PLACES_ZYX[1], axis=1) < 1.5
    assert tint(session)[near].min() > 0.2
    assert np.median(tint(session)) < 0.02
    assert "heatmap" not in session.viewer.layers
    paint = MeshPaint.of(session)
    paint.show(scores=False)
    assert session.membranes.colors is None
    assert session.membranes.layer.vertex_colors is None
    paint.show(scores=True)
    assert session.membranes.colors is not None


def test_new_blocks_recolour_the_mesh_while_it_trains(
    trained, session, bumps, process_until
) -> None:
    before = tint(session).copy()
    trained.worker.train(10)
    trained.worker.preview_mesh(bumps([0.1, 0.1, 0.1, 0.9]))
    process_until(lambda: not np.allclose(tint(session), before), "the new colours")
    stored = RunMonitor.of(session).feed.layer.map[0, 0]
    for place, score in zip(PLACES_ZYX, (0.1, 0.1, 0.1, 0.9), strict=True):
        at = np.linalg.norm(session.membrane.mesh.vertices_zyx - place, axis=1).argmin()
        assert stored[at] / 255 == pytest.approx(score, abs=0.02)


def test_the_slider_switches_scores_and_proposals(trained, session, process_until) -> None:
    dock, newest = trained.dock, tint(session).copy()
    dock.sides_panel.checkpoints.step(-2)
    process_until(
        lambda: (found := dock.review.proposals) and found.source.endswith(trained.names[0]),
        "the older proposals",
    )
    assert dock.review.comparison.shown(0.4).sum() == 1
    assert not np.allclose(tint(session), newest)
    sides, older = Sides.of(session), tint(session).copy()
    sides.choose("b", None)
    process_until(lambda: np.allclose(tint(session), newest), "the newest again")
    session.actions["blink"]()
    process_until(lambda: np.allclose(tint(session), older), "side A")
    sides.flip()
    assert np.allclose(tint(session), newest)
    session.actions["blink"]()


def test_proposals_lie_on_the_surface_and_are_small_rings_above_it(trained, session) -> None:
    proposals = trained.dock.review.proposals
    assert proposals.membrane == "ball"
    away = np.linalg.norm(proposals.zyx[:, None] - PLACES_ZYX, axis=2).min(axis=1)
    assert away.max() < 1.0
    shown = trained.dock.review.comparison.shown(0.4)
    assert shown.sum() == 3  # one is clicked already
    layer = session.viewer.layers["proposals"]
    np.testing.assert_allclose((layer.border_color[:, 3] > 0), shown)
    outward = np.einsum("ni,ni->n", layer.data - proposals.zyx, proposals.normals_zyx)
    assert (outward > 0).all()
    # A pick at the same place, but on a face that looks the other way, answers none of them.
    before = int(trained.dock.review.comparison.open.sum())
    session.edit(
        session.entry.picks.make_add(
            PLACES_ZYX[1:2], "ribosome", normals_zyx=-DIRECTIONS[1:2], membrane="bead"
        )
    )
    assert trained.dock.review.comparison.open.sum() == before


def test_review_turns_to_the_proposal_and_makes_it_a_pick_with_its_normal(
    trained, session, process_until
) -> None:
    oblique = -DIRECTIONS[3] + np.array([0.0, 1.2, 0.0])  # 50 degrees away: the ring is at the limb
    session.viewer.scene.camera.set_view_direction(tuple(oblique), (1.0, 0.0, 0.0))
    session.actions["next_uncertain"]()
    review = trained.dock.review
    np.testing.assert_allclose(review.proposals.zyx[review.current], PLACES_ZYX[3], atol=1.0)
    camera = session.viewer.scene.camera
    process_until(
        lambda: -float(np.asarray(camera.view_direction) @ DIRECTIONS[3]) > 0.75, "the turn"
    )
    session.actions["accept"]()
    made = session.entry.picks.select(state=PickState.ACCEPTED)[-1]
    assert made.membrane == "ball"
    assert float(np.dot(made.normal_zyx, DIRECTIONS[3])) > 0.98
    assert made.score == pytest.approx(0.45, abs=0.05)
    session.actions["reject"]()
    rejected = session.entry.picks.select(state=PickState.REJECTED)
    assert [pick.membrane for pick in rejected] == ["ball"]


def test_another_membrane_shows_its_own_scores(trained, session, process_until) -> None:
    session.set_membrane("bead")
    assert session.membranes.colors is None
    assert "No preview of this membrane yet." in trained.dock.sides_panel.checkpoints.label.text()
    count = len(session.membrane.mesh.vertices_zyx)
    trained.worker.preview_mesh(np.linspace(0, 1, count), sample="bead")
    process_until(lambda: session.membranes.colors is not None, "the scores of the other")
    session.set_membrane("ball")
    process_until(lambda: session.membranes.colors is not None, "the scores of the first")
    assert len(session.membranes.colors) == len(session.membrane.mesh.vertices_zyx)


def test_the_worker_is_told_the_membrane_in_view(trained, session, process_until) -> None:
    run = trained.worker.run
    session.fly_to(PLACES_ZYX[2])
    process_until(lambda: run.control().focus is not None, "the focus")
    assert run.control().focus.sample == "ball"
    assert run.control().samples == ["ball"]
    trained.worker.beat()
    session.set_membrane("bead")
    process_until(lambda: run.control().samples == ["bead"], "the other membrane")


def test_train_starts_on_membranes_with_the_band_that_is_shown(
    session, qtbot, monkeypatch, process_until
) -> None:
    session.edit(
        session.entry.picks.make_add(
            PLACES_ZYX, "ribosome", normals_zyx=DIRECTIONS, membrane="ball"
        )
    )
    started = []

    def launch(config, runs_dir, *, control):
        started.append((config, control))
        raise TomoscribeError("not today")

    monkeypatch.setattr(starter_module.sweep.launch, "launch", launch)
    dock = TrainDock(session)
    qtbot.addWidget(dock)
    assert dock.subjects.text() == "Membranes"
    assert "ball   4 clicks, trains" in dock.split.buttons[0].text()
    assert "4 clicks differ" in dock.band.text()
    dock.membrane.set_value("band_low_A", -20.0)
    dock.membrane.set_value("band_high_A", 90.0)
    assert "-20 to +90 Å: set by you" in dock.band.text()
    dock.train.click()
    process_until(lambda: started, "the start")
    config, control = started[0]
    assert config.task == "membrane"
    assert config.settings.membrane.band_low_A == -20.0
    assert control.samples == ["ball"]
    process_until(lambda: not dock._starter.starting, "the answer")


def test_task_and_roles_can_be_switched_where_there_are_membranes(session, qtbot) -> None:
    dock = TrainDock(session)
    qtbot.addWidget(dock)
    assert dock.task.isVisibleTo(dock)
    dock.task.setCurrentIndex(dock.task.findData("tomogram"))
    dock.task.activated.emit(dock.task.currentIndex())
    assert dock.subjects.text() == "Tomograms"
    assert dock.split.buttons[0].text().startswith("tomo ")
    dock._starter.set_task("membrane")
    assert dock.split.buttons[1].text().startswith("bead")
    dock.split.buttons[1].click()
    assert session.project.membranes["bead"].role is Role.VALIDATE
    assert "validates" in dock.split.buttons[1].text()


def test_picks_beside_the_membranes_are_not_said_to_be_missing(session, qtbot) -> None:
    session.edit(session.entry.picks.make_add([[5.0, 5.0, 5.0]], "ribosome"))
    dock = TrainDock(session)
    qtbot.addWidget(dock)
    assert dock.task.currentData() == "membrane"
    assert "None of your picks lies on a membrane" in dock.why.text()
    dock.task.setCurrentIndex(dock.task.findText("clicks in tomograms"))
    dock.task.activated.emit(dock.task.currentIndex())
    assert dock.train.isEnabled()


def test_three_clicks_on_a_mesh_are_answered_and_taking_them_back_clears_the_answer(
    session, process_until
) -> None:
    feed = RunMonitor.of(session).feed
    edit = session.entry.picks.make_add(
        PLACES_ZYX[:3], "ribosome", normals_zyx=DIRECTIONS[:3], membrane="ball"
    )
    session.edit(edit)
    process_until(lambda: session.membranes.colors is not None, "the instant answer")
    assert feed.kind == "mesh"
    assert feed.layer.shown == "instant"
    session.undo()
    process_until(lambda: session.membranes.colors is None, "the plain density")
    session.redo()
    process_until(lambda: session.membranes.colors is not None, "the answer again")
    session.edit(session.entry.picks.make_remove([session.entry.picks.select()[0].id]))
    process_until(lambda: session.membranes.colors is None, "no answer to two clicks")


def test_scores_of_a_membrane_are_never_painted_on_its_twin(
    trained, session, process_until, monkeypatch
) -> None:
    entry = session.project.membranes["ball"]
    session.project.add_membrane(entry.path, entry.tomogram, name="twin")
    painted, paint = [], session.membranes.set_colors

    def set_colors(colors: np.ndarray) -> None:
        painted.append(session.membrane_name)
        paint(colors)

    monkeypatch.setattr(session.membranes, "set_colors", set_colors)
    session.set_membrane("twin")
    process_until(lambda: session.membrane is not None, "the twin")
    process_until(
        lambda: "No preview" in trained.dock.sides_panel.checkpoints.label.text(), "its previews"
    )
    assert session.membranes.colors is None
    assert "twin" not in painted
    session.set_membrane("ball")
    process_until(lambda: session.membranes.colors is not None, "the scores again")
    assert set(painted) == {"ball"}
