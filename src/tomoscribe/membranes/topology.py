"""Which triangles are neighbours, and meshes made such that every vertex has one fan of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import scipy

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.io.mesh_data import TriangleMesh


def edge_keys(faces: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return each triangle's edges as one number (F, 3), and whether they run upwards (F, 3)."""
    start, end = faces, np.roll(faces, -1, axis=1)
    low, high = np.minimum(start, end), np.maximum(start, end)
    keys: NDArray[np.int64] = low * (int(faces.max(initial=0)) + 1) + high
    return keys, start < end


def neighbours(
    faces: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of triangles that share an edge, and at which corner it starts in each."""
    keys = edge_keys(faces)[0].reshape(-1)
    order = np.argsort(keys, kind="stable")
    pair = np.flatnonzero(keys[order][1:] == keys[order][:-1])
    one, other = order[pair], order[pair + 1]
    return one // 3, other // 3, one % 3, other % 3


def open_edges(mesh: TriangleMesh) -> int:
    """Return how many edges do not belong to two triangles; 0: the mesh is closed."""
    _, counts = np.unique(edge_keys(mesh.faces)[0], return_counts=True)
    return int((counts != 2).sum())


def rim_edges(faces: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the directed edges (E, 2) that one triangle only has, and these triangles (E,)."""
    keys, _ = edge_keys(faces)
    _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
    owner, at = np.nonzero(counts[inverse.reshape(faces.shape)] == 1)
    return np.stack([faces[owner, at], faces[owner, (at + 1) % 3]], axis=1), owner


def one_fan_a_vertex(
    vertices: NDArray[np.float64], faces: NDArray[np.int64], notes: list[str]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Double vertices in which fans of triangles meet that share no edge there."""
    one, other, one_at, other_at = neighbours(faces)
    # Along an edge that both run through in opposite directions, starts meet ends.
    next_one, next_other = 3 * one + (one_at + 1) % 3, 3 * other + (other_at + 1) % 3
    rows = np.concatenate([3 * one + one_at, next_one])
    columns = np.concatenate([next_other, 3 * other + other_at])
    same = faces.reshape(-1)[rows] == faces.reshape(-1)[columns]
    corners = 3 * len(faces)
    graph = scipy.sparse.coo_array(
        (np.ones(int(same.sum()), dtype=np.int8), (rows[same], columns[same])),
        shape=(corners, corners),
    )
    count, fan = scipy.sparse.csgraph.connected_components(graph, directed=False)
    _, first = np.unique(fan, return_index=True)
    owner = faces.reshape(-1)[first]
    doubled = count - len(np.unique(owner))
    if not doubled:
        return vertices, faces
    notes.append(f"{many(doubled, 'vertex')} in which sheets touched doubled.")
    # The first fan of a vertex keeps it; others get new numbers at the end.
    number = owner.copy()
    _, keeps = np.unique(owner, return_index=True)
    extra = np.setdiff1d(np.arange(count), keeps)
    number[extra] = len(vertices) + np.arange(len(extra))
    grown = np.concatenate([vertices, vertices[owner[extra]]])
    return grown, number[fan].reshape(-1, 3)


def fill_holes(
    vertices: NDArray[np.float64], faces: NDArray[np.int64], longest: int | None = None
) -> tuple[NDArray[np.float64], NDArray[np.int64], int]:
    """Fill holes of at most `longest` edges (all: None) with a fan around a new vertex each.

    Returns vertices, faces and how many holes were filled. The winding must agree and every
    vertex have one fan only. Triangles between the old vertices instead of a new one could
    double an edge that is there already.
    """
    rim, _ = rim_edges(faces)
    if not len(rim):
        return vertices, faces, 0
    count = len(vertices)
    graph = scipy.sparse.coo_array((np.ones(len(rim), dtype=np.int8), rim.T), shape=(count, count))
    _, loop = scipy.sparse.csgraph.connected_components(graph, directed=False)
    loops, hole, sizes = np.unique(loop[rim[:, 0]], return_inverse=True, return_counts=True)
    small = np.ones(len(loops), dtype=bool) if longest is None else sizes <= longest
    if not small.any():
        return vertices, faces, 0
    number = np.cumsum(small) - 1
    rim, hole = rim[small[hole]], number[hole[small[hole]]]
    filled = int(small.sum())
    centres = (
        np.stack([np.bincount(hole, vertices[rim[:, 0], k], filled) for k in range(3)], axis=1)
        / np.bincount(hole, minlength=filled)[:, None]
    )
    fans = np.stack([rim[:, 1], rim[:, 0], count + hole], axis=1)
    return np.concatenate([vertices, centres]), np.concatenate([faces, fans]), filled


def many(count: int, what: str) -> str:
    """Return a count with its noun."""
    plural = {"vertex": "vertices"}.get(what, what + "s")
    return f"{count} {what if count == 1 else plural}"
