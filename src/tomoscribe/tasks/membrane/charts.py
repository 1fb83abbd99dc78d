"""Charts: small flat maps of a surface, so that plain 2D convolutions can see it.

Around a vertex the surface is laid out in its tangent plane, lengths kept along the way from the
middle (an approximate logarithmic map; exact on planes and spheres). Each pixel of a chart lies in
one triangle of the mesh and knows its corners. Only what is near along the surface is on a chart,
so that the other face of a membrane never is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csgraph
from scipy.spatial import KDTree

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

_WIDEST_TURN = np.deg2rad(120.0)
"""What turns away further from the middle of a chart is not laid out on it."""
_MOST_TRIANGLES = 8
"""Triangles around a vertex that a pixel is looked up in; regular meshes have six."""
_OUTSIDE = -0.25
"""A pixel is off the surface where the best triangle's share of a corner is below this."""
_SOURCES_AT_ONCE = 32


@dataclass(frozen=True)
class Charts:
    """Charts of one membrane, `size` pixels square.

    Parameters
    ----------
    centres : (N,) array of int
        Vertex in the middle of each chart.
    corners : (N, P, P, 3) array of int32
        The vertices that a pixel lies between.
    shares : (N, P, P, 3) array of float32
        Their shares, which sum to 1; all 0 where the surface does not reach.
    owners, vertices : (M,) arrays of int
        For each vertex on the inner part of a chart: which chart, which vertex.
    places : (M, 2) array of float32
        Where it lies there: row and column in pixels.
    weights : (M,) array of float32
        How much the chart counts for it: 1 in the middle, falling to 0 at the inner part's rim.
    """

    centres: NDArray[np.int64]
    corners: NDArray[np.int32]
    shares: NDArray[np.float32]
    owners: NDArray[np.int64]
    vertices: NDArray[np.int64]
    places: NDArray[np.float32]
    weights: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.centres)


@dataclass(frozen=True)
class Surface:
    """What charts are made of: a mesh in voxels, its normals and its graph of distances."""

    vertices_zyx: NDArray[np.float64]
    faces: NDArray[np.int64]
    normals_zyx: NDArray[np.float64]
    graph: csr_array


@dataclass(frozen=True)
class _Chart:
    """One chart; the fields are those of `Charts`."""

    corners: NDArray[np.int32]
    shares: NDArray[np.float32]
    vertices: NDArray[np.int64]
    places: NDArray[np.float32]
    weights: NDArray[np.float32]


def make_charts(
    surface: Surface,
    wanted: NDArray[np.int64],
    *,
    size: int,
    pixel: float,
    margin: int,
    rng: np.random.Generator,
) -> Charts:
    """Return charts on whose inner parts all `wanted` vertices lie.

    Parameters
    ----------
    surface : Surface
        Of one membrane.
    wanted : (W,) array of int
        Vertices to cover.
    size : int
        Pixels along an edge.
    pixel : float
        Edge of a pixel, voxels.
    margin : int
        Pixels at the rim whose values the network cannot know well.
    rng : numpy.random.Generator
        Of the order and the rotation of the charts.
    """
    reach = (size / 2 - margin) * pixel
    centres = _cover(surface, wanted, 0.75 * reach, rng)
    around = _triangles_around(surface)
    parts = [
        _make_chart(surface, around, int(c), near, size, pixel, margin, rng)
        for c, near in _near(surface, centres, size * pixel / np.sqrt(2) * 1.1)
    ]
    return Charts(
        centres,
        np.stack([part.corners for part in parts]),
        np.stack([part.shares for part in parts]),
        np.repeat(np.arange(len(parts)), [len(part.vertices) for part in parts]),
        np.concatenate([part.vertices for part in parts]),
        np.concatenate([part.places for part in parts]),
        np.concatenate([part.weights for part in parts]),
    )


