"""Meshes as others make them, mended: what a surface needs before anything is computed on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order, connected_components

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.mesh_data import TriangleMesh

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SAME = 1e-5
"""Vertices closer than this share of the mean edge are one: rounding of text files."""
_SLIVER = 1e-6
"""Triangles with less than this share of the mean area are slivers without a normal."""


def repair_mesh(mesh: TriangleMesh) -> tuple[TriangleMesh, tuple[str, ...]]:
    """Return a mesh that can be computed on, and sentences about what was mended.

    Vertices at the same place become one; triangles without area, doubled triangles and third
    triangles at an edge go; unused vertices go; the winding becomes the same all over each
    part, and outward where a part is closed.

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
    faces = _wound_alike(vertices, faces, notes)
    used, inverse = np.unique(faces, return_inverse=True)
    if len(used) < len(vertices):
        notes.append(f"{_many(len(vertices) - len(used), 'vertex')} without triangles left out.")
    mended = TriangleMesh(vertices[used], inverse.reshape(faces.shape).astype(np.int64))
    return mended, tuple(notes)


def _many(count: int, what: str) -> str:
    plural = {"vertex": "vertices"}.get(what, what + "s")
    return f"{count} {what if count == 1 else plural}"


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
    notes.append(f"{_many(len(vertices) - len(first), 'vertex')} at the place of others merged.")
    # Order as in the file, so that a mesh without duplicates keeps its numbers.
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return vertices[first[order]], rank[inverse.reshape(-1)][faces]


def _without_slivers(
    vertices: NDArray[np.float64], faces: NDArray[np.int64], notes: list[str]
) -> NDArray[np.int64]:
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    good = area > _SLIVER * area.mean() if len(area) else np.zeros(0, dtype=bool)
    _, first = np.unique(np.sort(faces, axis=1), axis=0, return_index=True)
    single = np.zeros(len(faces), dtype=bool)
    single[first] = True
    if not good.all():
        notes.append(f"{_many(int((~good).sum()), 'triangle')} without area left out.")
    if not single[good].all():
        notes.append(f"{_many(int((~single & good).sum()), 'doubled triangle')} left out.")
    return faces[good & single]


def _edges(faces: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each triangle's edges as one number (F, 3), and whether they run upwards (F, 3)."""
    start, end = faces, np.roll(faces, -1, axis=1)
    low, high = np.minimum(start, end), np.maximum(start, end)
    keys: NDArray[np.int64] = low * (int(faces.max(initial=0)) + 1) + high
    return keys, start < end


def _without_third_triangles(
    vertices: NDArray[np.float64], faces: NDArray[np.int64], notes: list[str]
) -> NDArray[np.int64]:
    """Leave the two largest triangles at every edge."""
    removed = 0
    while len(faces):
        keys, _ = _edges(faces)
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
            f"{_many(removed, 'triangle')} left out at edges that more than two triangles share."
        )
    return faces


def _wound_alike(
    vertices: NDArray[np.float64], faces: NDArray[np.int64], notes: list[str]
) -> NDArray[np.int64]:
    """Turn triangles so that neighbours agree, and closed parts outward."""
    keys, upward = _edges(faces)
    order = np.argsort(keys.reshape(-1), kind="stable")
    key, up, owner = keys.reshape(-1)[order], upward.reshape(-1)[order], order // 3
    pair = np.flatnonzero(key[1:] == key[:-1])
    one, other = owner[pair], owner[pair + 1]
    # Neighbours that agree run along their edge in opposite directions.
    differs = up[pair] == up[pair + 1]
    count = len(faces)
    graph = coo_array((np.where(differs, 2, 1), (one, other)), shape=(count, count)).tocsr()
    graph = graph + graph.T
    _, part = connected_components(graph, directed=False)
    flip = _parity(graph, part)
    mixed = int((flip[one] ^ flip[other] ^ differs).sum())
    turned = np.where(flip[:, None], faces[:, ::-1], faces)
    is_open = np.zeros(part.max() + 1, dtype=bool)
    lonely = np.ones(len(key), dtype=bool)
    lonely[pair] = lonely[pair + 1] = False
    is_open[part[owner[lonely]]] = True
    inward = _inside_out(vertices, turned, part, is_open, flip)
    turned = np.where(inward[part][:, None], turned[:, ::-1], turned)
    changed = (flip ^ inward[part]).sum()
    if changed:
        notes.append(f"The winding of {changed} of {_many(count, 'triangle')} was turned.")
    if mixed:
        notes.append("A part of the mesh has only one side (a Möbius strip): its normals break.")
    if is_open.any():
        notes.append(
            f"The surface has holes or rims ({_many(int(lonely.sum()), 'open edge')}): where it "
            "is not closed, which side is outside is taken from its winding."
        )
    return turned.astype(np.int64)


