"""Containers go both ways: ours, MemBrain-pick's as made and as predicted, and broken ones."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from tests.membranes.masks import CENTRE, SHAPE, radius
from tests.membranes.shapes import plane, sphere

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.io.meshes import write_mesh
from tomoscribe.io.registry import kind_of
from tomoscribe.io.volumes import open_volume, write_mrc
from tomoscribe.membranes.membrane import load_membrane, make_membrane, save_membrane
from tomoscribe.membranes.mesh_normals import vertex_normals_zyx

VOXEL_A = 12.0


@pytest.fixture(autouse=True)
def _own_memory(tmp_path, monkeypatch):
    monkeypatch.setenv("TOMOSCRIBE_STATE_DIR", str(tmp_path / "state"))


@pytest.fixture
def tomogram(tmp_path) -> Path:
    """A tomogram whose density is the distance from its middle, in voxels."""
    path = tmp_path / "tomograms" / "T1.mrc"
    path.parent.mkdir()
    write_mrc(path, radius().astype(np.float32), VOXEL_A)
    return path


@pytest.fixture
def ball() -> TriangleMesh:
    mesh = sphere(15, 3)
    return TriangleMesh(mesh.vertices_zyx + CENTRE, mesh.faces)


def write_peer(path, mesh, *, scale=1.0, pixel_size=1.0, tomo_file="", inward=True, **more):
    """Write what MemBrain-pick's convert writes: x y z, winding and normals inward."""
    faces = mesh.faces[:, ::-1] if inward else mesh.faces
    normals = vertex_normals_zyx(mesh)[:, ::-1] * (-1 if inward else 1)
    steps = np.arange(-10, 10) * 2.5 / VOXEL_A
    at = mesh.vertices_zyx[:, ::-1][:, None] + normals[:, None] * steps[None, :, None]
    with h5py.File(path, "w") as file:
        file["points"] = mesh.vertices_zyx[:, ::-1] * scale
        file["faces"] = faces
        file["normals"] = normals
        file["normal_values"] = np.linalg.norm(at - CENTRE[::-1], axis=2).astype(np.float32)
        file["pixel_size"] = pixel_size
        file["tomo_file"] = str(tomo_file)
        for name, value in more.items():
            file[name] = value


def test_own_container_comes_back_as_it_was(tmp_path, tomogram, ball):
    made = make_membrane("m", ball, open_volume(tomogram), notes=["Made for a test."])
    scores = np.random.default_rng(0).random((2, len(ball.vertices_zyx))).astype(np.float32)
    made = replace(made, scores=scores, class_names=("a", "b"))
    path = tmp_path / "m.h5"
    save_membrane(path, made)
    assert kind_of(path) == "membrane"
    back = load_membrane(path)
    assert back.name == "m"
    assert back.path == path
    assert np.array_equal(back.mesh.vertices_zyx, ball.vertices_zyx)
    assert np.array_equal(back.mesh.faces, ball.faces)
    assert np.allclose(back.normals_zyx, made.normals_zyx)
    assert np.array_equal(back.slab.values, made.slab.values)
    assert np.array_equal(back.slab.depths_A, made.slab.depths_A)
    assert back.voxel_size_A == pytest.approx(VOXEL_A)
    assert back.tomogram == str(tomogram)
    assert back.tomogram_shape_zyx == SHAPE
    assert back.notes == ("Made for a test.",)
    assert np.array_equal(back.scores, scores)
    assert back.class_names == ("a", "b")


def test_density_along_outward_normals_is_in_A(tomogram, ball):
    made = make_membrane("m", ball, open_volume(tomogram))
    assert np.allclose(made.slab.mean(36.0, 0.0), 18, atol=0.2)
    assert np.allclose(made.slab.mean(-36.0, 0.0), 12, atol=0.2)
    cubic = make_membrane("m", ball, open_volume(tomogram), order=3)
    assert np.allclose(cubic.slab.mean(36.0, 0.0), 18, atol=0.2)


