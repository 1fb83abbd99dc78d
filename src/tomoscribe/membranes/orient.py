"""Picks on to a membrane: the outward normal of the nearest surface point, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.coords import Geometry
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.membrane_h5 import is_membrane_file, read_membrane_file
from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.io.meshes import read_mesh
from tomoscribe.io.volumes import open_volume
from tomoscribe.membranes.container import read_surface
from tomoscribe.membranes.locate import SurfaceLocator
from tomoscribe.membranes.repair import repair_mesh
from tomoscribe.membranes.tomograms import check_same_grid, find_tomogram
from tomoscribe.membranes.units import far_A, judge_readings, pick_readings

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.io.pick_columns import PickColumns

_FINE_VOXELS, _COARSE_VOXELS = 0.5, 8.0
"""Edges of meshes of segmentations are between these; a unit that makes them finer is wrong."""


@dataclass(frozen=True)
class Surfaces:
    """A membrane's surface, in each unit that its file may count in, likeliest first.

    Parameters
    ----------
    surfaces : tuple of (str, SurfaceLocator)
        In voxels, each with its unit; that is empty where it is known.
    geometry : Geometry
        Of the tomogram; its shape is (1, 1, 1) where that is unknown.
    notes : tuple of str
    origin_known : bool
        Whether there was a tomogram to tell its origin.
    """

    surfaces: tuple[tuple[str, SurfaceLocator], ...]
    geometry: Geometry
    notes: tuple[str, ...]
    origin_known: bool


@dataclass(frozen=True)
class OrientedPicks:
    """Picks with the normals of a membrane.

    Parameters
    ----------
    columns : PickColumns
        With normals; in-plane angles are unknown.
    distances_A : ndarray
        (N,) distances of the picks to the surface.
    notes : tuple of str
        In which unit picks and mesh were read, and warnings about picks that are far off.
    """

    columns: PickColumns
    distances_A: NDArray[np.float64]
    notes: tuple[str, ...]


def open_surfaces(path: Path, geometry: Geometry | None, voxel_size_A: float | None) -> Surfaces:
    """Return the surface of a container or mesh file and the geometry of its tomogram.

    Parameters
    ----------
    path : Path
        Container of tomoscribe or MemBrain-pick, or obj, ply, stl, vtp, vtk.
    geometry : Geometry or None
        Of the tomogram; that which a container names if None.
    voxel_size_A : float or None
        Where neither tomogram nor container tell it.

    Raises
    ------
    TomoscribeError
        If it cannot be read, or no voxel size is known.
    """
    if is_membrane_file(path):
        return _of_container(path, geometry, voxel_size_A)
    size = voxel_size_A if geometry is None else geometry.voxel_size_A
    if size is None:
        raise TomoscribeError(
            f"The voxel size of {path} is unknown: give --voxel-size-A, or its --tomogram."
        )
    read = read_mesh(path, geometry)
    mesh, notes = repair_mesh(read.mesh)
    notes = (*read.notes, *notes)
    if geometry is not None:
        return Surfaces((("", SurfaceLocator(mesh)),), geometry, notes, origin_known=True)
    in_A = TriangleMesh(mesh.vertices_zyx / size, mesh.faces)
    units = [("voxels", mesh), ("Å", in_A)]
    if _edge(mesh) > _COARSE_VOXELS:
        units.reverse()
    likely = [(u, m) for u, m in units if _edge(m) >= _FINE_VOXELS] or units
    surfaces = tuple((unit, SurfaceLocator(m)) for unit, m in likely)
    return Surfaces(surfaces, Geometry((1, 1, 1), size), notes, origin_known=False)


def _edge(mesh: TriangleMesh) -> float:
    corners = mesh.vertices_zyx[mesh.faces[:, :2]]
    return float(np.linalg.norm(corners[:, 0] - corners[:, 1], axis=1).mean())


def _of_container(path: Path, geometry: Geometry | None, voxel_size_A: float | None) -> Surfaces:
    held = read_membrane_file(path)
    notes: tuple[str, ...] = ()
    if geometry is None:
        found, notes = find_tomogram(path, held.tomogram, held.tomogram_relative)
        if found is not None:
            geometry = open_volume(found, voxel_size_A).geometry
            check_same_grid(path, held.tomogram_shape_zyx, found, geometry.shape_zyx)
    size = voxel_size_A if geometry is None else geometry.voxel_size_A
    size = size or held.voxel_size_A
    if size is None:
        raise TomoscribeError(
            f"{path} does not tell its voxel size: give --voxel-size-A, or its --tomogram."
        )
    shape = held.tomogram_shape_zyx if geometry is None else geometry.shape_zyx
    surface = read_surface(held, shape, size)
    told = geometry is not None
    if geometry is None:
        geometry = Geometry(shape or (1, 1, 1), size)
    located = SurfaceLocator(surface.mesh, surface.normals_zyx)
    return Surfaces(
        (("", located),),
        replace(geometry, voxel_size_A=size),
        (*notes, *surface.notes),
        origin_known=told,
    )


def orient_picks(
    columns: PickColumns,
    membrane: Surfaces,
    snap_A: float | None = None,
    *,
    in_A: bool = False,
    force: bool = False,
) -> OrientedPicks:
    """Return picks with the outward normals of the surface points nearest to them.

    Units that the files do not tell, or tell wrongly, are those in which most picks are near the
    surface.

    Parameters
    ----------
    columns : PickColumns
        Picks in voxels.
    membrane : Surfaces
    snap_A : float or None
        Picks within this distance are moved on to the surface; by default none is.
    in_A : bool
        Whether the picks' file says that it counts in Å.
    force : bool
        Orient picks of which most are far off, too.

    Raises
    ------
    TomoscribeError
        If there are no picks, or most are far off.
    """
    if not len(columns):
        raise TomoscribeError("There are no picks to orient.")
    geometry = membrane.geometry
    size_A = geometry.require_voxel_size()
    zyx, surface, notes = _place(columns.zyx, membrane, in_A, force)
    nearest, _, normals, distances = surface.closest_many(zyx)
    apart_A = distances * size_A
    far = int((apart_A > far_A(size_A)).sum())
    if 0 < far <= len(zyx) / 2:
        notes += (f"{far} of {len(zyx)} points are > {far_A(size_A):g} Å from the mesh.",)
    zyx = zyx.copy()
    if snap_A is not None:
        near = apart_A <= snap_A
        zyx[near] = nearest[near]
    oriented = replace(columns, zyx=zyx, normals_zyx=normals, angles_deg=None)
    return OrientedPicks(oriented, apart_A, notes)


def _place(
    zyx: NDArray[np.float64], membrane: Surfaces, in_A: bool, force: bool
) -> tuple[NDArray[np.float64], SurfaceLocator, tuple[str, ...]]:
    """Return positions and surface in the units in which they fit, and which these are."""
    geometry = membrane.geometry
    size_A = geometry.require_voxel_size()
    readings = pick_readings(zyx, geometry, in_A)
    said = ""
    for unit, surface in membrane.surfaces:
        judged = judge_readings(readings, partial(_away_A, surface, size_A), size_A)
        said = said or judged.said
        if judged.reading is None:
            continue
        if not unit:
            return judged.reading.zyx, surface, judged.notes
        picks = judged.reading.unit or ("Å" if in_A else "voxels")
        note = f"The mesh's coordinates are read as {unit}, the picks' as {picks}: so they fit."
        if unit == "Å" or picks == "Å":
            note += " What is written counts from 0 Å: give --tomogram if it has an origin."
        return judged.reading.zyx, surface, (note,)
    first = membrane.surfaces[0][1]
    reason = f"{said}: {_likely_mistake(zyx, first, membrane)}."
    if not force:
        raise TomoscribeError(f"{reason} Nothing is written; --force writes them all the same.")
    return zyx, first, (reason,)


def _away_A(
    surface: SurfaceLocator, size_A: float, zyx: NDArray[np.float64]
) -> NDArray[np.float64]:
    return surface.closest_many(zyx)[3] * size_A


def _likely_mistake(zyx: NDArray[np.float64], surface: SurfaceLocator, membrane: Surfaces) -> str:
    size_A = membrane.geometry.require_voxel_size()
    guesses = {
        "x y z in another order": zyx[:, ::-1],
        **{f"voxels of a tomogram binned {n} times less": zyx / n for n in (2, 4, 8)},
    }
    for what, guess in guesses.items():
        if (surface.closest_many(guess)[3] * size_A > far_A(size_A)).mean() < 0.5:
            return f"they look like {what}"
    if not membrane.origin_known:
        return (
            "they may count in Å from an origin that only the tomogram tells (give --tomogram), "
            "or belong to another membrane"
        )
    return "they may belong to another membrane, or the voxel size may be wrong"
