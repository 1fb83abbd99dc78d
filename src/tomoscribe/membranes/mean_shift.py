"""Mean shift as MemBrain-pick clusters scores, with the same parameters, sparse.

MemBrain-pick 0.0.9 (`clustering/mean_shift_utils.py`) holds a distance from every vertex to every
other and moves all of them until their mean shift is small. Here each one looks at its
neighbours only, those that have met go on as one, and those that stand still are left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

from tomoscribe.membranes.nearest_triangle import nearest_in_triangles
from tomoscribe.membranes.peaks import MeshPeaks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.io.mesh_data import TriangleMesh

DEFAULT_BANDWIDTH_A = 60.0
"""MemBrain-pick's default of 7 Å is below the distance of vertices: it finds nothing."""
DEFAULT_MIN_SCORE = 0.1
"""MemBrain-pick's threshold 9: a distance of 9 out of 10."""
MAX_ITERATIONS = 150
_STANDSTILL = 1e-3
_MERGE = 0.4
_MIN_MEMBERS = 5
"""MemBrain-pick's: mean shift in bandwidths that ends it, DBSCAN's radius and fewest members."""
_THIN, _MET, _STANDS = 0.2, 0.02, 1e-4
"""In bandwidths: seeds in one cell start as one, those so close have met, or stand still."""
_SEEDS_AT_ONCE = 4096


def find_mean_shift_peaks(
    mesh: TriangleMesh,
    scores: NDArray[np.floating],
    voxel_size_A: float,
    bandwidth_A: float = DEFAULT_BANDWIDTH_A,
    min_score: float = DEFAULT_MIN_SCORE,
    max_iterations: int = MAX_ITERATIONS,
) -> MeshPeaks:
    """Return MemBrain-pick's clusters as peaks on the surface, best first.

    Parameters
    ----------
    mesh : TriangleMesh
        In voxels.
    scores : (V,) array
        0..1, higher is better: 1 - a tenth of MemBrain-pick's.
    voxel_size_A : float
    bandwidth_A : float
        Reach of the kernel.
    min_score : float
        Vertices above it take part.
    max_iterations : int

    Notes
    -----
    Clusters are moved to the nearest place on the surface around the nearest vertex, whose
    score they take.
    """
    values = np.nan_to_num(np.asarray(scores, dtype=np.float32).reshape(-1), nan=0.0)
    points_A = mesh.vertices_zyx * voxel_size_A
    centres_A = mean_shift(points_A, values, bandwidth_A, min_score, max_iterations)
    if not len(centres_A):
        nothing = np.zeros(0, dtype=np.int64)
        return MeshPeaks(
            np.zeros((0, 3)), np.zeros(0, np.float32), nothing, nothing, np.zeros((0, 3))
        )
    centres = centres_A / voxel_size_A
    nearest = np.asarray(cKDTree(mesh.vertices_zyx).query(centres)[1], dtype=np.int64)
    order = np.argsort(-values[nearest], kind="stable")
    centres, nearest = centres[order], nearest[order]
    near, owner = _triangles_at(mesh, nearest)
    zyx, triangles, weights = nearest_in_triangles(mesh, near, owner, centres)
    return MeshPeaks(zyx, values[nearest], nearest, triangles, weights)


def mean_shift(
    points_A: NDArray[np.float64],
    scores: NDArray[np.floating],
    bandwidth_A: float,
    min_score: float = DEFAULT_MIN_SCORE,
    max_iterations: int = MAX_ITERATIONS,
) -> NDArray[np.float64]:
    """Return the cluster centres (C, 3) of scored points (N, 3), both in Å.

    Points with more than `min_score` move to the mean of those within the bandwidth, each
    weighted by max(0, bandwidth - distance) × (max(10 score, 0.01) + 0.05), until they stand
    still. Where five or more of them end within 0.4 bandwidths (DBSCAN) is a cluster.
    """
    taking_part = scores > min_score
    points = np.asarray(points_A, dtype=np.float64)[taking_part]
    if not len(points):
        return np.zeros((0, 3))
    mass = np.clip(10 * scores[taking_part].astype(np.float64), 0.01, 10) + 0.05
    tree = cKDTree(points)
    places, owner = _join(points, np.arange(len(points)), _THIN * bandwidth_A)
    moving = np.ones(len(places), dtype=bool)
    for _ in range(max_iterations):
        moved = _shift(tree, mass, places[moving], bandwidth_A)
        way = np.linalg.norm(moved - places[moving], axis=1) / bandwidth_A
        places[moving] = moved
        members = np.bincount(owner, minlength=len(places))
        if members[moving] @ way < _STANDSTILL * len(points):
            break
        moving[np.flatnonzero(moving)[way < _STANDS]] = False
        places, owner, moving = _meet(places, owner, moving, _MET * bandwidth_A)
    return _clusters(places, np.bincount(owner, minlength=len(places)), bandwidth_A)