def test_written_container_has_what_membrain_pick_reads(tmp_path, tomogram, ball):
    save_membrane(tmp_path / "m.h5", make_membrane("m", ball, open_volume(tomogram)))
    with h5py.File(tmp_path / "m.h5") as file:
        assert np.allclose(file["points"][()], ball.vertices_zyx[:, ::-1])
        assert file["pixel_size"][()] == 1.0
        assert file["tomo_file"][()].decode() == str(tomogram)
        points, normals, faces = (file[k][()] for k in ("points", "normals", "faces"))
        values = file["normal_values"][()]
        assert np.allclose(file["band_A"][()], [-22.5, 25.0])
        assert file["step_A"][()] == 2.5
        assert file["tomo_file_relative"][()].decode() == "tomograms/T1.mrc"
    away = points - CENTRE[::-1]
    assert (np.einsum("ij,ij->i", normals, away) < 0).all()
    a, b, c = (points[faces[:, k]] for k in range(3))
    assert (np.einsum("ij,ij->i", np.cross(b - a, c - a), a - CENTRE[::-1]) < 0).all()
    # The peer samples at -10..9 steps of 2.5 Å along these normals: outside first.
    assert values.dtype == np.float32
    expected = 15 - np.arange(-10, 10) * 2.5 / VOXEL_A
    assert np.allclose(values, expected, atol=0.25)


def test_band_that_was_chosen_is_what_membrain_pick_sees(tmp_path, tomogram, ball):
    made = make_membrane("m", ball, open_volume(tomogram))
    save_membrane(tmp_path / "m.h5", made, band_A=(-20.0, 120.0, 7.0))
    with h5py.File(tmp_path / "m.h5") as file:
        assert file["normal_values"].shape[1] == 21
        assert np.allclose(file["band_A"][()], [-20.0, 120.0])
        assert np.allclose(file["normal_values"][:, 0], 15 + 120 / VOXEL_A, atol=0.25)
        assert np.allclose(file["normal_values"][:, -1], 15 - 20 / VOXEL_A, atol=0.25)
    with pytest.raises(TomoscribeError, match="two samples"):
        save_membrane(tmp_path / "m.h5", made, band_A=(20.0, 20.0, 7.0))


@pytest.mark.parametrize("inward", [True, False])
def test_membrain_picks_container_is_turned_outward_by_its_shape(tmp_path, tomogram, ball, inward):
    write_peer(tmp_path / "p.h5", ball, tomo_file=tomogram, inward=inward)
    membrane = load_membrane(tmp_path / "p.h5")
    away = membrane.mesh.vertices_zyx - CENTRE
    assert (np.einsum("ij,ij->i", membrane.normals_zyx, away) > 0).all()
    assert membrane.voxel_size_A == pytest.approx(VOXEL_A)
    assert np.allclose(membrane.slab.mean(36.0, 0.0), 18, atol=0.2)


@pytest.mark.parametrize("inward", [True, False])
def test_without_its_tomogram_the_densities_in_the_file_are_shown(tmp_path, ball, inward):
    write_peer(tmp_path / "p.h5", ball, tomo_file="/gone/T1.mrc", inward=inward)
    with pytest.raises(TomoscribeError, match=r"voxel size .* unknown"):
        load_membrane(tmp_path / "p.h5")
    membrane = load_membrane(tmp_path / "p.h5", voxel_size_A=VOXEL_A)
    assert membrane.slab.values.shape[1] == 20
    assert np.allclose(membrane.slab.mean(20.0, 0.0), 15 + 20 / VOXEL_A, atol=0.1)
    assert any("/gone/T1.mrc is not there" in note for note in membrane.notes)
    assert any("only the densities in the file" in note for note in membrane.notes)


