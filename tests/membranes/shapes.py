"""Meshes whose geometry is known."""

import numpy as np

from tomoscribe.io.mesh_data import TriangleMesh


def plane(rows: int, columns: int, spacing: float = 1.0, z: float = 0.0) -> TriangleMesh:
    """Return a flat grid in y x, each cell cut into two triangles that face +z."""
    y, x = np.mgrid[:rows, :columns]
    vertices = np.stack([np.full(y.size, z), y.ravel() * spacing, x.ravel() * spacing], axis=1)
    a = (y[:-1, :-1] * columns + x[:-1, :-1]).ravel()
    b, c, d = a + 1, a + columns, a + columns + 1
    faces = np.concatenate([np.stack([a, b, d], axis=1), np.stack([a, d, c], axis=1)])
    return TriangleMesh(vertices.astype(np.float64), faces.astype(np.int64))


def two_sheets(rows: int, columns: int, gap: float) -> TriangleMesh:
    """Return two planes above each other that share nothing."""
    low, high = plane(rows, columns), plane(rows, columns, z=gap)
    n = len(low.vertices_zyx)
    return TriangleMesh(
        np.concatenate([low.vertices_zyx, high.vertices_zyx]),
        np.concatenate([low.faces, high.faces + n]),
    )


def sphere(radius: float, subdivisions: int) -> TriangleMesh:
    """Return a subdivided icosahedron about the origin, wound outward."""
    import trimesh

    ball = trimesh.creation.icosphere(subdivisions=subdivisions, radius=radius)
    return TriangleMesh(
        np.ascontiguousarray(ball.vertices[:, ::-1], dtype=np.float64),
        np.asarray(ball.faces, dtype=np.int64),
    )


def normals(mesh: TriangleMesh) -> np.ndarray:
    """Return the area-weighted vertex normals (V, 3) zyx, outward for an outward winding."""
    xyz = mesh.vertices_zyx[:, ::-1]
    a, b, c = (xyz[mesh.faces[:, i]] for i in range(3))
    faces = np.cross(b - a, c - a)
    total = np.zeros_like(xyz)
    for corner in range(3):
        np.add.at(total, mesh.faces[:, corner], faces)
    return (total / np.linalg.norm(total, axis=1, keepdims=True))[:, ::-1]
