"""Picks on to a membrane: the outward normal of the nearest surface point, and how far it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.coords import Geometry
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.membrane_h5 import is_membrane_file, read_membrane_file
from tomoscribe.io.meshes import read_mesh
from tomoscribe.membranes.container import read_surface
from tomoscribe.membranes.locate import SurfaceLocator
from tomoscribe.membranes.repair import repair_mesh

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.io.pick_columns import PickColumns

FAR_A = 50.0
"""A particle's centre that is further from its membrane is likely in the wrong unit or place."""


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
        Warnings about picks that are far off.
    """

    columns: PickColumns
    distances_A: NDArray[np.float64]
    notes: tuple[str, ...]


def open_surface(
    path: Path, geometry: Geometry | None, voxel_size_A: float | None
) -> tuple[SurfaceLocator, Geometry, tuple[str, ...]]:
    """Return the surface of a container or mesh file, its geometry, and how it was read.

    Parameters
    ----------
    path : Path
        Container of tomoscribe or MemBrain-pick, or obj, ply, stl, vtp, vtk.
    geometry : Geometry or None
        Of the tomogram, which tells the unit of a mesh file.
    voxel_size_A : float or None
        Where neither tomogram nor container tell it.

    Raises
    ------
    TomoscribeError
        If it cannot be read, or no voxel size is known.
    """
    size = voxel_size_A if geometry is None else geometry.voxel_size_A
    if not is_membrane_file(path):
        if size is None:
            raise TomoscribeError(
                f"The voxel size of {path} is unknown: give --voxel-size-A, or its --tomogram."
            )
        read = read_mesh(path, geometry)
        mesh, notes = repair_mesh(read.mesh)
        if geometry is None:
            notes = (f"The coordinates of {path.name} are taken as voxels.", *notes)
        return (
            SurfaceLocator(mesh),
            geometry or Geometry((1, 1, 1), size),
            (*read.notes, *notes),
        )
    held = read_membrane_file(path)
    size = size or held.voxel_size_A
    if size is None:
        raise TomoscribeError(
            f"{path} does not tell its voxel size: give --voxel-size-A, or its --tomogram."
        )
    shape = held.tomogram_shape_zyx if geometry is None else geometry.shape_zyx
    surface = read_surface(held, shape, size)
    return (
        SurfaceLocator(surface.mesh, surface.normals_zyx),
        geometry or Geometry(shape or (1, 1, 1), size),
        surface.notes,
    )


def orient_picks(
    columns: PickColumns,
    surface: SurfaceLocator,
    geometry: Geometry,
    snap_A: float | None = None,
) -> OrientedPicks:
    """Return picks with the outward normals of the surface points nearest to them.

    Parameters
    ----------
    columns : PickColumns
        Picks in voxels.
    surface : SurfaceLocator
        The membrane, in voxels.
    geometry : Geometry
        Of the tomogram, for the voxel size.
    snap_A : float or None
        Picks within this distance are moved on to the surface; by default none is.

    Raises
    ------
    TomoscribeError
        If there are no picks, or the voxel size is unknown.
    """
    if not len(columns):
        raise TomoscribeError("There are no picks to orient.")
    size_A = geometry.require_voxel_size()
    nearest, _, normals, distances = surface.closest_many(columns.zyx)
    apart_A = distances * size_A
    zyx = columns.zyx.copy()
    if snap_A is not None:
        near = apart_A <= snap_A
        zyx[near] = nearest[near]
    oriented = replace(columns, zyx=zyx, normals_zyx=normals, angles_deg=None)
    return OrientedPicks(oriented, apart_A, _warnings(columns, surface, geometry, apart_A))


def _warnings(
    columns: PickColumns,
    surface: SurfaceLocator,
    geometry: Geometry,
    distances_A: NDArray[np.float64],
) -> tuple[str, ...]:
    """Return a sentence about picks that are far off, with the likely mistake."""
    far = int((distances_A > FAR_A).sum())
    if not far:
        return ()
    count = len(columns)
    sentence = f"{far} of {count} points are > {FAR_A:g} Å from the mesh"
    if far <= count / 2:
        return (f"{sentence}.",)
    size_A = geometry.require_voxel_size()
    origin = np.array(geometry.origin_zyx_A)
    guesses = {
        "Å instead of voxels": (columns.zyx - origin) / size_A,
        "Å, without the header's origin, instead of voxels": columns.zyx / size_A,
        "x y z in another order": columns.zyx[:, ::-1],
        **{f"voxels of a tomogram binned {n} times less": columns.zyx / n for n in (2, 4, 8)},
    }
    for what, zyx in guesses.items():
        if (surface.closest_many(zyx)[3] * size_A > FAR_A).mean() < 0.5:
            return (f"{sentence}: they look like {what}.",)
    return (f"{sentence}: they may belong to another membrane.",)
