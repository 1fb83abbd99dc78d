"""Maps of triangles into the plane: conformal first, then as rigid as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDS = 12
"""Local and global steps; the map of a sphere's cap changes by less than 1e-3 after ten."""


def local_corners(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return each triangle (F, 3, 3) in a plane of its own, as (F, 3, 2).

    Counter-clockwise where the winding is outward, seen from outside: z y x mirrors x y z.
    """
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    length = np.maximum(np.linalg.norm(one, axis=1), 1e-12)
    along = np.einsum("ni,ni->n", one, other) / length
    height = np.sqrt(np.maximum(np.einsum("ni,ni->n", other, other) - along**2, 1e-18))
    flat = np.zeros((len(corners), 3, 2))
    flat[:, 1, 0], flat[:, 2, 0], flat[:, 2, 1] = length, along, height
    return flat


def conformal(
    faces: NDArray[np.int64], corners: NDArray[np.float64], count: int
) -> NDArray[np.float64]:
    """Return the least-squares conformal map (N, 2); two far vertices are held."""
    opposite = np.stack([corners[:, 2] - corners[:, 1], corners[:, 0] - corners[:, 2],
                         corners[:, 1] - corners[:, 0]], axis=1)  # fmt: skip
    root = np.sqrt(2 * np.maximum(areas(corners), 1e-12))[:, None]
    real, imaginary = opposite[:, :, 0] / root, opposite[:, :, 1] / root
    rows = np.repeat(np.arange(len(faces)), 3)
    shape = (len(faces), count)
    m_real = sparse.csr_array((real.ravel(), (rows, faces.ravel())), shape=shape)
    m_imag = sparse.csr_array((imaginary.ravel(), (rows, faces.ravel())), shape=shape)
    matrix = sparse.csc_array(
        sparse.vstack([sparse.hstack([m_real, -m_imag]), sparse.hstack([m_imag, m_real])])
    )
    # One edge of the first triangle is held: it gives size and direction, which are free.
    held = faces[0, :2]
    known = corners[0, :2]
    fixed = np.concatenate([held, held + count])
    values = known.T.ravel()
    free = np.setdiff1d(np.arange(2 * count), fixed)
    right = -(matrix[:, fixed] @ values)
    left = matrix[:, free]
    solution = np.zeros(2 * count)
    solution[fixed] = values
    solution[free] = _factor(left.T @ left).solve(left.T @ right)
    return np.stack([solution[:count], solution[count:]], axis=1)


def as_rigid_as_possible(
    faces: NDArray[np.int64], corners: NDArray[np.float64], uv: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the map (N, 2) after turning triangles and fitting vertices to them in turn."""
    count = len(uv)
    scale = np.sqrt(areas(corners).sum() / max(float(np.abs(areas(uv[faces])).sum()), 1e-12))
    uv = uv * scale
    ends = ((1, 2), (2, 0), (0, 1))
    weights = np.stack([_cotangent(corners, k) for k in range(3)], axis=1)
    edges = np.stack([corners[:, a] - corners[:, b] for a, b in ends], axis=1)
    rows = np.concatenate([faces[:, a] for a, _ in ends])
    columns = np.concatenate([faces[:, b] for _, b in ends])
    flat = weights.T.ravel()
    adjacency = sparse.csr_array((flat, (rows, columns)), shape=(count, count))
    adjacency = adjacency + adjacency.T
    diagonal: NDArray[np.float64] = np.asarray(adjacency.sum(axis=1)).ravel()
    laplacian = sparse.csc_matrix(sparse.diags_array(diagonal) - adjacency)
    solver = _factor(laplacian[1:, 1:])  # the first vertex stays
    starts = np.concatenate([faces[:, a] for a, _ in ends])
    stops = np.concatenate([faces[:, b] for _, b in ends])
    for _ in range(ROUNDS):
        moved = np.stack([uv[faces[:, a]] - uv[faces[:, b]] for a, b in ends], axis=1)
        turns = _turns(np.einsum("fk,fki,fkj->fij", weights, moved, edges))
        wanted = weights[:, :, None] * np.einsum("fij,fkj->fki", turns, edges)
        flat_wanted = wanted.transpose(1, 0, 2).reshape(-1, 2)
        fitted = np.zeros_like(uv)
        for i in range(2):
            right = np.bincount(starts, flat_wanted[:, i], count)
            right -= np.bincount(stops, flat_wanted[:, i], count)
            fitted[1:, i] = solver.solve(right[1:])
        uv = fitted
    return uv


def _factor(matrix: Any) -> Any:
    """Return the factors of a symmetric matrix; this ordering keeps them several times leaner."""
    return splu(
        sparse.csc_matrix(matrix), permc_spec="MMD_AT_PLUS_A", options={"SymmetricMode": True}
    )


def _turns(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rotations (F, 2, 2) nearest to matrices (F, 2, 2)."""
    a = covariance[:, 0, 0] + covariance[:, 1, 1]
    b = covariance[:, 1, 0] - covariance[:, 0, 1]
    length = np.maximum(np.hypot(a, b), 1e-12)
    cosine, sine = a / length, b / length
    return np.stack([np.stack([cosine, -sine], axis=1), np.stack([sine, cosine], axis=1)], axis=1)


def _cotangent(corners: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Return half the cotangent of the angle at corner k; obtuse ones are kept a little above 0."""
    one, other = corners[:, k - 2] - corners[:, k], corners[:, k - 1] - corners[:, k]
    cross = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
    dot = np.einsum("ni,ni->n", one, other)
    half: NDArray[np.float64] = np.maximum(0.5 * dot / np.maximum(np.abs(cross), 1e-9), 1e-3)
    return half


def areas(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the areas (F,) of triangles (F, 3, 2); negative where they are turned over."""
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray((one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / 2)
