"""Mesh files go both ways in their own units; the tomogram's box tells which."""

from __future__ import annotations

import numpy as np
import pytest
from tests.membranes.shapes import sphere

from tomoscribe.coords import Geometry
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.io.meshes import MESH_SUFFIXES, read_mesh, write_mesh
from tomoscribe.io.registry import kind_of
from tomoscribe.io.volumes import open_volume
from tomoscribe.membranes.repair import repair_mesh
from tomoscribe.membranes.topology import open_edges

BOX = Geometry((60, 64, 68), 10.0)
FAR = Geometry((60, 64, 68), 10.0, (3173.75, 0.0, 0.0))


def ball() -> TriangleMesh:
    mesh = sphere(12, 2)
    return TriangleMesh(mesh.vertices_zyx + np.array([30.0, 31.0, 33.0]), mesh.faces)


@pytest.mark.parametrize("suffix", MESH_SUFFIXES)
@pytest.mark.parametrize("unit", ["voxels", "A"])
def test_every_format_comes_back_in_voxels(tmp_path, suffix, unit):
    path = tmp_path / f"m{suffix}"
    write_mesh(path, ball(), FAR, unit)
    assert kind_of(path) == "mesh"
    read = read_mesh(path, FAR)
    assert read.unit == unit
    assert len(read.notes) == 1
    mesh, _ = repair_mesh(read.mesh)
    assert len(mesh.vertices_zyx) == len(ball().vertices_zyx)
    assert open_edges(mesh) == 0
    order = np.lexsort(mesh.vertices_zyx.round(2).T)
    wanted = ball().vertices_zyx
    assert np.allclose(mesh.vertices_zyx[order], wanted[np.lexsort(wanted.round(2).T)], atol=2e-3)


@pytest.mark.parametrize(
    ("scale", "shift", "geometry", "unit"),
    [
        (1.0, 0.0, FAR, "voxels"),
        (10.0, 0.0, BOX, "A"),
        (10.0, 3173.75, FAR, "A"),
        (10.0, 0.0, FAR, "A from the corner"),
        (1.0, 0.0, Geometry((60, 64, 68)), "voxels"),
        (0.01, 0.0, Geometry((6000, 6400, 6800), 10.0), "voxels"),
        (1.0, 25.0, BOX, "voxels"),
    ],
)
def test_box_of_the_tomogram_tells_the_unit(tmp_path, scale, shift, geometry, unit):
    mesh = ball()
    moved = mesh.vertices_zyx * scale + [shift, 0, 0]
    write_mesh(tmp_path / "m.obj", TriangleMesh(moved, mesh.faces))
    read = read_mesh(tmp_path / "m.obj", geometry)
    assert read.unit == unit
    if geometry in (BOX, FAR) and shift in (0.0, 3173.75):
        assert np.allclose(read.mesh.vertices_zyx, mesh.vertices_zyx, atol=1e-3)


def test_unit_that_is_given_is_believed(tmp_path):
    write_mesh(tmp_path / "m.obj", ball())
    read = read_mesh(tmp_path / "m.obj", BOX, unit="nm")
    assert np.allclose(read.mesh.vertices_zyx, ball().vertices_zyx, atol=1e-3)


def test_mesh_outside_the_tomogram_in_every_unit_is_refused(tmp_path):
    mesh = ball()
    write_mesh(tmp_path / "m.obj", TriangleMesh(mesh.vertices_zyx + 1e5, mesh.faces))
    with pytest.raises(TomoscribeError, match="outside the tomogram"):
        read_mesh(tmp_path / "m.obj", BOX)


def test_polygons_are_cut_into_triangles(tmp_path):
    (tmp_path / "m.obj").write_text("v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nf 1 2 3 4\n")
    mesh = read_mesh(tmp_path / "m.obj").mesh
    assert mesh.faces.shape == (2, 3)
    assert np.array_equal(mesh.vertices_zyx[2], [0, 1, 1])


@pytest.mark.parametrize("content", [b"", b"nothing of a mesh", b"v 1 2 3\n"])
@pytest.mark.parametrize("suffix", MESH_SUFFIXES)
def test_broken_file_is_refused_in_one_sentence(tmp_path, suffix, content):
    path = tmp_path / f"m{suffix}"
    path.write_bytes(content)
    with pytest.raises(TomoscribeError, match=f"m{suffix}"):
        read_mesh(path)


def test_unknown_suffix_and_missing_file_are_told(tmp_path):
    with pytest.raises(TomoscribeError, match="no file"):
        read_mesh(tmp_path / "m.obj")
    (tmp_path / "m.surf").write_text("x")
    with pytest.raises(TomoscribeError, match="can be read"):
        read_mesh(tmp_path / "m.surf")
    with pytest.raises(TomoscribeError, match="written as"):
        write_mesh(tmp_path / "m.surf", ball())
    with pytest.raises(TomoscribeError, match="voxel size"):
        write_mesh(tmp_path / "m.obj", ball(), unit="A")


def test_real_thylakoid_meshes_lie_on_their_segmentation(shared):
    """Their header origin is 3174 Å away in z; who ignores it is outside."""
    folder = shared / "data" / "thylakoid_membranes"
    for name in ("T1S2M15", "T1S4M8"):
        volume = open_volume(folder / f"{name}_seg.mrc.gz")
        read = read_mesh(folder / f"{name}.obj", volume.geometry)
        assert read.unit == "A"
        assert "from the header's origin" in read.notes[0]
        at = np.rint(read.mesh.vertices_zyx).astype(int)
        mask = np.asarray(volume.data[...]) > 0
        grown = np.zeros_like(mask)
        for step in np.ndindex(3, 3, 3):
            grown |= np.roll(mask, np.array(step) - 1, axis=(0, 1, 2))
        assert grown[tuple(at.T)].mean() > 0.99


@pytest.mark.parametrize("name", ["czi_triangular_mesh.obj", "czi_triangular_mesh.stl"])
def test_files_of_other_programs_hold_the_same_surface(shared, name):
    mesh, _ = repair_mesh(read_mesh(shared / "data" / "io_conformance" / "mesh" / name).mesh)
    legacy = read_mesh(shared / "data" / "io_conformance" / "mesh" / "czi_triangular_mesh.vtk").mesh
    other, _ = repair_mesh(legacy)
    assert len(mesh.faces) == len(other.faces)
    assert np.allclose(mesh.vertices_zyx.mean(axis=0), other.vertices_zyx.mean(axis=0), atol=1e-3)
