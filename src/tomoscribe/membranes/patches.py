"""Strokes of the brush on a membrane as a mask of its vertices: the part declared complete."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np
import scipy

from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes.geodesics import distance_graph, distance_to

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from scipy import sparse

    from tomoscribe.project.model import Patch


def patch_mask(
    graph: sparse.csr_array,
    vertices_zyx: NDArray[np.float64],
    patches: Iterable[Patch],
    *,
    base: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Return which vertices (V,) strokes cover, later strokes over earlier ones.

    A stroke covers what lies within its radius along the surface, never the other leaflet.
    Strokes that follow each other and do the same cost one search together.

    Parameters
    ----------
    graph : (V, V) csr array
        From `geodesics.distance_graph`, in voxels.
    vertices_zyx : (V, 3) array
        Voxels.
    patches : iterable of Patch
        Strokes on this membrane, oldest first; those of others are the caller's to leave out.
    base : (V,) array of bool, optional
        What older strokes cover: a new stroke needs no replay of them.
    """
    mask = np.zeros(len(vertices_zyx), dtype=bool) if base is None else base.copy()
    strokes = list(patches)
    if not strokes or not len(mask):
        return mask
    tree = scipy.spatial.cKDTree(vertices_zyx, balanced_tree=False, compact_nodes=False)
    for erase, group in groupby(strokes, key=lambda stroke: stroke.erase):
        mask[_covered(graph, vertices_zyx, tree, list(group))] = not erase
    return mask


def stroke_vertices(mesh: TriangleMesh, stroke: Patch) -> NDArray[np.int64]:
    """Return the vertices that one stroke covers, as `patch_mask` does, without a whole graph.

    No way along the surface is shorter than the straight one: what lies farther off than the
    radius is left out before ways are measured, so that a stroke costs as little on a huge mesh.
    """
    centre = np.asarray(stroke.center_zyx)
    box = np.abs(mesh.vertices_zyx - centre).max(axis=1) <= stroke.radius
    around = mesh.faces[box[mesh.faces].any(axis=1)]
    used, faces = np.unique(around, return_inverse=True)
    if not len(used):
        return used
    cut = TriangleMesh(mesh.vertices_zyx[used], faces.reshape(-1, 3))
    nearest = int(np.argmin(((cut.vertices_zyx - centre) ** 2).sum(axis=1)))
    graph = distance_graph(cut)
    start = np.concatenate(
        [[nearest], graph.indices[graph.indptr[nearest] : graph.indptr[nearest + 1]]]
    )
    ways = np.linalg.norm(cut.vertices_zyx[start] - centre, axis=1)
    distances = distance_to(graph, start, limit=stroke.radius, offsets=ways)
    return used[np.isfinite(distances)]


def _covered(
    graph: sparse.csr_array,
    vertices_zyx: NDArray[np.float64],
    tree: scipy.spatial.cKDTree,
    strokes: list[Patch],
) -> NDArray[np.bool_]:
    """Return what strokes cover together: one search, in which smaller strokes start later."""
    largest = max(stroke.radius for stroke in strokes)
    sources, offsets = [], []
    for stroke in strokes:
        centre = np.asarray(stroke.center_zyx)
        nearest = int(tree.query(centre)[1])
        # The neighbours too: the way from a centre between vertices is straight to each of them.
        around = graph.indices[graph.indptr[nearest] : graph.indptr[nearest + 1]]
        start = np.concatenate([[nearest], around])
        sources.append(start)
        ways = np.linalg.norm(vertices_zyx[start] - centre, axis=1)
        offsets.append(ways + (largest - stroke.radius))
    before = np.concatenate(offsets)
    distances = distance_to(graph, np.concatenate(sources), limit=largest, offsets=before)
    covered: NDArray[np.bool_] = np.isfinite(distances)
    return covered
