"""Distances along a mesh: the edge graph and limited shortest paths on it.

On a membrane of two leaflets they never leak through, as straight distances do. Paths along edges
alone are up to 17 % longer than the true geodesic (6 % on average, on a sphere), those that may
also cross an edge from corner to corner 4 % (1.3 %). What is measured is in the mesh's unit,
voxels as a rule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tomoscribe.io.mesh_data import TriangleMesh


def face_edges(faces: NDArray[np.int64], n_vertices: int) -> NDArray[np.int64]:
    """Return the edges (E, 2) of triangles (F, 3), each once, the lower vertex first, in order."""
    corners = np.asarray(faces, dtype=np.int64)
    pairs = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    keys = np.unique(pairs[:, 0] * np.int64(n_vertices) + pairs[:, 1])
    return np.stack([keys // n_vertices, keys % n_vertices], axis=1)


def edge_graph(mesh: TriangleMesh) -> scipy.sparse.csr_array:
    """Return the symmetric (V, V) graph of edge lengths, in voxels.

    Two different vertices at the same place keep an edge: its length is tiny instead of 0, which
    a sparse graph would read as no edge.
    """
    vertices, n = mesh.vertices_zyx, len(mesh.vertices_zyx)
    edges = face_edges(mesh.faces, n)
    lengths = np.linalg.norm(vertices[edges[:, 0]] - vertices[edges[:, 1]], axis=1)
    lengths = np.maximum(lengths, np.finfo(np.float32).tiny)
    rows = np.concatenate([edges[:, 0], edges[:, 1]]).astype(np.int32)
    columns = np.concatenate([edges[:, 1], edges[:, 0]]).astype(np.int32)
    values = np.concatenate([lengths, lengths])
    return scipy.sparse.csr_array((values, (rows, columns)), shape=(n, n))


def distance_graph(mesh: TriangleMesh) -> scipy.sparse.csr_array:
    """Return the edge graph with the short cut across each edge that two triangles share.

    The cut joins the two corners that face the edge, as long as it is with the triangles unfolded
    into one plane; where it would leave them there is none. Twice the edges, a third of the error.
    """
    vertices, n = mesh.vertices_zyx, len(mesh.vertices_zyx)
    edges, opposite = _inner_edges(mesh.faces, n)
    a, b = vertices[edges[:, 0]], vertices[edges[:, 1]]
    along = b - a
    length = np.maximum(np.linalg.norm(along, axis=1), np.finfo(np.float64).tiny)
    foot, height = np.empty((2, len(edges))), np.empty((2, len(edges)))
    for side in range(2):
        way = vertices[opposite[:, side]] - a
        foot[side] = np.einsum("ij,ij->i", way, along) / length
        squared = np.einsum("ij,ij->i", way, way) - foot[side] ** 2
        height[side] = np.sqrt(np.maximum(squared, 0.0))
    total = np.maximum(height.sum(axis=0), np.finfo(np.float64).tiny)
    crossing = (foot[0] * height[1] + foot[1] * height[0]) / total
    inside = (crossing > 0) & (crossing < length) & (opposite[:, 0] != opposite[:, 1])
    cut = np.hypot(foot[0] - foot[1], total)[inside]
    rows, columns = opposite[inside].T
    cuts = scipy.sparse.coo_array((cut, (rows, columns)), shape=(n, n))
    # Two ways between the same corners: the graph keeps the shorter, a sum would be neither.
    return _shorter_of(edge_graph(mesh), cuts)


def distance_to(
    graph: scipy.sparse.csr_array,
    sources: ArrayLike,
    limit: float = np.inf,
    offsets: ArrayLike | None = None,
) -> NDArray[np.float32]:
    """Return for each vertex the distance (V,) to the nearest source; inf beyond `limit`.

    Parameters
    ----------
    graph : (V, V) csr array
        From `distance_graph`, or from `edge_graph` where paths shall follow edges.
    sources : (S,) ints
        Vertices where paths start. None: all distances are inf.
    limit : float
        Farthest distance looked for, in the graph's unit; what it costs grows with it.
    offsets : (S,) floats, optional
        Length of the way before each source, for example from a point inside a triangle to its
        corners.

    Raises
    ------
    ValueError
        If a source is no vertex, or an offset is negative.
    """
    n = graph.shape[0]
    start = np.atleast_1d(np.asarray(sources, dtype=np.int64))
    distances = np.full(n, np.inf, dtype=np.float32)
    if start.size == 0:
        return distances
    if start.min() < 0 or start.max() >= n:
        raise ValueError(f"sources must be vertices 0..{n - 1}")
    if offsets is None:
        found = scipy.sparse.csgraph.dijkstra(
            graph, directed=True, indices=start, min_only=True, limit=limit
        )
        return np.asarray(found, dtype=np.float32)
    before = np.atleast_1d(np.asarray(offsets, dtype=np.float64))
    if (before < 0).any():
        raise ValueError("offsets must not be negative")
    origin = _with_origin(graph, start, before)
    found = scipy.sparse.csgraph.dijkstra(origin, directed=True, indices=[n], limit=limit)[0]
    return np.asarray(found[:n], dtype=np.float32)


def point_sources(
    mesh: TriangleMesh, triangles: NDArray[np.int64], points_zyx: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return sources and offsets (3N,) of points (N, 3) that lie in `triangles` (N,).

    The way from a point to the corners of its own triangle is straight.
    """
    corners = mesh.faces[triangles]
    ways = np.linalg.norm(mesh.vertices_zyx[corners] - points_zyx[:, None], axis=2)
    return corners.ravel(), ways.ravel()