def _shift(
    tree: cKDTree, mass: NDArray[np.float64], places: NDArray[np.float64], bandwidth: float
) -> NDArray[np.float64]:
    points = np.asarray(tree.data)
    moved = places.copy()
    for start in range(0, len(places), _SEEDS_AT_ONCE):
        part = places[start : start + _SEEDS_AT_ONCE]
        near = cKDTree(part).sparse_distance_matrix(tree, bandwidth, output_type="ndarray")
        weight = (bandwidth - near["v"]) * mass[near["j"]]
        matrix = sparse.csr_array((weight, (near["i"], near["j"])), shape=(len(part), len(points)))
        total = np.asarray(matrix.sum(axis=1)).reshape(-1)
        some = total > 0
        moved[start : start + len(part)][some] = (matrix @ points)[some] / total[some, None]
    return moved


def _meet(
    places: NDArray[np.float64], owner: NDArray[np.intp], moving: NDArray[np.bool_], cell: float
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.bool_]]:
    """Return places, owners and what moves after those that have met go on as one."""
    joined, member = _join(places, np.arange(len(places)), cell)
    goes_on = np.zeros(len(joined), dtype=bool)
    goes_on[member[moving]] = True
    return joined, member[owner], goes_on


def _join(
    places: NDArray[np.float64], owner: NDArray[np.intp], cell: float
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return one place for those in the same cell, and which of them each owner now has."""
    keys = np.floor(places / cell).astype(np.int64)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return places[first], inverse.reshape(-1)[owner]


def _clusters(
    places: NDArray[np.float64], members: NDArray[np.intp], bandwidth: float
) -> NDArray[np.float64]:
    """Return the mean of each cluster that DBSCAN finds (Ester et al. 1996)."""
    reach = _MERGE * bandwidth
    pairs = cKDTree(places).query_pairs(reach, output_type="ndarray")
    ones = np.ones(len(pairs), dtype=np.float64)
    shape = (len(places), len(places))
    near = sparse.csr_array((ones, (pairs[:, 0], pairs[:, 1])), shape=shape)
    near = (near + near.T).tocsr()
    core = (near @ members.astype(np.float64)) + members >= _MIN_MEMBERS
    linked = core[pairs].all(axis=1)
    edges = sparse.csr_array((ones[linked], (pairs[linked, 0], pairs[linked, 1])), shape=shape)
    _, label = csgraph.connected_components(edges, directed=False)
    found = np.where(core, label, -1)
    border = core[pairs[:, 0]] != core[pairs[:, 1]]
    inner = np.where(core[pairs[border, 0]], pairs[border, 0], pairs[border, 1])
    found[pairs[border].sum(axis=1) - inner] = label[inner]
    taken = found >= 0
    names, group = np.unique(found[taken], return_inverse=True)
    centres = np.zeros((len(names), 3))
    np.add.at(centres, group, places[taken] * members[taken, None])
    total = np.bincount(group, members[taken], minlength=len(names))
    return centres / total[:, None]


def _triangles_at(
    mesh: TriangleMesh, vertices: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the triangles (M,) around vertices (N,), and which of these each belongs to."""
    n_faces = len(mesh.faces)
    of_corner = sparse.csr_array(
        (np.ones(3 * n_faces, np.int8), mesh.faces.reshape(-1), np.arange(0, 3 * n_faces + 1, 3)),
        shape=(n_faces, len(mesh.vertices_zyx)),
    ).tocsc()
    around = [of_corner.indices[of_corner.indptr[v] : of_corner.indptr[v + 1]] for v in vertices]
    owner = np.repeat(np.arange(len(vertices)), [len(a) for a in around])
    return np.concatenate(around).astype(np.int64), owner