def test_predicted_container_in_A_gives_voxels_and_scores(tmp_path, tomogram, ball):
    path = tmp_path / "p.h5"
    distances = np.linspace(0, 10.05, len(ball.vertices_zyx))
    with h5py.File(path, "w") as file:
        file["points"] = (ball.vertices_zyx[:, ::-1] * VOXEL_A).astype(np.float32)
        file["faces"] = ball.faces[:, ::-1]
        file["scores"] = distances
        file["labels"] = distances
        file["cluster_centers"] = ball.vertices_zyx[:7, ::-1] * VOXEL_A
        file["pixel_size"] = VOXEL_A
        file["tomo_file"] = str(tomogram)
    membrane = load_membrane(path)
    assert np.allclose(membrane.mesh.vertices_zyx, ball.vertices_zyx, atol=1e-4)
    assert membrane.scores is not None
    assert membrane.scores.shape == (1, len(ball.vertices_zyx))
    assert membrane.scores[0, 0] == 1.0
    assert membrane.scores[0, -1] == 0.0
    assert membrane.class_names == ("particle",)
    assert np.allclose(membrane.centers_zyx, ball.vertices_zyx[:7])
    assert np.allclose(membrane.slab.mean(36.0, 0.0), 18, atol=0.2)


def test_points_in_A_that_call_themselves_voxels_are_found_out(tmp_path, tomogram, ball):
    write_peer(tmp_path / "p.h5", ball, scale=VOXEL_A, tomo_file=tomogram)
    membrane = load_membrane(tmp_path / "p.h5")
    assert np.allclose(membrane.mesh.vertices_zyx, ball.vertices_zyx, atol=1e-4)
    assert any("points are in Å" in note for note in membrane.notes)


def test_values_follow_their_vertices_when_a_mesh_is_repaired(tmp_path, ball):
    vertices = np.concatenate([[[1.0, 1, 1]], ball.vertices_zyx, ball.vertices_zyx[:40]])
    mesh = TriangleMesh(vertices, ball.faces + 1)
    write_peer(tmp_path / "p.h5", mesh)
    membrane = load_membrane(tmp_path / "p.h5", voxel_size_A=VOXEL_A)
    assert len(membrane.mesh.vertices_zyx) == len(ball.vertices_zyx) == len(membrane.slab.values)
    assert np.allclose(membrane.slab.mean(20.0, 0.0), 15 + 20 / VOXEL_A, atol=0.1)


def test_open_sheet_trusts_membrain_picks_convention(tmp_path):
    sheet = plane(9, 9, spacing=3.0, z=20.0)
    write_peer(tmp_path / "p.h5", sheet)
    membrane = load_membrane(tmp_path / "p.h5", voxel_size_A=VOXEL_A)
    assert np.allclose(membrane.normals_zyx, [1.0, 0, 0])


# Tomograms that moved


def test_tomogram_that_moved_with_its_membranes_is_found(tmp_path, tomogram, ball):
    first = tmp_path / "first"
    (first / "meshes").mkdir(parents=True)
    moved = first / "T1.mrc"
    moved.write_bytes(tomogram.read_bytes())
    save_membrane(first / "meshes" / "m.h5", make_membrane("m", ball, open_volume(moved)))
    first.rename(tmp_path / "second")
    membrane = load_membrane(tmp_path / "second" / "meshes" / "m.h5")
    assert membrane.tomogram == str(tmp_path / "second" / "T1.mrc")


def test_tomogram_is_found_by_name_beside_the_file_and_in_folders(tmp_path, tomogram, ball):
    write_peer(tmp_path / "p.h5", ball, tomo_file="/gone/T1.mrc")
    membrane = load_membrane(tmp_path / "p.h5", folders=[tomogram.parent])
    assert membrane.tomogram == str(tomogram)
    assert any("not there any more" in note for note in membrane.notes)
    write_peer(tomogram.parent / "p.h5", ball, tomo_file="C:\\data\\T1.mrc")
    assert load_membrane(tomogram.parent / "p.h5").tomogram == str(tomogram)


