"""Meshes as others make them, mended: what a surface needs before anything is computed on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes.topology import edge_keys, fill_holes, many, one_fan_a_vertex
from tomoscribe.membranes.winding import outward, wound_alike

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAME = 1e-5
"""Vertices closer than this share of the mean edge are one: rounding of text files."""
_SLIVER = 1e-6
"""Triangles with less than this share of the mean area are slivers without a normal."""
_HOLE_EDGES = 12
"""Longer holes are rims of a sheet that was never closed."""


def repair_mesh(
    mesh: TriangleMesh, longest_hole: int | None = _HOLE_EDGES
) -> tuple[TriangleMesh, tuple[str, ...]]:
    """Return a mesh that can be computed on, and sentences about what was mended.

    Vertices at the same place become one; triangles without area close, doubled triangles and
    third triangles at an edge go; the winding becomes the same all over each part; sheets that
    touch in a vertex only get one each; small holes are filled; closed parts are turned
    outward; unused vertices go.

    Parameters
    ----------
    mesh : TriangleMesh
    longest_hole : int or None
        Holes with at most so many edges are filled; None: all, for a surface that must close.

    Raises
    ------
    TomoscribeError
        If no triangle is left, or vertices are NaN.
    """
    if len(mesh.vertices_zyx) and not np.isfinite(mesh.vertices_zyx).all():
        raise TomoscribeError("Vertices of the mesh are NaN or infinite: make the mesh again.")
    notes: list[str] = []
    vertices, faces = _merge_vertices(mesh.vertices_zyx, mesh.faces, notes)
    faces = _without_slivers(vertices, faces, notes)
    faces = _without_third_triangles(vertices, faces, notes)
    if not len(faces):
        raise TomoscribeError("The mesh has no triangle with an area: there is no surface.")
    faces = wound_alike(faces, notes)
    vertices, faces = one_fan_a_vertex(vertices, faces, notes)
    vertices, faces, filled = fill_holes(vertices, faces, longest_hole)
    if filled:
        notes.append(f"{many(filled, 'hole')} filled.")
    faces = outward(vertices, faces, notes)
    used, inverse = np.unique(faces, return_inverse=True)
    if len(used) < len(vertices):
        notes.append(f"{many(len(vertices) - len(used), 'vertex')} without triangles left out.")
    mended = TriangleMesh(vertices[used], inverse.reshape(faces.shape).astype(np.int64))
    return mended, tuple(notes)


def _mean_edge(vertices: NDArray[np.float64], faces: NDArray[np.int64]) -> float:
    if not len(faces):
        return 0.0
    return float(np.linalg.norm(vertices[faces[:, 0]] - vertices[faces[:, 1]], axis=1).mean())


def _merge_vertices(
    vertices: NDArray[np.float64], faces: NDArray[np.int64], notes: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    grain = _SAME * _mean_edge(vertices, faces)
    if grain <= 0:
        return vertices, faces
    keys = np.rint((vertices - vertices.min(axis=0)) / grain).astype(np.int64)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    if len(first) == len(vertices):
        return vertices, faces
    notes.append(f"{many(len(vertices) - len(first), 'vertex')} at the place of others merged.")
    # Order as in the file, so that a mesh without duplicates keeps its numbers.
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return vertices[first[order]], rank[inverse.reshape(-1)][faces]


def _without_slivers(
    vertices: NDArray[np.float64], faces: NDArray[np.int64], notes: list[str]
) -> NDArray[np.int64]:
    """Close triangles without area by making their nearest corners one; leave no doubled one.

    Leaving them out instead would open a crack.
    """
    slivers = 0
    while len(faces):
        corners = vertices[faces]
        area = np.linalg.norm(
            np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
        )
        thin = np.flatnonzero(area <= _SLIVER * area.mean())
        if not len(thin):
            break
        slivers += len(thin)
        sides = np.linalg.norm(corners[thin] - np.roll(corners[thin], -1, axis=1), axis=2)
        start = np.argmin(sides, axis=1)
        ends = faces[thin, start], faces[thin, (start + 1) % 3]
        count = len(vertices)
        graph = scipy.sparse.coo_array(
            (np.ones(len(thin), dtype=np.int8), ends), shape=(count, count)
        )
        _, group = scipy.sparse.csgraph.connected_components(graph, directed=False)
        first = np.unique(group, return_index=True)[1]
        faces = first[group][faces]
        faces = faces[(faces != np.roll(faces, -1, axis=1)).all(axis=1)]
    if slivers:
        notes.append(f"{many(slivers, 'triangle')} without area closed.")
    return _without_doubled(faces, notes)


def _without_doubled(faces: NDArray[np.int64], notes: list[str]) -> NDArray[np.int64]:
    """Leave one of equal triangles; two that lie back to back enclose nothing, and both go."""
    ordered = np.sort(faces, axis=1)
    _, first, inverse, times = np.unique(
        ordered, axis=0, return_index=True, return_inverse=True, return_counts=True
    )
    if not (times > 1).any():
        return faces
    notes.append(f"{many(int((times - 1).sum()), 'doubled triangle')} left out.")
    once = faces[np.sort(first)]
    keys, _ = edge_keys(once)
    _, edge, shared = np.unique(keys, return_inverse=True, return_counts=True)
    # Without it, do its edges still have two triangles each?
    needless = (shared[edge.reshape(once.shape)] == 3).all(axis=1)
    twice = times[inverse.reshape(-1)[np.sort(first)]] == 2
    left: NDArray[np.int64] = once[~(needless & twice)]
    return left


def _without_third_triangles(
    vertices: NDArray[np.float64], faces: NDArray[np.int64], notes: list[str]
) -> NDArray[np.int64]:
    """Leave the two largest triangles at every edge."""
    removed = 0
    while len(faces):
        keys, _ = edge_keys(faces)
        a, b, c = (vertices[faces[:, k]] for k in range(3))
        area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        order = np.lexsort((-np.repeat(area, 3), keys.reshape(-1)))
        sorted_keys = keys.reshape(-1)[order]
        third = np.zeros(len(order), dtype=bool)
        third[2:] = sorted_keys[2:] == sorted_keys[:-2]
        if not third.any():
            break
        bad = np.unique(order[third] // 3)
        removed += len(bad)
        faces = np.delete(faces, bad, axis=0)
    if removed:
        notes.append(
            f"{many(removed, 'triangle')} left out at edges that more than two triangles share."
        )
    return faces
