"""Heat steps on a whole mesh: a sparse mean over neighbours that spreads by a known length.

A few such steps in a row are a Gaussian along the surface, whose width is known in Å whatever the
mesh is like. They need no eigenvectors, no factorisation and no parts, never overshoot, and cannot
leak to the other face of a membrane.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from tomoscribe.membranes.operators import cotangent_laplacian, gradient_operators

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tomoscribe.io.mesh_data import TriangleMesh

_LARGEST_SHARE = 0.9
"""What a vertex may give away in one step; all of it would make neighbours swap values."""
_LEAST_WEIGHT = 0.05
"""Least weight of an edge beside the largest of its vertex: cotangents may be negative."""


@dataclass(frozen=True)
class Heat:
    """Diffusion at a few widths on one mesh, and the gradients, all in the order of `order`.

    Parameters
    ----------
    order : (V,) array of int64
        The mesh's vertices in an order that keeps neighbours close in memory: halves the time of
        a product.
    step : (V, V) csr array
        One heat step; rows sum to 1.
    counts : tuple of int
        Steps to each width, from the start.
    gradient_x, gradient_y : (V, V) csr arrays
        Gradients per `widths_A[0]`, without a dimension.
    """

    order: NDArray[np.int64]
    step: sparse.csr_array
    counts: tuple[int, ...]
    gradient_x: sparse.csr_array
    gradient_y: sparse.csr_array


def make_heat(
    mesh: TriangleMesh,
    normals_zyx: NDArray[np.float64],
    voxel_size_A: float,
    widths_A: Sequence[float] = (15.0, 30.0, 60.0),
) -> Heat:
    """Return the heat steps of a mesh.

    Parameters
    ----------
    mesh : TriangleMesh
        In voxels.
    normals_zyx : (V, 3) array
        Outward unit normals.
    voxel_size_A : float
        Of the tomogram.
    widths_A : sequence of float
        Standard deviations along the surface, ascending.
    """
    scale = voxel_size_A / widths_A[0]
    vertices = np.ascontiguousarray(mesh.vertices_zyx[:, ::-1]) * scale
    laplacian, _ = cotangent_laplacian(vertices, mesh.faces)
    order = csgraph.reverse_cuthill_mckee(laplacian, symmetric_mode=True).astype(np.int64)
    laplacian = laplacian[order][:, order].tocsr()
    laplacian.sort_indices()
    vertices = vertices[order]
    walk = _walk(laplacian)
    rows = np.repeat(np.arange(len(order)), np.diff(walk.indptr))
    apart = vertices[walk.indices] - vertices[rows]
    squares = walk.data * np.einsum("ij,ij->i", apart, apart)
    variance = 0.5 * np.bincount(rows, weights=squares, minlength=len(order))
    typical = float(np.median(variance[variance > 0])) if variance.any() else 1.0
    first = max(1, round(1.0 / (_LARGEST_SHARE * typical) + 0.499))
    counts = tuple(max(1, round(first * (w / widths_A[0]) ** 2)) for w in widths_A)
    share = np.minimum(1.0 / first / np.maximum(variance, 1e-12), 1.0)
    share[variance == 0] = 0.0
    stay = sparse.dia_array((1.0 - share[None], [0]), shape=walk.shape)
    step = (walk.multiply(share[:, None]) + stay).tocsr()
    normals = normals_zyx[order][:, ::-1]
    x, y = gradient_operators(vertices, normals, laplacian)
    return Heat(order, step, counts, x, y)


def _walk(laplacian: sparse.csr_array) -> sparse.csr_array:
    """Return the random walk over edges by cotangent weight, rows of sum 1; none for lone ones."""
    weights = -laplacian
    weights.setdiag(0.0)
    n = weights.shape[0]
    rows = np.repeat(np.arange(n), np.diff(weights.indptr))
    largest = np.zeros(n)
    np.maximum.at(largest, rows, weights.data)
    largest[largest <= 0] = 1.0
    off = rows != weights.indices
    weights.data = np.where(off, np.maximum(weights.data, _LEAST_WEIGHT * largest[rows]), 0.0)
    total = np.bincount(rows, weights=weights.data, minlength=n)
    weights.data = weights.data / np.where(total > 0, total, 1.0)[rows]
    return weights.tocsr()