def test_answer_is_remembered_for_all_files_of_the_old_folder(tmp_path, tomogram, ball):
    second = tomogram.with_name("T2.mrc")
    second.write_bytes(tomogram.read_bytes())
    for name in ("T1", "T2"):
        write_peer(tmp_path / f"{name}.h5", ball, tomo_file=f"/gone/{name}.mrc")
    load_membrane(tmp_path / "T1.h5", tomogram=str(tomogram))
    assert load_membrane(tmp_path / "T1.h5").tomogram == str(tomogram)
    assert load_membrane(tmp_path / "T2.h5").tomogram == str(second)


# Meshes and errors


def test_mesh_file_and_tomogram_make_a_membrane(tmp_path, tomogram, ball):
    write_mesh(tmp_path / "m.ply", ball, open_volume(tomogram).geometry, "A")
    membrane = load_membrane(tmp_path / "m.ply", tomogram=str(tomogram))
    assert np.allclose(membrane.mesh.vertices_zyx, ball.vertices_zyx, atol=1e-3)
    assert np.allclose(membrane.slab.mean(36.0, 0.0), 18, atol=0.2)
    assert any("read as Å" in note for note in membrane.notes)
    with pytest.raises(TomoscribeError, match="without a tomogram"):
        load_membrane(tmp_path / "m.ply")


def test_mesh_outside_its_tomogram_is_refused_and_a_part_is_told(tmp_path, tomogram, ball):
    volume = open_volume(tomogram)
    away = TriangleMesh(ball.vertices_zyx + np.array([60.0, 0, 0]), ball.faces)
    with pytest.raises(TomoscribeError, match="outside the tomogram"):
        make_membrane("m", away, volume)
    partly = TriangleMesh(ball.vertices_zyx + np.array([20.0, 0, 0]), ball.faces)
    assert any("lie outside" in n for n in make_membrane("m", partly, volume).notes)
    # As Å it would shrink into the corner, and fit.
    write_peer(tmp_path / "p.h5", partly, tomo_file=tomogram)
    assert np.ptp(load_membrane(tmp_path / "p.h5").mesh.vertices_zyx, axis=0).min() > 25


def _without(path, key):
    with h5py.File(path, "a") as file:
        del file[key]


def _broken(path, how):
    with h5py.File(path, "a") as file:
        if how == "faces":
            faces = file["faces"][()]
            del file["faces"]
            file["faces"] = faces + 10**6
        elif how == "normals":
            del file["normals"]
            file["normals"] = np.zeros((3, 3))
        elif how == "scores":
            file["scores"] = np.zeros(3)
        elif how == "nan":
            file["points"][0, 0] = np.nan
        elif how == "densities":
            file["normal_values"][...] = np.nan
        elif how == "text":
            del file["pixel_size"]
            file["pixel_size"] = "ten"
        elif how == "band":
            file["band_A"] = [1.0]


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("faces", "faces .* name vertices"),
        ("normals", "'normals' .* does not fit"),
        ("scores", "3 scores"),
        ("nan", "NaN"),
        ("densities", "densities in p.h5 are NaN"),
        ("text", "'pixel_size' .* not a number"),
        ("band", "'band_A' .* not 2 numbers"),
    ],
)
def test_broken_container_is_refused_in_one_sentence(tmp_path, ball, how, sentence):
    write_peer(tmp_path / "p.h5", ball)
    _broken(tmp_path / "p.h5", how)
    with pytest.raises(TomoscribeError, match=sentence):
        load_membrane(tmp_path / "p.h5", voxel_size_A=VOXEL_A)


@pytest.mark.parametrize("key", ["depths_A", "slab", "tomo_file", "normals", "normals_outward"])
def test_own_container_that_lost_a_key_is_read_all_the_same(tmp_path, tomogram, ball, key):
    made = make_membrane("m", ball, open_volume(tomogram))
    save_membrane(tmp_path / "m.h5", made)
    _without(tmp_path / "m.h5", key)
    back = load_membrane(tmp_path / "m.h5")
    assert np.allclose(back.slab.mean(40.0, 0.0), made.slab.mean(40.0, 0.0), atol=1e-3)
    assert np.einsum("ij,ij->i", back.normals_zyx, made.normals_zyx).min() > 0.99


