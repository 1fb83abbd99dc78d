"""Membrane containers and meshes open by drop; a tomogram that is lost is asked for once."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from tests.ui.membranes.conftest import CENTRE_ZYX, RADIUS, VOXEL_A, sphere

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.membrane_h5 import read_membrane_file
from tomoscribe.io.meshes import write_mesh
from tomoscribe.membranes.membrane import load_membrane, save_membrane
from tomoscribe.picks.table import Pick, PickState
from tomoscribe.project.store import Project
from tomoscribe.ui.contributions import get_reader, read
from tomoscribe.ui.membranes.mesh_paint import MeshPaint
from tomoscribe.ui.scores.predicted import ProposedPicks


@pytest.fixture
def empty(hands: Any, tmp_path: Path) -> Any:
    """Return hands without a project, with locks and answers of the test alone."""
    hands.session.close_project()
    return hands


def test_a_container_brings_its_tomogram_and_a_project(
    empty: Any, files: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(files, tmp_path / "copy")
    empty.session.open_paths([folder / "ball.h5"])
    session = empty.session
    assert session.project is not None
    assert session.current == "tomo"
    assert session.membrane_name == "ball"
    assert session.classes
    session.open_paths([folder / "bead.h5", folder / "ball.h5"])
    assert list(session.project.membranes) == ["ball", "bead"]
    assert session.membrane_name == "ball"


def test_a_container_of_a_lost_tomogram_asks_and_takes_the_one_that_is_shown(
    hands: Any, membrane_project: Project, files: Path, tmp_path: Path
) -> None:
    lost = tmp_path / "far" / "lost.h5"
    lost.parent.mkdir()
    shutil.copy(files / "ball.h5", lost)
    with h5py.File(lost, "r+") as file:
        for name in list(file):
            value = file[name][()]
            if isinstance(value, bytes) and b"tomo" in value:
                del file[name]
                file[name] = b"/nowhere/gone.mrc"
    hands.session.open_paths([lost])
    question = hands.dock.membranes.question
    assert question.isVisibleTo(hands.dock)
    assert "/nowhere/gone.mrc" in question.text.text()
    assert "lost" not in membrane_project.membranes
    question.shown.click()
    assert membrane_project.membranes["lost"].tomogram == "tomo"
    assert hands.session.membrane_name == "lost"
    assert not question.isVisibleTo(hands.dock)
    # Remembered: another file that names the same place opens without a question.
    again = lost.with_name("again.h5")
    shutil.copy(lost, again)
    hands.session.open_paths([again])
    assert not question.isVisibleTo(hands.dock)
    assert membrane_project.membranes["again"].tomogram == "tomo"


def test_a_question_can_be_left(hands: Any, tmp_path: Path) -> None:
    path = tmp_path / "some.obj"
    write_mesh(path, sphere(CENTRE_ZYX, RADIUS))
    hands.session.open_paths([path])
    question = hands.dock.membranes.question
    assert "some.obj is a mesh" in question.text.text()
    question.leave.click()
    assert not question.isVisibleTo(hands.dock)
    assert "some" not in hands.session.project.membranes


@pytest.mark.parametrize("suffix", [".obj", ".ply", ".stl", ".vtp"])
def test_a_mesh_becomes_a_membrane_of_the_project(
    hands: Any, membrane_project: Project, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"shape{suffix}"
    write_mesh(path, sphere(CENTRE_ZYX, RADIUS))
    hands.session.open_paths([path])
    hands.dock.membranes.question.shown.click()
    hands.until(lambda: "shape" in membrane_project.membranes, "the membrane of the mesh")
    entry = membrane_project.membranes["shape"]
    assert entry.path.parent == membrane_project.membranes_dir
    held = read_membrane_file(entry.path)
    assert held.slab_values is not None
    assert hands.session.membrane_name == "shape"
    low = hands.session.membrane.mesh.vertices_zyx.min(axis=0)
    np.testing.assert_allclose(low, np.array(CENTRE_ZYX) - RADIUS, atol=0.1)


def test_a_mesh_that_lies_elsewhere_is_refused_in_a_sentence(
    hands: Any, membrane_project: Project, tmp_path: Path
) -> None:
    path = tmp_path / "away.ply"
    write_mesh(path, sphere((500.0, 500.0, 500.0), RADIUS))
    hands.session.open_paths([path])
    hands.dock.membranes.question.shown.click()
    hands.until(lambda: "outside the tomogram" in hands.messages[-1], "the refusal")
    assert "away" not in membrane_project.membranes


def test_a_broken_container_is_an_error_that_names_it(hands: Any, tmp_path: Path) -> None:
    path = tmp_path / "broken.h5"
    with h5py.File(path, "w") as file:
        file["points"], file["faces"] = np.zeros((3, 2)), np.zeros((1, 3), int)
    with pytest.raises(TomoscribeError, match=r"broken\.h5"):
        hands.session.open_paths([path])


def test_a_drop_on_the_viewer_opens_membranes_as_the_docks_do(
    hands: Any, membrane_project: Project, files: Path, tmp_path: Path
) -> None:
    path = tmp_path / "dropped.h5"
    shutil.copy(files / "bead.h5", path)
    with h5py.File(path, "r+") as file:
        file["tomo_file"][()] = str(files / "tomo.mrc")
    reader = get_reader(str(path))
    assert reader is not None
    hands.viewer.open(str(path), plugin="tomoscribe")
    assert hands.session.membrane_name == "dropped"
    assert membrane_project.membranes["dropped"].tomogram == "tomo"


def test_a_script_gets_a_surface_and_no_project(
    files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("napari.current_viewer", lambda: None)
    ((vertices, faces, values), look, kind) = read(str(files / "ball.h5"))[0]
    assert (kind, look["scale"]) == ("surface", (VOXEL_A,) * 3)
    assert len(values) == len(vertices)
    assert faces.max() == len(vertices) - 1
    assert get_reader(str(files / "nothing.obj")) is None


def scored(files: Path, path: Path, *, tops: list[int]) -> Path:
    """Write `ball` as tomoscribe predicts it: scores that fall off from some vertices."""
    membrane = load_membrane(files / "ball.h5", tomogram=str(files / "tomo.mrc"))
    vertices = membrane.mesh.vertices_zyx
    away = np.linalg.norm(vertices[:, None] - vertices[tops], axis=2).min(axis=1)
    scores = np.clip(0.95 - away / 8, 0, 1).astype(np.float32)[None]
    save_membrane(path, replace(membrane, scores=scores, class_names=("ribosome",)))
    return path


def proposed(hands: Any) -> list[Pick]:
    return list(hands.session.entry.picks.select(state=PickState.PROPOSED))


def test_a_dropped_prediction_is_painted_and_proposes_its_peaks(
    hands: Any, files: Path, tmp_path: Path
) -> None:
    path = scored(files, tmp_path / "ball_scored.h5", tops=[0, 1, 2])
    paint = MeshPaint.of(hands.session)
    assert not paint.has_scores
    hands.viewer.open(str(path), plugin="tomoscribe")
    hands.until(lambda: len(proposed(hands)) == 3, "the peaks")
    assert paint.has_scores
    vertices = hands.session.membrane.mesh.vertices_zyx
    for pick in proposed(hands):
        assert (pick.source, pick.membrane) == ("ball_scored.h5", "ball_scored")
        assert np.linalg.norm(vertices[:3] - pick.zyx, axis=1).min() < 1
        outward = np.subtract(pick.zyx, CENTRE_ZYX) / RADIUS
        np.testing.assert_allclose(pick.normal_zyx, outward, atol=0.1)
    hands.session.set_membrane("bead")
    assert not paint.has_scores
    hands.session.set_membrane("ball_scored")
    assert paint.has_scores


def test_centres_that_membrain_pick_clustered_are_proposed(
    hands: Any, files: Path, tmp_path: Path
) -> None:
    path = tmp_path / "theirs.h5"
    shutil.copy(files / "ball.h5", path)
    centres = [hands.outward((1, 0, 0)), hands.outward((0, 1, 1))]
    with h5py.File(path, "r+") as file:
        own = ("normals_outward", "slab_values", "slab_depths_A")
        for key in [k for k in file if k in own or k.startswith("ts_")]:
            del file[key]
        file["tomo_file"][()] = str(files / "tomo.mrc")
        file["scores"] = np.full(len(file["points"]), 5.0)
        file["cluster_centers"] = np.array(centres)[:, ::-1] * file["pixel_size"][()]
    hands.session.open_paths([path])
    hands.until(lambda: len(proposed(hands)) == 2, "the centres")
    for pick, centre in zip(proposed(hands), centres, strict=True):
        np.testing.assert_allclose(pick.zyx, centre, atol=0.3)
        assert pick.class_name == hands.session.active_class


def test_proposed_picks_are_answered_one_after_another(
    hands: Any, files: Path, tmp_path: Path
) -> None:
    picks = ProposedPicks(hands.session)
    assert not picks.next()
    hands.session.open_paths([scored(files, tmp_path / "ball_scored.h5", tops=[0, 1])])
    hands.until(lambda: len(proposed(hands)) == 2, "the peaks")
    assert picks.next()
    assert picks.answer(PickState.ACCEPTED)
    assert picks.answer(PickState.REJECTED)
    states = sorted(p.state for p in hands.session.entry.picks)
    assert states == [PickState.ACCEPTED, PickState.REJECTED]
    assert not picks.answer(PickState.ACCEPTED)
    hands.session.undo()
    assert len(proposed(hands)) == 1
