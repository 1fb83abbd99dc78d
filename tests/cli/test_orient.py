"""`tomoscribe orient`: outward normals in the angles of each program, and mistakes told."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
import starfile
from scipy.spatial.transform import Rotation
from tests.membranes.shapes import sphere

from tomoscribe.cli.main import main
from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.io.meshes import read_mesh, write_mesh
from tomoscribe.io.pick_files import read_picks
from tomoscribe.io.volumes import open_volume, write_mrc
from tomoscribe.membranes.membrane import make_membrane, save_membrane
from tomoscribe.membranes.repair import repair_mesh

CENTRE = np.array([40.0, 42.0, 44.0])
SIZE_A = 10.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A ball of 20 voxels as a mesh, its tomogram, and 40 picks 2 voxels outside of it."""
    ball = sphere(20.0, 4)
    write_mesh(tmp_path / "ball.obj", TriangleMesh(ball.vertices_zyx + CENTRE, ball.faces))
    write_mrc(tmp_path / "t.mrc", np.zeros((80, 90, 100), np.float32), SIZE_A)
    zyx = CENTRE + 22.0 * outward()
    rows = [f"{x},{y},{z}" for z, y, x in zyx]
    (tmp_path / "picks.csv").write_text("\n".join(["x,y,z", *rows]) + "\n")
    return tmp_path


def outward() -> np.ndarray:
    normals = np.random.default_rng(0).normal(size=(40, 3))
    return normals / np.linalg.norm(normals, axis=1, keepdims=True)


def run(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str]:
    with pytest.raises(SystemExit) as caught:
        main(["orient", *map(str, args)])
    captured = capsys.readouterr()
    return int(caught.value.code or 0), captured.out + captured.err


def test_relion_z_is_the_outward_normal(folder, capsys):
    code, said = run(
        capsys, folder / "picks.csv", "--mesh", folder / "ball.obj", "--tomogram",
        folder / "t.mrc", "--out", folder / "o.star",
    )  # fmt: skip
    assert code == 0
    assert "40 written, 40 read back" in said
    assert "Mean distance to the mesh 20." in said
    table = starfile.read(folder / "o.star")["particles"]
    angles = table[["rlnAngleRot", "rlnAngleTilt", "rlnAnglePsi"]].to_numpy()
    # As RELION and MemBrain-pick define them: the inverse of intrinsic ZYZ.
    z = Rotation.from_euler("ZYZ", angles, degrees=True).inv().apply([0, 0, 1])
    assert (z[:, ::-1] * outward()).sum(axis=1).min() > np.cos(np.radians(5))
    xyz = table[["rlnCoordinateX", "rlnCoordinateY", "rlnCoordinateZ"]].to_numpy()
    assert xyz[:, ::-1] == pytest.approx(CENTRE + 22.0 * outward(), abs=1e-4)


def test_stopgap_on_request_is_truly_stopgap(folder, capsys):
    code, _ = run(
        capsys, folder / "picks.csv", "--mesh", folder / "ball.obj", "--voxel-size-A", SIZE_A,
        "--out", folder / "o.star", "--format", "stopgap",
    )  # fmt: skip
    assert code == 0
    table = starfile.read(folder / "o.star")
    angles = table[["phi", "the", "psi"]].to_numpy()
    z = Rotation.from_euler("zxz", angles, degrees=True).apply([0, 0, 1])
    assert (z[:, ::-1] * outward()).sum(axis=1).min() > np.cos(np.radians(5))


@pytest.mark.parametrize("name", ["o.tbl", "o.em", "o.mod", "o.json", "o.ndjson", "o.csv"])
def test_the_suffix_chooses_the_format(folder, capsys, name):
    code, said = run(
        capsys, folder / "picks.csv", "--mesh", folder / "ball.obj", "--tomogram",
        folder / "t.mrc", "--out", folder / name,
    )  # fmt: skip
    assert code == 0, said
    normals = read_picks(folder / name, geometry=_grid()).normals_zyx
    assert (normals * outward()).sum(axis=1).min() > np.cos(np.radians(5))


def _grid():
    from tomoscribe.coords import Geometry

    return Geometry((80, 90, 100), SIZE_A)


def test_an_inward_mesh_gives_outward_normals_too(folder, capsys):
    ball = sphere(20.0, 4)
    write_mesh(folder / "in.obj", TriangleMesh(ball.vertices_zyx + CENTRE, ball.faces[:, ::-1]))
    run(
        capsys, folder / "picks.csv", "--mesh", folder / "in.obj", "--tomogram",
        folder / "t.mrc", "--out", folder / "o.csv",
    )  # fmt: skip
    normals = read_picks(folder / "o.csv").normals_zyx
    assert (normals * outward()).sum(axis=1).min() > np.cos(np.radians(5))


