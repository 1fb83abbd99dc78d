"""Cuts a piece out of a mesh that can be laid flat: all triangles near a point, without holes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.io.mesh_data import TriangleMesh

LEAST_FACES = 8

BALL = 1.5
"""Radii around the centre within which islands are looked for; a bump may stand out."""

MOST_FILLED = 0.1
"""Share of the piece that its holes may be; larger ones make it a ring, which is no disc."""


def disc_around(
    mesh: TriangleMesh, distances: NDArray[np.float32], reach: float, triangle: int
) -> NDArray[np.int64] | None:
    """Return the triangles within `reach` that hang together with one, if they are a disc."""
    near = np.flatnonzero((distances[mesh.faces] <= reach).all(axis=1))
    seat = np.flatnonzero(near == triangle)
    if len(near) < LEAST_FACES or not len(seat):
        return None
    near = _hanging_together(mesh.faces[near], near, int(seat[0]))
    near = _filled(mesh, near, triangle, reach)
    return near if _is_disc(mesh.faces[near]) else None


def _neighbours(faces: NDArray[np.int64]) -> sparse.csr_array:
    """Return which triangles share an edge, as a graph (F, F)."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    owner = np.tile(np.arange(len(faces)), 3)
    order = np.lexsort(edges.T)
    same = (edges[order][1:] == edges[order][:-1]).all(axis=1)
    a, b = owner[order][1:][same], owner[order][:-1][same]
    return sparse.csr_array((np.ones(len(a)), (a, b)), shape=(len(faces),) * 2)


def _hanging_together(
    faces: NDArray[np.int64], near: NDArray[np.int64], seat: int
) -> NDArray[np.int64]:
    _, parts = csgraph.connected_components(_neighbours(faces), directed=False)
    together: NDArray[np.int64] = near[parts == parts[seat]]
    return together


def _filled(
    mesh: TriangleMesh, near: NDArray[np.int64], triangle: int, reach: float
) -> NDArray[np.int64]:
    """Return the triangles with the small islands inside of them that distances left out.

    An island touches nothing but the piece. It is looked for in a ball around the centre only, so
    that the size of the whole mesh does not count.
    """
    centre = mesh.vertices_zyx[mesh.faces[triangle]].mean(axis=0)
    inside = ((mesh.vertices_zyx - centre) ** 2).sum(axis=1) <= (BALL * reach) ** 2
    ball = np.union1d(np.flatnonzero(inside[mesh.faces].all(axis=1)), near)
    graph = _neighbours(mesh.faces[ball])
    degrees = np.diff((graph + graph.T).indptr)
    rest = np.flatnonzero(~np.isin(ball, near))
    if not len(rest):
        return near
    count, parts = csgraph.connected_components(graph[rest][:, rest], directed=False)
    closed = np.ones(count, dtype=bool)
    np.logical_and.at(closed, parts, degrees[rest] == 3)
    holes = ball[rest[closed[parts]]]
    if len(holes) > MOST_FILLED * len(near):
        return near
    return np.sort(np.concatenate([near, holes]))


def _is_disc(faces: NDArray[np.int64]) -> bool:
    """Tell whether triangles form a disc: one rim, and Euler's number is 1."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    unique, counts = np.unique(edges, axis=0, return_counts=True)
    vertices = len(np.unique(faces))
    if vertices - len(unique) + len(faces) != 1 or counts.max() > 2:
        return False
    rim = unique[counts == 1]
    ends, degrees = np.unique(rim, return_counts=True)
    if not len(rim) or (degrees != 2).any():
        return False
    index = np.searchsorted(ends, rim)
    graph = sparse.csr_array((np.ones(len(rim)), index.T), shape=(len(ends),) * 2)
    return bool(csgraph.connected_components(graph, directed=False)[0] == 1)
