"""Nearest points on chosen triangles: what a search over the whole mesh would get wrong.

On a thin membrane the nearest triangle of all may be one of the other leaflet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.io.mesh_data import TriangleMesh


def nearest_in_triangles(
    mesh: TriangleMesh,
    triangles: NDArray[np.int64],
    owners: NDArray[np.int64],
    points_zyx: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Return for each point the nearest place among the triangles that it owns.

    Parameters
    ----------
    mesh : TriangleMesh
    triangles, owners : (M,) arrays of int64
        Triangles, and the point that each is a candidate for; every point owns one or more.
    points_zyx : (N, 3) array

    Returns
    -------
    zyx : (N, 3) array of float64
    triangles : (N,) array of int64
    weights : (N, 3) array of float64
        Barycentric: what each corner gives to the place.
    """
    corners = mesh.vertices_zyx[mesh.faces[triangles]]
    weights = closest_weights(corners, points_zyx[owners])
    places = np.einsum("nk,nki->ni", weights, corners)
    away = np.linalg.norm(places - points_zyx[owners], axis=1)
    order = np.lexsort((away, owners))
    chosen = order[np.searchsorted(owners[order], np.arange(len(points_zyx)))]
    return places[chosen], triangles[chosen], weights[chosen]


def closest_weights(
    corners: NDArray[np.float64], points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return barycentric weights (N, 3) of the places of triangles (N, 3, 3) nearest to points.

    The foot of the point on the triangle's plane, where it is inside; else the nearest place of
    the three edges (Ericson 2004, Real-Time Collision Detection, 5.1.5).
    """
    weights = np.zeros((len(points), 3))
    best = np.full(len(points), np.inf)
    for k in range(3):
        one, other = corners[:, k], corners[:, (k + 1) % 3]
        along = other - one
        length = np.einsum("ni,ni->n", along, along)
        share = np.einsum("ni,ni->n", points - one, along) / np.where(length > 0, length, 1.0)
        share = np.clip(share, 0.0, 1.0)
        away = np.linalg.norm(points - one - share[:, None] * along, axis=1)
        nearer = away < best
        best[nearer] = away[nearer]
        weights[nearer] = 0.0
        weights[nearer, k] = 1 - share[nearer]
        weights[nearer, (k + 1) % 3] = share[nearer]
    inside, foot = _feet(corners, points)
    weights[inside] = foot[inside]
    return weights


def _feet(
    corners: NDArray[np.float64], points: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Return which points' feet are inside of the triangles, and the feet's weights (N, 3)."""
    u, v = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    normal = np.cross(u, v)
    squared = np.einsum("ni,ni->n", normal, normal)
    to = points - corners[:, 0]
    safe = np.where(squared > 0, squared, 1.0)
    second = np.einsum("ni,ni->n", np.cross(to, v), normal) / safe
    third = np.einsum("ni,ni->n", np.cross(u, to), normal) / safe
    foot = np.stack([1 - second - third, second, third], axis=1)
    return (squared > 0) & (foot >= 0).all(axis=1), foot
