"""The sheet half-way between the two faces of a membrane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes.even import spread_evenly
from tomoscribe.membranes.locate import SurfaceLocator
from tomoscribe.membranes.mesh_normals import face_areas_and_normals, vertex_normals_zyx
from tomoscribe.membranes.repair import repair_mesh
from tomoscribe.membranes.surface import raw_surface

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_OPPOSITE = -0.5
"""Cosine between the normals of both faces: at a rim they are not opposite."""
_THICK = 1.5
"""A rim's vertex looks across the sheet: this many times the membrane's thickness."""
_THICKEST_SHARE = 0.35
"""A part thicker than this share of its extent is no membrane but a body."""
_FINE_VOXELS2 = 4.0
"""Area a vertex of the closed surface, however coarse the sheet shall be."""
_OFF = 1e-3
"""Voxels; a ray starts a little within the surface that it leaves."""


def middle_surface(
    mask: NDArray[np.bool_],
    area_voxels2: float,
    between: Callable[[], None] = lambda: None,
) -> tuple[TriangleMesh, tuple[str, ...]]:
    """Return the sheet half-way between both faces of a mask, and sentences about it.

    Each vertex of the larger face moves inward by half of the thickness that a ray along its
    normal meets. The normals are those of that face: outward for a vesicle, one of two equal
    sides for a sheet.

    Parameters
    ----------
    mask : (Z, Y, X) array of bool
        A membrane, cropped.
    area_voxels2 : float
        Area a vertex.
    between : callable
        Called between the steps; what it raises ends the work.

    Raises
    ------
    TomoscribeError
        If the mask has no two faces, being a solid body or too small.
    """
    # Growing moves both faces alike, and the sheet between them stays.
    raw, _ = raw_surface(mask)
    between()
    smooth = spread_evenly(raw, min(area_voxels2, _FINE_VOXELS2))
    between()
    normals = vertex_normals_zyx(smooth)
    thickness = _thickness(smooth, normals)
    known = np.isfinite(thickness)
    if known.sum() < len(known) / 4:
        raise TomoscribeError("it has no two faces, so no sheet between them.")
    usual = float(np.median(thickness[known]))
    between()
    if usual > _THICKEST_SHARE * max(mask.shape):
        raise TomoscribeError(
            f"it is {usual:.0f} voxels thick, a body and no membrane: mesh it as a closed surface."
        )
    face, faces_count = _larger_face(smooth, known & (thickness < _THICK * usual))
    vertices = smooth.vertices_zyx - normals * np.where(known, thickness / 2, 0.0)[:, None]
    used, inverse = np.unique(face, return_inverse=True)
    sheet = TriangleMesh(vertices[used], inverse.reshape(face.shape).astype(np.int64))
    mesh, notes = repair_mesh(spread_evenly(sheet, area_voxels2))
    notes = tuple(n for n in notes if "open edge" not in n)
    if faces_count > 2:
        notes = (*notes, f"The largest of {faces_count} faces of the mask became the sheet.")
    return mesh, notes


def _thickness(mesh: TriangleMesh, normals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the way (V,) in voxels from each vertex inward to the opposite face, NaN if none."""
    locator = SurfaceLocator(mesh, normals)
    reach = float(np.linalg.norm(np.ptp(mesh.vertices_zyx, axis=0)))
    way = np.full(len(normals), np.nan)
    for i, (vertex, normal) in enumerate(zip(mesh.vertices_zyx, normals, strict=True)):
        hit = locator.intersect(vertex - _OFF * normal, vertex - reach * normal)
        if hit is not None and float(hit.normal_zyx @ normal) < _OPPOSITE:
            way[i] = float(np.linalg.norm(hit.zyx - vertex))
    return way


def _larger_face(mesh: TriangleMesh, good: NDArray[np.bool_]) -> tuple[NDArray[np.int64], int]:
    """Return the triangles of the largest part without the rim, and how many parts there are."""
    faces = mesh.faces[good[mesh.faces].all(axis=1)]
    if not len(faces):
        raise TomoscribeError("it has no two faces, so no sheet between them.")
    pairs = faces[:, [0, 1, 1, 2]].reshape(-1, 2)
    count = len(mesh.vertices_zyx)
    graph = scipy.sparse.coo_array(
        (np.ones(len(pairs), dtype=np.int8), pairs.T), shape=(count, count)
    )
    _, part = scipy.sparse.csgraph.connected_components(graph, directed=False)
    areas, _ = face_areas_and_normals(TriangleMesh(mesh.vertices_zyx, faces))
    area = np.bincount(part[faces[:, 0]], areas)
    large = int((area > area.max() / 10).sum())
    return faces[part[faces[:, 0]] == np.argmax(area)], large
