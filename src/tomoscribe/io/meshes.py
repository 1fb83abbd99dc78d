"""Mesh files: obj, ply, stl, vtp and vtk, in whatever unit they are, to voxels and back."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tomoscribe.coords import A_to_voxels, voxels_to_A, xyz_to_zyx, zyx_to_xyz
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import atomic_path
from tomoscribe.io.mesh_data import TriangleMesh

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from tomoscribe.coords import Geometry

MESH_SUFFIXES = (".obj", ".ply", ".stl", ".vtp", ".vtk")
Unit = Literal["voxels", "A", "A from the corner", "nm"]
_MARGIN = 0.02
"""A unit must hold this much more of the mesh in the tomogram than a likelier one to be taken."""
_FINE_VOXELS, _FINEST_VOXELS = 0.5, 0.25
"""A mesh with shorter edges is in another unit, if one will do; with the shortest it surely is."""
_HOLDS = 0.5
"""A unit that leaves more than this share of the mesh outside the tomogram is not believed."""


@dataclass(frozen=True)
class ReadMesh:
    """A mesh file, read.

    Parameters
    ----------
    mesh : TriangleMesh
        In voxels where the tomogram's geometry was given, else in the file's unit.
    unit : str or None
        Unit of the file's coordinates; None: not judged.
    notes : tuple of str
        Sentences about how it was read.
    """

    mesh: TriangleMesh
    unit: Unit | None
    notes: tuple[str, ...] = ()


def is_mesh_file(path: str | Path) -> bool:
    """Return whether a path is a file that `read_mesh` reads, by its suffix."""
    place = Path(path)
    return place.suffix.lower() in MESH_SUFFIXES and place.is_file()


def read_mesh(
    path: str | Path, geometry: Geometry | None = None, unit: Unit | None = None
) -> ReadMesh:
    """Read a triangle mesh; other polygons are cut into triangles.

    Parameters
    ----------
    path : str or Path
    geometry : Geometry, optional
        The tomogram's box, which tells the unit of the coordinates: voxels, Å in the frame of
        the header's origin, Å from the corner, or nm.
    unit : str, optional
        The unit, where it is known.

    Raises
    ------
    TomoscribeError
        If it cannot be read, holds no triangles, or lies outside the tomogram in every unit.
    """
    place = Path(path)
    if not place.is_file():
        raise TomoscribeError(f"There is no file {place}.")
    if place.suffix.lower() not in MESH_SUFFIXES:
        raise TomoscribeError(
            f"{place} is not a mesh that can be read: {', '.join(MESH_SUFFIXES)} can."
        )
    mesh = _read(place)
    if geometry is None:
        return ReadMesh(mesh, unit)
    return _in_voxels(place, mesh, geometry, unit)


def _read(path: Path) -> TriangleMesh:
    import pyvista as pv

    try:
        with _silent_vtk():
            data: Any = pv.read(str(path))
    except (OSError, ValueError, TypeError, RuntimeError, AttributeError) as error:
        raise TomoscribeError(f"{path} is broken, or no mesh: it cannot be read.") from error
    if not isinstance(data, pv.PolyData):
        data = data.extract_surface(algorithm=None) if hasattr(data, "extract_surface") else None
    if data is None or not data.n_cells:
        raise TomoscribeError(f"{path} holds no triangles.")
    triangles = data.triangulate()
    faces = np.asarray(triangles.regular_faces, dtype=np.int64).reshape(-1, 3)
    if not len(faces):
        raise TomoscribeError(f"{path} holds no triangles.")
    return TriangleMesh(xyz_to_zyx(np.asarray(triangles.points, dtype=np.float64)), faces)


@contextmanager
def _silent_vtk() -> Iterator[None]:
    """Keep VTK and pyvista from telling on the terminal what an empty mesh tells us."""
    from vtkmodules.vtkCommonCore import vtkObject

    before = vtkObject.GetGlobalWarningDisplay()
    vtkObject.GlobalWarningDisplayOff()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            yield
    finally:
        vtkObject.SetGlobalWarningDisplay(before)


def voxels_of(
    vertices_zyx: NDArray[np.float64], geometry: Geometry, unit: Unit
) -> NDArray[np.float64]:
    """Return coordinates of a mesh file (V, 3), z y x in `unit`, as voxels."""
    if unit == "voxels":
        return vertices_zyx
    if unit == "A":
        return A_to_voxels(vertices_zyx, geometry)
    scale = 10.0 if unit == "nm" else 1.0
    return vertices_zyx * scale / geometry.require_voxel_size()


def shares_within(
    guesses: Sequence[NDArray[np.float64]],
    faces: NDArray[np.int64],
    shape_zyx: tuple[int, int, int],
) -> list[float]:
    """Return the share of the vertices within a tomogram, 0..1, for each guess of their voxels.

    0 for one that makes the mesh finer than the tomogram's voxels while another holds most of it,
    or much finer: a mesh in voxels that is read as Å shrinks into the tomogram's corner, and
    would always fit.

    Parameters
    ----------
    guesses : sequence of (V, 3) arrays
        z y x.
    faces : (F, 3) array
    shape_zyx : tuple of int
    """
    edges = [float(np.linalg.norm(v[faces[:, 0]] - v[faces[:, 1]], axis=1).mean()) for v in guesses]
    shares = [float(((v > -1) & (v < shape_zyx)).all(axis=1).mean()) for v in guesses]
    for least in (_FINE_VOXELS, _FINEST_VOXELS):
        good = [s if e >= least else 0.0 for s, e in zip(shares, edges, strict=True)]
        if max(good) >= _HOLDS:
            return good
    return good if max(edges) >= _FINEST_VOXELS else shares


_SENTENCES: dict[Unit, str] = {
    "voxels": "The mesh's coordinates are read as voxels: so it lies in the tomogram.",
    "A": "The mesh's coordinates are read as Å{origin}: so it lies in the tomogram.",
    "A from the corner": "The mesh's coordinates are read as Å from the tomogram's corner, "
    "not from the header's origin: so it lies in the tomogram.",
    "nm": "The mesh's coordinates are read as nm: so it lies in the tomogram.",
}


def _in_voxels(path: Path, mesh: TriangleMesh, geometry: Geometry, unit: Unit | None) -> ReadMesh:
    if unit is not None:
        return ReadMesh(
            TriangleMesh(voxels_of(mesh.vertices_zyx, geometry, unit), mesh.faces), unit
        )
    units: list[Unit] = ["voxels"]
    if geometry.voxel_size_A is not None:
        units += ["A", "nm"]
        if any(geometry.origin_zyx_A):
            units.insert(2, "A from the corner")
    shares = shares_within(
        [voxels_of(mesh.vertices_zyx, geometry, each) for each in units],
        mesh.faces,
        geometry.shape_zyx,
    )
    best, held = units[0], -1.0
    for each, share in zip(units, shares, strict=True):
        if share > held + _MARGIN:
            best, held = each, share
    if held < _HOLDS:
        low, high = mesh.vertices_zyx.min(axis=0), mesh.vertices_zyx.max(axis=0)
        spans = ", ".join(
            f"{axis} {a:.0f} to {b:.0f}" for axis, a, b in zip("zyx", low, high, strict=True)
        )
        raise TomoscribeError(
            f"{path} lies outside the tomogram ({' x '.join(map(str, geometry.shape_zyx))} voxels "
            f"z y x), be its coordinates voxels or Å: {spans}. Is it another tomogram, or was its "
            "origin lost?"
        )
    origin = ""
    if any(geometry.origin_zyx_A):
        origin = " from the header's origin, {} (z y x)".format(
            ", ".join(f"{o:g}" for o in geometry.origin_zyx_A)
        )
    note = _SENTENCES[best].format(origin=origin)
    return ReadMesh(
        TriangleMesh(voxels_of(mesh.vertices_zyx, geometry, best), mesh.faces), best, (note,)
    )


def write_mesh(
    path: str | Path,
    mesh: TriangleMesh,
    geometry: Geometry | None = None,
    unit: Literal["voxels", "A"] = "voxels",
) -> None:
    """Write a mesh, atomically; the format follows the suffix.

    Parameters
    ----------
    path : str or Path
        .obj, .ply, .stl, .vtp or .vtk.
    mesh : TriangleMesh
        In voxels.
    geometry : Geometry, optional
        Needed for Å, which are written in the frame of the header's origin.
    unit : str
        Of the coordinates in the file.

    Raises
    ------
    TomoscribeError
        If the suffix is unknown, the voxel size is, or the system refuses the write.
    """
    place = Path(path)
    suffix = place.suffix.lower()
    if suffix not in MESH_SUFFIXES:
        raise TomoscribeError(f"{place}: a mesh is written as {', '.join(MESH_SUFFIXES)}.")
    vertices = mesh.vertices_zyx
    if unit == "A":
        if geometry is None:
            raise TomoscribeError(f"To write {place} in Å, the tomogram's voxel size is needed.")
        vertices = voxels_to_A(vertices, geometry)
    xyz = zyx_to_xyz(vertices)
    with atomic_path(place) as temporary:
        if suffix == ".obj":
            _write_obj(temporary, xyz, mesh.faces)
        else:
            import pyvista as pv

            triangles: Any = mesh.faces
            pv.PolyData.from_regular_faces(xyz, triangles).save(str(temporary))


def _write_obj(path: Path, xyz: NDArray[np.float64], faces: NDArray[np.int64]) -> None:
    with path.open("w", encoding="ascii", newline="\n") as file:
        np.savetxt(file, xyz, fmt="v %.6f %.6f %.6f")
        np.savetxt(file, faces + 1, fmt="f %d %d %d")