@pytest.mark.parametrize("ours", [True, False])
def test_containers_tell_voxel_size_and_outside(folder, capsys, ours):
    ball = sphere(20.0, 3)
    mesh = TriangleMesh(ball.vertices_zyx + CENTRE, ball.faces)
    if ours:
        save_membrane(folder / "m.h5", make_membrane("m", mesh, open_volume(folder / "t.mrc")))
        options = []
    else:
        # As MemBrain-pick's convert writes it: x y z, wound inward, no voxel size.
        with h5py.File(folder / "m.h5", "w") as file:
            file["points"] = mesh.vertices_zyx[:, ::-1]
            file["faces"] = mesh.faces[:, ::-1]
            file["normals"] = (CENTRE - mesh.vertices_zyx)[:, ::-1] / 20.0
            file["normal_values"] = np.zeros((len(mesh.vertices_zyx), 20), np.float32)
            file["pixel_size"] = 1.0
            file["tomo_file"] = "gone.mrc"
        options = ["--voxel-size-A", SIZE_A]
    code, said = run(
        capsys, folder / "picks.csv", "--mesh", folder / "m.h5", "--out", folder / "o.em", *options
    )
    assert code == 0, said
    normals = read_picks(folder / "o.em").normals_zyx
    assert (normals * outward()).sum(axis=1).min() > np.cos(np.radians(5))


def test_near_picks_are_moved_on_to_the_surface_on_request(folder, capsys):
    run(
        capsys, folder / "picks.csv", "--mesh", folder / "ball.obj", "--tomogram",
        folder / "t.mrc", "--out", folder / "o.csv", "--snap-A", 30,
    )  # fmt: skip
    radii = np.linalg.norm(read_picks(folder / "o.csv").zyx - CENTRE, axis=1)
    assert radii == pytest.approx(np.full(40, 20.0), abs=0.2)


def test_picks_in_angstrom_are_recognised_by_the_mesh_and_it_is_said(folder, capsys):
    rows = (folder / "picks.csv").read_text().splitlines()[1:]
    in_A = ["x,y,z", *(",".join(str(float(v) * SIZE_A) for v in r.split(",")) for r in rows)]
    (folder / "a.csv").write_text("\n".join(in_A) + "\n")
    code, said = run(
        capsys, folder / "a.csv", "--mesh", folder / "ball.obj", "--tomogram",
        folder / "t.mrc", "--out", folder / "o.star",
    )  # fmt: skip
    assert code == 0
    assert "40 of 40 points are > 50 Å from the mesh; they look like Å, and are read so" in said
    xyz = starfile.read(folder / "o.star")["particles"].filter(like="Coordinate").to_numpy()
    assert xyz[:, ::-1] == pytest.approx(CENTRE + 22.0 * outward(), abs=1e-4)


def in_A(folder: Path, name: str, origin_xyz_A: tuple[float, ...] = (0.0, 0.0, 0.0)) -> Path:
    """The picks in Å, from an origin, in a table that tells no unit."""
    rows = np.loadtxt(folder / "picks.csv", delimiter=",", skiprows=1) * SIZE_A + origin_xyz_A
    np.savetxt(folder / name, rows, delimiter=",", header="x,y,z", comments="")
    return folder / name


@pytest.mark.parametrize("header", ["x,y,z", "x_A,y_A,z_A"])
def test_the_origin_of_the_tomogram_that_a_container_names_is_used(folder, capsys, header):
    origin = (300.0, 0.0, 3173.75)
    write_mrc(folder / "o.mrc", np.zeros((80, 90, 100), np.float32), SIZE_A, origin[::-1])
    ball = sphere(20.0, 3)
    mesh = TriangleMesh(ball.vertices_zyx + CENTRE, ball.faces)
    save_membrane(folder / "m.h5", make_membrane("m", mesh, open_volume(folder / "o.mrc")))
    picks = in_A(folder, "a.csv", origin)
    picks.write_text(picks.read_text().replace("x,y,z", header))
    code, said = run(capsys, picks, "--mesh", folder / "m.h5", "--out", folder / "o.csv")
    assert code == 0, said
    assert read_picks(folder / "o.csv").zyx == pytest.approx(CENTRE + 22 * outward(), abs=1e-3)