def test_another_voxel_size_scales_the_depths(tmp_path, tomogram, ball):
    made = make_membrane("m", ball, open_volume(tomogram))
    save_membrane(tmp_path / "m.h5", made)
    back = load_membrane(tmp_path / "m.h5", voxel_size_A=2 * VOXEL_A)
    assert back.slab.mean(80.0, 0.0) == pytest.approx(made.slab.mean(40.0, 0.0), abs=1e-3)
    assert any("Depths" in note for note in back.notes)


def test_a_tomogram_of_another_size_is_not_the_one(tmp_path, tomogram, ball):
    save_membrane(tmp_path / "m.h5", make_membrane("m", ball, open_volume(tomogram)))
    write_mrc(tmp_path / "bin.mrc", np.zeros((120, 128, 136), dtype=np.float32), VOXEL_A / 2)
    with pytest.raises(TomoscribeError, match=r"60 x 64 x 68 voxels .* has 120 x 128 x 136"):
        load_membrane(tmp_path / "m.h5", tomogram=str(tmp_path / "bin.mrc"))


def test_density_that_is_nan_in_places_is_told(tmp_path, tomogram, ball):
    volume = np.asarray(open_volume(tomogram).data[...]).copy()
    volume[:, :, 30:34] = np.nan
    write_mrc(tmp_path / "nan.mrc", volume, VOXEL_A)
    made = make_membrane("m", ball, open_volume(tmp_path / "nan.mrc"))
    assert "are NaN or infinite" in made.notes[0]
    assert np.isfinite(made.slab.values).all()


def test_container_without_densities_and_tomogram_says_so(tmp_path, ball):
    write_peer(tmp_path / "p.h5", ball)
    _without(tmp_path / "p.h5", "normal_values")
    with pytest.raises(TomoscribeError, match="no densities"):
        load_membrane(tmp_path / "p.h5", voxel_size_A=VOXEL_A)


def test_other_hdf5_and_missing_files_are_no_membranes(tmp_path):
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["raw"] = np.zeros((4, 4, 4), dtype=np.float32)
    assert kind_of(tmp_path / "v.h5") == "volume"
    with pytest.raises(TomoscribeError, match="no membrane"):
        load_membrane(tmp_path / "v.h5")
    with pytest.raises(TomoscribeError, match="no file"):
        load_membrane(tmp_path / "none.h5")
    (tmp_path / "cut.h5").write_bytes(b"\x89HDF\r\n\x1a\n cut off")
    with pytest.raises(TomoscribeError, match="cut off"):
        load_membrane(tmp_path / "cut.h5")


def test_membrain_pick_itself_reads_what_we_write(tmp_path, tomogram, ball):
    """Runs where the environment variable names a Python with membrain-pick 0.0.9."""
    python = os.environ.get("TOMOSCRIBE_PEER_PYTHON")
    if not python:
        pytest.skip("TOMOSCRIBE_PEER_PYTHON names no Python that has membrain-pick")
    save_membrane(tmp_path / "m.h5", make_membrane("m", ball, open_volume(tomogram)))
    code = (
        "import sys, numpy as np\n"
        "from membrain_pick.dataloading.data_utils import load_mesh_from_hdf5\n"
        "d = load_mesh_from_hdf5(sys.argv[1])\n"
        "p = np.concatenate([d['points'], d['normal_values']], axis=1)\n"
        "assert p.shape == (642, 23), p.shape\n"
        "assert d['normals'].shape == (642, 3) and float(d['pixel_size']) == 1.0\n"
    )
    subprocess.run([python, "-c", code, str(tmp_path / "m.h5")], check=True, timeout=300)
