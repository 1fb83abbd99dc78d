"""`tomoscribe statistics`: picks in Å from the tomogram's origin count, those far off are told."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from tests.membranes.shapes import sphere

from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.io.volumes import open_volume, write_mrc
from tomoscribe.membranes.membrane import make_membrane, save_membrane

ORIGIN_ZYX_A = (3000.0, 0.0, 500.0)


@pytest.fixture
def folder(tmp_path):
    """A ball at 40 voxels, its tomogram with an origin, and 12 picks on it in Å from there."""
    write_mrc(tmp_path / "t.mrc", np.zeros((80, 80, 80), np.float32), 10.0, ORIGIN_ZYX_A)
    ball = sphere(20.0, 3)
    mesh = TriangleMesh(ball.vertices_zyx + 40.0, ball.faces)
    save_membrane(tmp_path / "m.h5", make_membrane("m", mesh, open_volume(tmp_path / "t.mrc")))
    rows = mesh.vertices_zyx[:: len(mesh.vertices_zyx) // 12][:12] * 10.0 + ORIGIN_ZYX_A
    np.savetxt(tmp_path / "p.csv", rows[:, ::-1], delimiter=",", header="x_A,y_A,z_A", comments="")
    return tmp_path


def count(folder, exit_code, picks):
    code = exit_code(
        "statistics", folder / picks, "--mesh", folder / "m.h5", "--out", folder / "s.csv",
        "--simulations", 0,
    )  # fmt: skip
    assert code == 0
    with (folder / "s.csv").open() as file:
        return [int(row["count"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize("header", ["x_A,y_A,z_A", "x,y,z"])
def test_picks_in_angstrom_count_from_the_origin(folder, exit_code, header):
    text = (folder / "p.csv").read_text().replace("x_A,y_A,z_A", header)
    (folder / "p.csv").write_text(text)
    assert count(folder, exit_code, "p.csv") == [12]


def test_most_picks_far_off_are_told(folder, exit_code, capsys):
    (folder / "far.csv").write_text("x,y,z\n40,40,60\n2,2,2\n3,70,3\n")
    assert count(folder, exit_code, "far.csv") == [1]
    said = capsys.readouterr().out
    assert "2 of 3 points are > 50 Å from the mesh: are they on these membranes?" in said
