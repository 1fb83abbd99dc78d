"""Differential operators of a triangle mesh: mass, Laplacian, gradients, eigenbasis.

They are what DiffusionNet diffuses and differentiates with (Sharp et al., ACM Trans. Graph. 41,
2022). Lengths are in the unit of the vertices given; `PEER_UNIT_A` is the one of MemBrain-pick,
in which its learned diffusion times and its regularisation of gradients are meant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import linalg, sparse
from scipy.sparse import linalg as sparse_linalg
from threadpoolctl import threadpool_limits

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

PEER_UNIT_A = 500.0
"""Å in one unit of length of MemBrain-pick's operators."""
_GRADIENT_REGULAR = 1e-5
"""Added to the normal equations of a gradient, squared units; MemBrain-pick's value."""
_LEAST_MASS = 1e-8
"""Share of the mean mass that a vertex without area gets; MemBrain-pick's value."""
_LARGEST_COTANGENT = 115.0
"""Cotangent of half a degree: a thinner sliver must not outweigh all of its neighbours."""
_LANCZOS_RESIDUAL = 1e-6
"""Largest relative residual of a pair that counts as found; eigenvalues are good to its square."""
_DENSE_BELOW = 3
"""Fewer vertices than so many times k: the dense solver is faster than Lanczos."""


@dataclass(frozen=True)
class Operators:
    """Operators of a mesh of V vertices in its unit of length.

    Parameters
    ----------
    mass : (V,) array of float64
        Area of each vertex: a third of its triangles.
    laplacian : (V, V) csr array
        Weak cotangent Laplacian, positive semi-definite; `laplacian / mass` is the pointwise one.
    eigenvalues : (K,) array of float64
        Smallest first; K is 0 where no basis was asked for.
    eigenvectors : (V, K) array of float64
        Orthonormal by mass.
    gradient_x, gradient_y : (V, V) csr arrays
        Gradient of a vertex function in the tangent frame of each vertex, which is right-handed
        about the normal. All sparse arrays share one pattern: edges and diagonal.
    notes : tuple of str
        What went another way than asked for.
    """

    mass: NDArray[np.float64]
    laplacian: sparse.csr_array
    eigenvalues: NDArray[np.float64]
    eigenvectors: NDArray[np.float64]
    gradient_x: sparse.csr_array
    gradient_y: sparse.csr_array
    notes: tuple[str, ...] = ()


def make_operators(
    vertices_zyx: NDArray[np.float64],
    faces: NDArray[np.int64],
    normals_zyx: NDArray[np.float64],
    k: int = 128,
    *,
    name: str = "The mesh",
) -> Operators:
    """Return all operators of a mesh, manifold or not.

    Parameters
    ----------
    vertices_zyx : (V, 3) array
        In the unit of length that the operators shall have.
    faces : (F, 3) array of int64
        Triangles.
    normals_zyx : (V, 3) array
        Unit normals, which the tangent frames stand on.
    k : int
        Eigenvectors wanted; 0 for none. A mesh has no more than vertices.
    name : str
        How messages call the mesh.

    Raises
    ------
    TomoscribeError
        If a vertex or normal is not a number, or no eigenbasis can be found: the sentence says of
        which mesh, and a network without eigenvectors can go on.
    """
    if not (np.isfinite(vertices_zyx).all() and np.isfinite(normals_zyx).all()):
        raise TomoscribeError(
            f"{name} has vertices or normals that are not numbers; repair or make the mesh again."
        )
    # Right-handed frames need x y z.
    xyz = np.ascontiguousarray(np.asarray(vertices_zyx, dtype=np.float64)[:, ::-1])
    normals = np.asarray(normals_zyx, dtype=np.float64)[:, ::-1]
    laplacian, mass = cotangent_laplacian(xyz, faces)
    gradient_x, gradient_y = gradient_operators(xyz, normals, laplacian)
    values, vectors, notes = eigenbasis(laplacian, mass, k, name=name)
    return Operators(mass, laplacian, values, vectors, gradient_x, gradient_y, notes)


