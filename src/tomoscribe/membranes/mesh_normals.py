"""Normals of triangles and vertices of a mesh."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.io.mesh_data import TriangleMesh


def face_areas_and_normals(
    mesh: TriangleMesh,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return areas in voxels² (F,) and unit normals z y x (F, 3) of the triangles.

    A triangle without area has the normal 0, 0, 0.
    """
    a, b, c = (mesh.vertices_zyx[mesh.faces[:, k]] for k in range(3))
    # The winding is meant in x y z; a mirrored order of the axes turns the cross product round.
    crossed = np.cross(c - a, b - a)
    length = np.linalg.norm(crossed, axis=1)
    return length / 2, _scaled(crossed, length)


def face_normals_zyx(mesh: TriangleMesh) -> NDArray[np.float64]:
    """Return unit normals z y x (F, 3), outward by winding; 0, 0, 0 for a triangle without area."""
    return face_areas_and_normals(mesh)[1]


def vertex_normals_zyx(mesh: TriangleMesh) -> NDArray[np.float64]:
    """Return unit normals z y x (V, 3), outward by winding.

    Normals of the triangles around a vertex, weighted by their angles there (Thürmer and
    Wüthrich 1998, doi:10.1080/10867651.1998.10487487). A vertex without triangles gets 1, 0, 0.
    """
    normals = face_normals_zyx(mesh)
    corners = mesh.vertices_zyx[mesh.faces]
    total = np.zeros_like(mesh.vertices_zyx)
    for k in range(3):
        one = corners[:, (k + 1) % 3] - corners[:, k]
        other = corners[:, (k + 2) % 3] - corners[:, k]
        lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
        cosine = np.einsum("ij,ij->i", one, other) / np.where(lengths > 0, lengths, 1.0)
        angle = np.where(lengths > 0, np.arccos(np.clip(cosine, -1, 1)), 0.0)
        for axis in range(3):
            total[:, axis] += np.bincount(
                mesh.faces[:, k], angle * normals[:, axis], minlength=len(total)
            )
    length = np.linalg.norm(total, axis=1)
    unit = _scaled(total, length)
    unit[length == 0, 0] = 1.0
    return unit


def _scaled(vectors: NDArray[np.float64], length: NDArray[np.float64]) -> NDArray[np.float64]:
    scaled: NDArray[np.float64] = vectors / np.where(length > 0, length, 1.0)[:, None]
    return scaled