def _parity(graph: object, part: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return which triangles must be turned to agree with the first one of their part."""
    from scipy.sparse import csr_array

    links = csr_array(graph)
    flip = np.zeros(links.shape[0], dtype=bool)
    if not (links.data == 2).any():
        return flip
    for first in np.unique(part, return_index=True)[1]:
        order, before = breadth_first_order(links, first, directed=False)
        steps = np.asarray(links[before[order[1:]], order[1:]]).reshape(-1) == 2
        for node, parent, turns in zip(order[1:], before[order[1:]], steps, strict=True):
            flip[node] = flip[parent] ^ turns
    return flip


def _inside_out(
    vertices: NDArray[np.float64],
    faces: NDArray[np.int64],
    part: NDArray[np.int32],
    is_open: NDArray[np.bool_],
    flip: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Return which parts must be turned: closed ones by volume, open ones by their majority.

    A closed part within another one is the wall of a cavity: its outside is the cavity.
    """
    middle = vertices.mean(axis=0)
    a, b, c = (vertices[faces[:, k]] - middle for k in range(3))
    # Mirrored axes (z y x) turn the sign of the volume.
    volume = -np.bincount(part, np.einsum("ij,ij->i", a, np.cross(b, c)), minlength=len(is_open))
    turned_share = np.bincount(part, flip, minlength=len(is_open)) / np.bincount(part)
    cavity = _is_cavity(vertices, faces, part, ~is_open)
    return np.where(is_open, turned_share > 0.5, (volume < 0) ^ cavity)


def _is_cavity(
    vertices: NDArray[np.float64],
    faces: NDArray[np.int64],
    part: NDArray[np.int32],
    closed: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Return which closed parts lie within an odd number of other closed parts."""
    cavity = np.zeros(len(closed), dtype=bool)
    order = np.argsort(part, kind="stable")
    first = np.searchsorted(part[order], np.arange(len(closed) + 1))
    members = [order[first[i] : first[i + 1]] for i in range(len(closed))]
    lows = np.array([vertices[faces[m]].min(axis=(0, 1)) for m in members])
    highs = np.array([vertices[faces[m]].max(axis=(0, 1)) for m in members])
    for inner in np.flatnonzero(closed):
        around = (lows < lows[inner]).all(axis=1) & (highs > highs[inner]).all(axis=1) & closed
        point = vertices[faces[members[inner][0], 0]]
        for outer in np.flatnonzero(around):
            turns = abs(_winding_number(vertices[faces[members[outer]]], point))
            cavity[inner] ^= turns > 0.5
    return cavity


def _winding_number(triangles: NDArray[np.float64], point: NDArray[np.float64]) -> float:
    """Return how often triangles (F, 3, 3) go round a point (van Oosterom and Strackee 1983)."""
    a, b, c = (triangles[:, k] - point for k in range(3))
    la, lb, lc = (np.linalg.norm(v, axis=1) for v in (a, b, c))
    above = np.einsum("ij,ij->i", a, np.cross(b, c))
    ab, bc, ca = (np.einsum("ij,ij->i", u, v) for u, v in ((a, b), (b, c), (c, a)))
    below = la * lb * lc + ab * lc + bc * la + ca * lb
    return float(np.arctan2(above, below).sum() / (2 * np.pi))