def cotangent_laplacian(
    vertices: NDArray[np.float64], faces: NDArray[np.int64]
) -> tuple[sparse.csr_array, NDArray[np.float64]]:
    """Return the weak cotangent Laplacian (V, V) and the lumped mass (V,).

    Each triangle adds half the cotangent of an angle to the edge that faces it, so that edges of
    one, two or more triangles need no distinction (Pinkall & Polthier 1993). Angles below half a
    degree count as half a degree; triangles that use a vertex twice count nothing.
    """
    n = len(vertices)
    distinct = (
        (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 2] != faces[:, 0])
    )
    faces = np.asarray(faces[distinct], dtype=np.int64)
    corners = vertices[faces]
    double_area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    )
    least = np.finfo(np.float64).tiny
    rows, columns, weights = [], [], []
    for apex in range(3):
        i, j = faces[:, (apex + 1) % 3], faces[:, (apex + 2) % 3]
        one = corners[:, (apex + 1) % 3] - corners[:, apex]
        other = corners[:, (apex + 2) % 3] - corners[:, apex]
        dots = np.einsum("ij,ij->i", one, other)
        cotangent = dots / np.maximum(double_area, least)
        half = 0.5 * np.clip(cotangent, -_LARGEST_COTANGENT, _LARGEST_COTANGENT)
        rows += [i, j, i, j]
        columns += [j, i, i, j]
        weights += [-half, -half, half, half]
    every = np.arange(n)
    entries = np.concatenate([*weights, np.zeros(n)])
    places = (np.concatenate([*rows, every]), np.concatenate([*columns, every]))
    laplacian = sparse.coo_array((entries, places), shape=(n, n)).tocsr()
    laplacian.sort_indices()
    area = np.bincount(faces.ravel(), weights=np.repeat(double_area / 6, 3), minlength=n)
    mean = float(area.mean()) if area.any() else 1.0
    return laplacian, np.asarray(area + _LEAST_MASS * mean, dtype=np.float64)


def gradient_operators(
    vertices: NDArray[np.float64], normals: NDArray[np.float64], laplacian: sparse.csr_array
) -> tuple[sparse.csr_array, sparse.csr_array]:
    """Return the two components (V, V) of the gradient in each vertex's tangent frame.

    Least squares over the differences to the neighbours of each vertex, which are those of
    `laplacian`, whose pattern holds the diagonal. `vertices` and `normals` are in x y z.
    """
    n = len(vertices)
    frame_x, frame_y = tangent_frames(normals)
    columns = laplacian.indices
    rows = np.repeat(np.arange(n), np.diff(laplacian.indptr))
    along = vertices[columns] - vertices[rows]
    x = np.einsum("ij,ij->i", along, frame_x[rows])
    y = np.einsum("ij,ij->i", along, frame_y[rows])
    # The diagonal's own difference is 0 and adds nothing to the sums.
    xx = np.bincount(rows, weights=x * x, minlength=n) + _GRADIENT_REGULAR
    yy = np.bincount(rows, weights=y * y, minlength=n) + _GRADIENT_REGULAR
    xy = np.bincount(rows, weights=x * y, minlength=n)
    determinant = xx * yy - xy * xy
    gradients = []
    for one, other, own in ((x, y, yy), (y, x, xx)):
        values = (own[rows] * one - xy[rows] * other) / determinant[rows]
        diagonal = rows == columns
        values[diagonal] = -np.bincount(rows, weights=values, minlength=n)[rows[diagonal]]
        gradients.append(
            sparse.csr_array((values, columns.copy(), laplacian.indptr.copy()), shape=(n, n))
        )
    return gradients[0], gradients[1]


