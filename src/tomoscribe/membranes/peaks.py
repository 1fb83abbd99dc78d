"""From scores on a mesh to positions: local maxima, none within a radius along the surface.

Sites on opposite leaflets never suppress each other, however thin the membrane is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy

from tomoscribe.membranes.geodesics import distance_to
from tomoscribe.membranes.nearest_triangle import nearest_in_triangles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.io.mesh_data import TriangleMesh

_REFINE_STEPS = 8


@dataclass(frozen=True)
class MeshPeaks:
    """Peaks of a score map, best first.

    Parameters
    ----------
    zyx : (N, 3) array of float64
        Positions on the surface, between vertices, in voxels.
    scores : (N,) array of float32
        The map's value at each peak's vertex, in descending order.
    vertices : (N,) array of int64
        The vertices that the peaks were found at.
    triangles : (N,) array of int64
        The triangles that the positions lie in.
    weights : (N, 3) array of float64
        What each corner of its triangle gives to a position; it interpolates normals as well.
    """

    zyx: NDArray[np.float64]
    scores: NDArray[np.float32]
    vertices: NDArray[np.int64]
    triangles: NDArray[np.int64]
    weights: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.scores)

    def above(self, min_score: float) -> MeshPeaks:
        """Return the peaks that reach a score: what a lower threshold's suppression would keep."""
        n = int(np.searchsorted(-self.scores, -np.float32(min_score), side="right"))
        return MeshPeaks(
            self.zyx[:n], self.scores[:n], self.vertices[:n], self.triangles[:n], self.weights[:n]
        )

    def normals_zyx(
        self, mesh: TriangleMesh, vertex_normals: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return unit normals (N, 3) at the positions, from those of the vertices (V, 3)."""
        corners = vertex_normals[mesh.faces[self.triangles]]
        normals = np.einsum("nk,nki->ni", self.weights, corners)
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        unit: NDArray[np.float64] = normals / np.where(length > 0, length, 1.0)
        return unit


def find_mesh_peaks(
    mesh: TriangleMesh,
    graph: scipy.sparse.csr_array,
    scores: NDArray[np.floating],
    radius_voxels: float,
    min_score: float,
    *,
    smoothing_voxels: float = 0.0,
) -> MeshPeaks:
    """Return the peaks of scores on a mesh, best first.

    A peak is a vertex, or a plateau of equal ones, without a higher neighbour. Peaks are taken
    from the highest on; one within the radius of a taken one, along the surface, is suppressed.
    Positions then move to the centre of mass of the scores within the radius, on the surface.
    Time and memory grow linearly with the vertices.

    Parameters
    ----------
    mesh : TriangleMesh
    graph : (V, V) csr array
        Of the mesh, from `geodesics.distance_graph`.
    scores : (V,) array
        Higher is better; NaN counts as 0.
    radius_voxels : float
        Smallest distance of two peaks along the surface.
    min_score : float
        Lowest score of a peak.
    smoothing_voxels : float
        Width (sigma) of a Gaussian over neighbouring vertices before maxima are sought; it
        joins the shoulders of noisy maps (a third of the radius: F1 0.97 instead of 0.89 on a
        map of MemBrain-pick). 0 leaves the scores as they are.

    Raises
    ------
    ValueError
        If there is not one score a vertex.
    """
    values = np.nan_to_num(np.asarray(scores, dtype=np.float32).reshape(-1), nan=0.0)
    if len(values) != len(mesh.vertices_zyx):
        raise ValueError(f"{len(values)} scores for {len(mesh.vertices_zyx)} vertices")
    if smoothing_voxels > 0:
        values = smooth_scores(graph, values, smoothing_voxels)
    found = _local_maxima(mesh, graph, values, min_score)
    found = found[np.lexsort((found, -values[found]))]
    kept = _suppress(mesh, graph, found, radius_voxels)
    zyx, triangles, weights = _refine(mesh, graph, values, kept, radius_voxels)
    return MeshPeaks(zyx, values[kept], kept, triangles, weights)


def smooth_scores(
    graph: scipy.sparse.csr_array, scores: NDArray[np.floating], sigma_voxels: float
) -> NDArray[np.float32]:
    """Return scores (V,) averaged over each vertex and its neighbours, Gaussian by distance."""
    near = scipy.sparse.csr_array(
        (np.exp(-0.5 * (graph.data / sigma_voxels) ** 2), graph.indices, graph.indptr),
        shape=graph.shape,
    )
    total = 1.0 + np.asarray(near.sum(axis=1)).reshape(-1)
    return np.asarray((scores + near @ scores) / total, dtype=np.float32)


def _local_maxima(
    mesh: TriangleMesh, graph: scipy.sparse.csr_array, values: NDArray[np.float32], min_score: float
) -> NDArray[np.int64]:
    """Return vertices without a higher neighbour; of a plateau the one nearest to its middle."""
    if not len(values):
        return np.zeros(0, dtype=np.int64)
    # Above the lowest value, so that an empty or constant map has no peak.
    high = (values >= min_score) & (values > values.min())
    rows = np.repeat(np.arange(graph.shape[0]), np.diff(graph.indptr))
    highest = np.full(len(values), -np.inf, dtype=np.float32)
    np.maximum.at(highest, rows, values[graph.indices])
    equal = high[rows] & (values[rows] == values[graph.indices])
    if not equal.any():
        return np.flatnonzero(high & (values > highest))
    ties = scipy.sparse.csr_array(
        (np.ones(int(equal.sum()), np.int8), (rows[equal], graph.indices[equal])),
        shape=graph.shape,
    )
    count, plateau = scipy.sparse.csgraph.connected_components(ties, directed=False)
    true = np.ones(count, dtype=bool)
    true[plateau[~high | (values < highest)]] = False
    members = np.flatnonzero(true[plateau])
    if not len(members):
        return members
    of = plateau[members]
    places = mesh.vertices_zyx[members]
    middle, _ = _weighted_means(places, np.ones(len(of)), of, count)
    away = np.linalg.norm(places - middle[of], axis=1)
    order = np.lexsort((members, away, of))
    first = np.concatenate([[True], of[order][1:] != of[order][:-1]])
    return np.sort(members[order[first]])


def _suppress(
    mesh: TriangleMesh, graph: scipy.sparse.csr_array, found: NDArray[np.int64], radius: float
) -> NDArray[np.int64]:
    """Return which vertices, best first, stay when none may be closer than the radius.

    Those that no better one is near to, even straight through, stay for certain; one limited
    search from all of them at once removes their neighbours. A few rounds do what one search a
    peak would, at a cost that does not grow with the number of peaks.
    """
    if len(found) < 2 or radius <= 0:
        return found
    pairs = scipy.spatial.cKDTree(mesh.vertices_zyx[found]).query_pairs(
        radius, output_type="ndarray"
    )
    pairs = np.sort(pairs, axis=1)
    live, kept = np.ones(len(found), bool), np.zeros(len(found), bool)
    while live.any():
        pairs = pairs[live[pairs].all(axis=1)]
        certain = live.copy()
        certain[pairs[:, 1]] = False
        kept |= certain
        distances = distance_to(graph, found[certain], radius)[found]
        live &= ~certain & (distances >= radius)
    return found[kept]


def _refine(
    mesh: TriangleMesh,
    graph: scipy.sparse.csr_array,
    values: NDArray[np.float32],
    peaks: NDArray[np.int64],
    radius: float,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Return positions (N, 3) on the surface, their triangles (N,) and corner weights (N, 3).

    The centre of mass of what stands above the window's lowest score, under a Gaussian window
    that moves along, as for heatmaps.
    """
    if not len(peaks):
        return np.zeros((0, 3)), np.zeros(0, np.int64), np.zeros((0, 3))
    window = max(radius, 1.5 * float(graph.data.mean()))
    distances, _, source = scipy.sparse.csgraph.dijkstra(
        graph, indices=peaks, min_only=True, limit=window, return_predecessors=True
    )
    inside = np.flatnonzero(np.isfinite(distances))
    number = np.full(len(values), -1, dtype=np.int64)
    number[peaks] = np.arange(len(peaks))
    of = number[source[inside]]
    places = mesh.vertices_zyx[inside]
    lowest = np.full(len(peaks), np.inf)
    np.minimum.at(lowest, of, values[inside])
    mass = (values[inside] - lowest[of]) * _areas(mesh)[inside]
    centre: NDArray[np.float64] = mesh.vertices_zyx[peaks]
    for _ in range(_REFINE_STEPS):
        squared = ((places - centre[of]) ** 2).sum(axis=1)
        weight = mass * np.exp(-2 * squared / window**2)
        mean, total = _weighted_means(places, weight, of, len(peaks))
        centre[total > 0] = mean[total > 0]
    number[inside] = of
    owners = number[mesh.faces]
    near, corner = np.nonzero(owners >= 0)
    return nearest_in_triangles(mesh, near, owners[near, corner], centre)


def _weighted_means(
    places: NDArray[np.float64],
    weights: NDArray[np.float64],
    group: NDArray[np.integer],
    count: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean place (G, 3) of each group and its total weight (G,); 0 for an empty one."""
    total = np.bincount(group, weights, count).astype(np.float64)
    mean = np.zeros((count, 3))
    for axis in range(3):
        mean[:, axis] = np.bincount(group, weights * places[:, axis], count)
    return mean / np.where(total > 0, total, 1.0)[:, None], total


def _areas(mesh: TriangleMesh) -> NDArray[np.float64]:
    """Return the share of the surface (V,) that each vertex stands for."""
    a, b, c = (mesh.vertices_zyx[mesh.faces[:, k]] for k in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
    shares = np.bincount(mesh.faces.reshape(-1), np.repeat(area, 3), len(mesh.vertices_zyx))
    return shares.astype(np.float64)