@pytest.mark.parametrize("mesh_unit", [1.0, SIZE_A])
@pytest.mark.parametrize("picks_in_A", [True, False])
def test_without_a_tomogram_mesh_and_picks_tell_each_others_unit(
    folder, capsys, mesh_unit, picks_in_A
):
    ball = sphere(20.0, 4)
    vertices = (ball.vertices_zyx + CENTRE) * mesh_unit
    write_mesh(folder / "u.obj", TriangleMesh(vertices, ball.faces))
    picks = in_A(folder, "a.csv") if picks_in_A else folder / "picks.csv"
    code, said = run(
        capsys, picks, "--mesh", folder / "u.obj", "--voxel-size-A", SIZE_A, "--out",
        folder / "o.csv",
    )  # fmt: skip
    assert code == 0, said
    units = [("voxels", "Å")[mesh_unit > 1], ("voxels", "Å")[picks_in_A]]
    assert f"are read as {units[0]}, the picks' as {units[1]}" in said
    assert read_picks(folder / "o.csv").zyx == pytest.approx(CENTRE + 22 * outward(), abs=1e-3)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--tomogram", "t.mrc"], "they may belong to another membrane"),
        (["--voxel-size-A", "10"], "an origin that only the tomogram tells"),
    ],
)
def test_picks_that_are_far_off_are_refused_unless_forced(
    folder, capsys, monkeypatch, options, reason
):
    monkeypatch.chdir(folder)
    (folder / "far.csv").write_text("x,y,z\n3,4,5\n4,4,70\n44,42,62\n")
    arguments = ["far.csv", "--mesh", "ball.obj", "--out", "o.star", *options]
    code, said = run(capsys, *arguments)
    assert code == 1
    assert "2 of 3 points are > 50 Å from the mesh: they may" in said
    assert reason in said
    assert not (folder / "o.star").exists()
    code, said = run(capsys, *arguments, "--force")
    assert code == 0
    assert "2 of 3 points are > 50 Å" in said
    assert (folder / "o.star").exists()


def test_positions_from_an_unknown_centre_are_refused(folder, capsys, monkeypatch):
    monkeypatch.chdir(folder)
    run(
        capsys, "picks.csv", "--mesh", "ball.obj", "--tomogram", "t.mrc", "--out", "five.star",
        "--format", "relion5",
    )  # fmt: skip
    code, said = run(
        capsys, "five.star", "--mesh", "ball.obj", "--voxel-size-A", SIZE_A, "--out", "o.csv"
    )
    assert code == 1
    assert "centre: give --tomogram" in said


@pytest.mark.parametrize("picks", ["T1S4M8.membranorama.xml", "T1S4M8_particles.csv"])
@pytest.mark.parametrize("source", ["container", "tomogram", "mesh alone"])
def test_expert_picks_lie_on_their_thylakoid_whatever_the_units(
    shared, tmp_path, capsys, picks, source
):
    data = shared / "data" / "thylakoid_membranes"
    volume = data / "T1S4M8_seg.mrc.gz"
    mesh, options = data / "T1S4M8.obj", ["--voxel-size-A", 13.68]
    if source == "tomogram":
        options = ["--tomogram", volume]
    elif source == "container":
        opened = open_volume(volume)
        read = read_mesh(mesh, opened.geometry).mesh
        save_membrane(tmp_path / "m.h5", make_membrane("m", repair_mesh(read)[0], opened))
        mesh, options = tmp_path / "m.h5", []
    code, said = run(capsys, data / picks, "--mesh", mesh, "--out", tmp_path / "o.csv", *options)
    assert code == 0, said
    assert "Mean distance to the mesh 1.6 Å" in said
    origin = (0.0, 0.0, 0.0) if source == "mesh alone" else open_volume(volume).origin_zyx_A
    first = (np.array([6109.269, 2879.428, 3885.532]) - origin) / 13.68
    assert read_picks(tmp_path / "o.csv").zyx[0] == pytest.approx(first, abs=1e-3)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--out", "o.star"], "voxel size of"),
        (["--out", "o.star", "--voxel-size-A", "10", "--format", "relion5"], "give --tomogram"),
        (["--out", "o.star", "--voxel-size-A", "10", "--format", "motl"], "end in .em"),
        (["--out", "o.png", "--voxel-size-A", "10"], "no format for"),
        (["--out", "o.star", "--voxel-size-A", "10", "--format", "x"], "no format 'x'"),
    ],
)
def test_mistakes_are_one_sentence(folder, capsys, monkeypatch, options, words):
    monkeypatch.chdir(folder)
    code, said = run(capsys, "picks.csv", "--mesh", "ball.obj", *options)
    assert code == 1
    assert words in said