def tangent_frames(
    normals: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return two unit tangents (V, 3) at each normal (V, 3); with it they are right-handed.

    The first lies along the projected x axis, or the y axis where the normal is near x.
    """
    near_x = np.abs(normals[:, :1]) >= 0.9
    guide = np.where(near_x, [[0.0, 1.0, 0.0]], [[1.0, 0.0, 0.0]])
    first = guide - normals * np.einsum("ij,ij->i", guide, normals)[:, None]
    first /= np.linalg.norm(first, axis=1, keepdims=True) + 1e-6
    return first, np.cross(normals, first)


def eigenbasis(
    laplacian: sparse.csr_array, mass: NDArray[np.float64], k: int, *, name: str = "The mesh"
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[str, ...]]:
    """Return the `k` smallest eigenvalues, their vectors (V, k) orthonormal by mass, and notes.

    The problem is standardised by the square roots of the masses. Lanczos with full
    orthogonalisation in shift-invert mode is fastest, but may miss one of several equal
    eigenvalues; so they are counted (Sylvester's law of inertia), and where the count is wrong
    ARPACK is asked, which restarts, and then the dense solver, with a note. The linear algebra
    runs in one thread: on such small blocks more threads cost up to ninety times as much.

    Raises
    ------
    TomoscribeError
        If no way finds a basis; the sentence names the mesh.
    """
    n = len(mass)
    k = min(k, n)
    if k <= 0:
        return np.zeros(0), np.zeros((n, 0)), ()
    root = 1.0 / np.sqrt(mass)
    standard = laplacian.multiply(root[:, None]).multiply(root[None, :]).tocsc()
    with threadpool_limits(limits=1, user_api="blas"):
        values, vectors, notes = _solve(standard, k, 4 * np.pi / mass.sum(), name)
    order = np.argsort(values)
    return np.maximum(values[order], 0.0), vectors[:, order] * root[:, None], notes


_Pairs = tuple["NDArray[np.float64]", "NDArray[np.float64]"]


def _solve(
    standard: sparse.csc_array, k: int, first: float, name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], tuple[str, ...]]:
    """Return the smallest pairs by the fastest way that works, and what did not.

    `first` is about the first eigenvalue that is not 0.
    """
    notes: tuple[str, ...] = ()
    if standard.shape[0] >= _DENSE_BELOW * k:
        # Slightly below 0 the shifted matrix is positive definite, and needs no pivoting.
        shift = 1e-2 * first
        try:
            factor = _factor(standard, -shift)
            pairs = _lanczos(factor, k, shift)
            if pairs is None or not _complete(standard, pairs[0]):
                pairs = _arpack(standard, factor, k, shift)
            return (*pairs, notes)
        except (RuntimeError, sparse_linalg.ArpackError) as error:
            notes = (
                f"{name}: no sparse solver found an eigenbasis ({error}); took the dense one.",
            )
    try:
        values, vectors = linalg.eigh(standard.toarray(), subset_by_index=[0, k - 1])
    except (linalg.LinAlgError, ValueError) as error:
        raise TomoscribeError(
            f"{name} has no eigenbasis ({error}); repair the mesh or use the local network."
        ) from error
    return values, vectors, notes


def _factor(standard: sparse.csc_array, shift: float) -> sparse_linalg.SuperLU:
    shifted = standard - shift * sparse.eye_array(standard.shape[0], format="csc")
    return sparse_linalg.splu(
        shifted.tocsc(),
        permc_spec="MMD_AT_PLUS_A",
        diag_pivot_thresh=0.0,
        options={"SymmetricMode": True},
    )


def _lanczos(factor: sparse_linalg.SuperLU, k: int, shift: float) -> _Pairs | None:
    """Return k pairs from one run without restarts, None where they have not converged."""
    n = factor.shape[0]
    steps = min(n - 1, 2 * k + 32)
    # The same start each time, so that a basis can be made again.
    start = np.random.default_rng(0).standard_normal(n)
    basis = np.empty((steps + 1, n))
    basis[0] = start / np.linalg.norm(start)
    diagonal, beside = np.empty(steps), np.empty(steps)
    for step in range(steps):
        new = factor.solve(basis[step])
        diagonal[step] = new @ basis[step]
        new -= diagonal[step] * basis[step]
        if step:
            new -= beside[step - 1] * basis[step - 1]
        # What rounding left of all earlier vectors; once is enough after the three terms above.
        known = basis[: step + 1]
        new -= (known @ new) @ known
        beside[step] = np.linalg.norm(new)
        if beside[step] <= 1e-14 * diagonal[0]:
            return None
        basis[step + 1] = new / beside[step]
    # The stubs do not know this driver, which is the fastest for all pairs.
    every, small = linalg.eigh_tridiagonal(  # type: ignore[call-overload]
        diagonal, beside[:-1], lapack_driver="stevd"
    )
    inverse, small = every[-k:], small[:, -k:]
    residual = beside[-1] * np.abs(small[-1])
    if (residual > _LANCZOS_RESIDUAL * inverse).any():
        return None
    values = np.asarray(1.0 / inverse[::-1] - shift, dtype=np.float64)
    return values, basis[:steps].T @ small[:, ::-1]


def _complete(standard: sparse.csc_array, values: NDArray[np.float64]) -> bool:
    """Whether no eigenvalue is missing among `values`, ascending, but perhaps the last few."""
    tail = values[-min(len(values), 8) :]
    gap = int(np.argmax(np.diff(tail)))
    middle = 0.5 * (tail[gap] + tail[gap + 1])
    negative = int((_factor(standard, middle).U.diagonal() < 0).sum())
    return negative == int((values < middle).sum())


def _arpack(
    standard: sparse.csc_array, factor: sparse_linalg.SuperLU, k: int, shift: float
) -> _Pairs:
    n = standard.shape[0]
    solve = sparse_linalg.LinearOperator((n, n), matvec=factor.solve, dtype=np.float64)
    values, vectors = sparse_linalg.eigsh(
        standard,
        k=k,
        sigma=-shift,
        OPinv=solve,
        ncv=min(n - 1, k + k // 2),
        v0=np.random.default_rng(0).standard_normal(n),
    )
    return values, vectors