def _cover(
    surface: Surface, wanted: NDArray[np.int64], radius: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return vertices of `wanted` so that each has one of them within `radius`, on its own face."""
    left = np.zeros(len(surface.vertices_zyx), bool)
    left[wanted] = True
    tree = KDTree(surface.vertices_zyx)
    centres = []
    for vertex in rng.permutation(wanted).tolist():
        if not left[vertex]:
            continue
        centres.append(vertex)
        near = np.array(tree.query_ball_point(surface.vertices_zyx[vertex], radius))
        same = surface.normals_zyx[near] @ surface.normals_zyx[vertex] > 0.5
        left[near[same]] = False
        left[vertex] = False
    return np.array(centres, dtype=np.int64)


def _near(
    surface: Surface, centres: NDArray[np.int64], reach: float
) -> list[tuple[int, NDArray[np.int64]]]:
    """Return each centre with the vertices that lie within `reach` of it along the surface."""
    found = []
    for start in range(0, len(centres), _SOURCES_AT_ONCE):
        some = centres[start : start + _SOURCES_AT_ONCE]
        far = csgraph.dijkstra(surface.graph, directed=False, indices=some, limit=1.15 * reach)
        found += [
            (int(c), np.flatnonzero(np.isfinite(row))) for c, row in zip(some, far, strict=True)
        ]
    return found


def _triangles_around(surface: Surface) -> NDArray[np.int64]:
    """Return the triangles (V, 8) at each vertex, repeated where there are fewer."""
    faces, count = surface.faces, len(surface.vertices_zyx)
    corner = faces.ravel()
    order = np.argsort(corner, kind="stable")
    first = np.searchsorted(corner[order], np.arange(count + 1))
    degree = np.maximum(np.diff(first), 1)
    step = np.arange(_MOST_TRIANGLES)[None, :] % degree[:, None]
    place = np.minimum(first[:-1, None] + step, len(order) - 1)
    return np.asarray(order[place] // 3, dtype=np.int64)


def _make_chart(
    surface: Surface,
    around: NDArray[np.int64],
    centre: int,
    near: NDArray[np.int64],
    size: int,
    pixel: float,
    margin: int,
    rng: np.random.Generator,
) -> _Chart:
    near, flat = _lay_out(surface, centre, near, rng.uniform(0, 2 * np.pi))
    flat = flat / pixel + (size - 1) / 2
    known = np.full((len(surface.vertices_zyx), 2), np.nan, np.float32)
    known[near] = flat
    axis = np.arange(size)
    pixels = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    _, nearest = KDTree(flat).query(pixels)
    triangles = around[near[nearest]]
    corners, shares = _locate(pixels, surface.faces[triangles], known)
    radius = np.linalg.norm(flat - (size - 1) / 2, axis=1) / (size / 2 - margin)
    inner = radius < 1
    weights = ((1 - radius[inner] ** 2) ** 2 + 1e-3).astype(np.float32)
    shape = (size, size, 3)
    return _Chart(
        corners.reshape(shape).astype(np.int32),
        shares.reshape(shape).astype(np.float32),
        near[inner],
        flat[inner].astype(np.float32),
        weights,
    )


def _lay_out(
    surface: Surface, centre: int, near: NDArray[np.int64], turn: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the vertices that can be laid out, and where (N, 2), in voxels from the middle.

    The length of an arc over a chord whose ends turn by an angle is exact on circles.
    """
    normal = surface.normals_zyx[centre]
    turned = np.arccos(np.clip(surface.normals_zyx[near] @ normal, -1, 1))
    near, turned = near[turned < _WIDEST_TURN], turned[turned < _WIDEST_TURN]
    away = surface.vertices_zyx[near] - surface.vertices_zyx[centre]
    chord = np.linalg.norm(away, axis=1)
    arc = chord / np.sinc(turned / (2 * np.pi))
    first = np.cross(normal, np.eye(3)[np.argmin(np.abs(normal))])
    first /= np.linalg.norm(first)
    second = np.cross(normal, first)
    cos, sin = np.cos(turn), np.sin(turn)
    axes = np.stack([cos * first + sin * second, cos * second - sin * first])
    along = away @ axes.T
    length = np.maximum(np.linalg.norm(along, axis=1), 1e-9)
    return near, along * (arc / length)[:, None]


def _locate(
    pixels: NDArray[np.int64], candidates: NDArray[np.int64], flat: NDArray[np.float32]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the corners (N, 3) of the triangle that each pixel lies in, and their shares.

    Parameters
    ----------
    pixels : (N, 2) array
        Positions.
    candidates : (N, T, 3) array
        Corners of the triangles to look in.
    flat : (V, 2) array
        Where vertices lie; NaN where they do not.
    """
    a, b, c = (flat[candidates[..., k]].astype(np.float64) for k in range(3))
    u, v, w = b - a, c - a, pixels[:, None] - a
    area = u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]
    with np.errstate(divide="ignore", invalid="ignore"):
        second = (w[..., 0] * v[..., 1] - w[..., 1] * v[..., 0]) / area
        third = (u[..., 0] * w[..., 1] - u[..., 1] * w[..., 0]) / area
    shares = np.stack([1 - second - third, second, third], axis=-1)
    least = shares.min(axis=-1)
    least = np.where(np.isfinite(least), least, -np.inf)
    best = np.argmax(least, axis=1)
    rows = np.arange(len(pixels))
    chosen = np.clip(shares[rows, best], 0, None)
    inside = least[rows, best] > _OUTSIDE
    chosen = np.where(inside[:, None], chosen, 0.0)
    total = chosen.sum(axis=1, keepdims=True)
    return candidates[rows, best], chosen / np.where(total > 0, total, 1.0)