def _inner_edges(
    faces: NDArray[np.int64], n_vertices: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the edges (E, 2) of exactly two triangles, and the corners (E, 2) that face them."""
    pairs = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]))
    facing = np.concatenate([faces[:, 2], faces[:, 0], faces[:, 1]])
    keys = pairs[:, 0] * np.int64(n_vertices) + pairs[:, 1]
    order = np.argsort(keys, kind="stable")
    _, first, count = np.unique(keys[order], return_index=True, return_counts=True)
    first = first[count == 2]
    return pairs[order[first]], np.stack([facing[order[first]], facing[order[first + 1]]], axis=1)


def _shorter_of(
    graph: scipy.sparse.csr_array, more: scipy.sparse.coo_array
) -> scipy.sparse.csr_array:
    n = graph.shape[0]
    known = graph.tocoo()
    rows = np.concatenate([known.row, more.row, more.col]).astype(np.int64)
    columns = np.concatenate([known.col, more.col, more.row]).astype(np.int64)
    lengths = np.concatenate([known.data, more.data, more.data])
    order = np.lexsort((lengths, columns, rows))
    keys = rows[order] * n + columns[order]
    kept = order[np.concatenate([[True], keys[1:] != keys[:-1]])]
    pairs = (rows[kept].astype(np.int32), columns[kept].astype(np.int32))
    return scipy.sparse.csr_array((lengths[kept], pairs), shape=(n, n))


def _with_origin(
    graph: scipy.sparse.csr_array, start: NDArray[np.int64], before: NDArray[np.float64]
) -> scipy.sparse.csr_array:
    """Return the graph and one more vertex with a one-way edge of its offset to every source."""
    n = graph.shape[0]
    order = np.lexsort((before, start))
    start, before = start[order], before[order]
    first = np.concatenate([[True], start[1:] != start[:-1]])
    start, before = start[first], np.maximum(before[first], np.finfo(np.float32).tiny)
    return scipy.sparse.csr_array(
        (
            np.concatenate([graph.data, before]),
            np.concatenate([graph.indices, start.astype(graph.indices.dtype)]),
            np.append(graph.indptr, graph.indptr[-1] + len(start)),
        ),
        shape=(n + 1, n + 1),
    )
