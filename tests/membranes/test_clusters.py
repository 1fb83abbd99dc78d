"""Scored membranes to oriented picks, as a library and as a command."""

from dataclasses import replace

import numpy as np
import pytest
import starfile
from tests.membranes.shapes import normals, sphere

from tomoscribe.cli.main import main
from tomoscribe.coords import relion_to_normals
from tomoscribe.errors import TomoscribeError
from tomoscribe.membranes.clusters import picks_from_scores
from tomoscribe.membranes.membrane import Membrane, save_membrane
from tomoscribe.membranes.slab import Slab, wide_depths_A

CENTRE = 40.0


@pytest.fixture
def scored():
    """A sphere of 300 Å with two classes of sites, and the sites."""
    ball = sphere(30.0, 4)
    mesh = replace(ball, vertices_zyx=ball.vertices_zyx + CENTRE)
    rng = np.random.default_rng(0)
    sites = rng.normal(size=(2, 6, 3))
    sites = CENTRE + 30 * sites / np.linalg.norm(sites, axis=2, keepdims=True)
    away = np.linalg.norm(mesh.vertices_zyx[:, None, None] - sites[None], axis=3).min(axis=2)
    scores = np.exp(-0.5 * (away.T / 4) ** 2).astype(np.float32)
    depths_A = wide_depths_A(10.0)
    slab = Slab(np.zeros((len(mesh.vertices_zyx), len(depths_A)), np.float32), depths_A)
    made = Membrane("ball", None, mesh, normals(mesh), 10.0, slab, None, (80, 80, 80))
    return replace(made, scores=scores, class_names=("PSII", "b6f")), sites


def farthest(found, sites):
    return np.linalg.norm(found[:, None] - sites[None], axis=2).min(axis=1).max()


@pytest.mark.parametrize("bandwidth_A", [None, 60.0])
def test_each_class_gets_its_picks_with_outward_normals(scored, bandwidth_A):
    membrane, sites = scored
    found = picks_from_scores(membrane, min_score=0.6, bandwidth_A=bandwidth_A)
    assert [picks.class_name for picks in found] == ["PSII", "b6f"]
    for picks, true in zip(found, sites, strict=True):
        assert farthest(picks.zyx, true) < 4
        outward = picks.zyx - CENTRE
        outward /= np.linalg.norm(outward, axis=1, keepdims=True)
        assert (np.einsum("ni,ni->n", outward, picks.normals_zyx) > 0.99).all()


def test_a_membrane_without_scores_is_told(scored):
    with pytest.raises(TomoscribeError, match="ball has no scores: predict it first"):
        picks_from_scores(replace(scored[0], scores=None))


def test_command_writes_stars_whose_z_points_outward(scored, tmp_path):
    membrane, sites = scored
    save_membrane(tmp_path / "ball.h5", membrane)
    with pytest.raises(SystemExit) as end:
        main(["cluster", str(tmp_path / "ball.h5"), "--out", str(tmp_path / "picks")])
    assert end.value.code == 0
    written = starfile.read(tmp_path / "picks" / "ball_clusters.star")
    assert set(written["tsClassName"]) == {"PSII", "b6f"}
    zyx = written[[f"rlnCoordinate{a}" for a in "ZYX"]].to_numpy()
    assert farthest(zyx, sites.reshape(-1, 3)) < 1.5
    z_axes = relion_to_normals(written[[f"rlnAngle{a}" for a in ("Rot", "Tilt", "Psi")]])
    outward = (zyx - CENTRE) / np.linalg.norm(zyx - CENTRE, axis=1, keepdims=True)
    assert (np.einsum("ni,ni->n", outward, z_axes) > 0.99).all()
    assert written["rlnAutopickFigureOfMerit"].between(0.5, 1).all()
    assert set(written["rlnMicrographName"]) == {"ball"}


def test_command_refuses_two_membranes_of_one_name(scored, tmp_path, capsys):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        save_membrane(tmp_path / folder / "ball.h5", scored[0])
    paths = [str(tmp_path / folder / "ball.h5") for folder in ("a", "b")]
    with pytest.raises(SystemExit) as end:
        main(["cluster", *paths, "--out", str(tmp_path)])
    assert end.value.code == 1
    assert "Several membranes are named ball" in capsys.readouterr().err
