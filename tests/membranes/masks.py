"""Masks whose surfaces are known."""

import numpy as np

SHAPE = (60, 64, 68)
CENTRE = (30.0, 31.0, 33.0)


def radius(shape=SHAPE, centre=CENTRE) -> np.ndarray:
    grids = np.meshgrid(
        *(np.arange(n) - c for n, c in zip(shape, centre, strict=True)), indexing="ij"
    )
    return np.sqrt(sum(g**2 for g in grids))


def ball(of_radius=20.0) -> np.ndarray:
    return radius() <= of_radius


def vesicle(of_radius=20.0, half=2.5) -> np.ndarray:
    return np.abs(radius() - of_radius) <= half


def torus_distance(points, ring, tube) -> np.ndarray:
    z, y, x = np.moveaxis(np.asarray(points, dtype=float), -1, 0)
    return np.hypot(np.hypot(y, x) - ring, z) - tube


def tilted_height(points) -> np.ndarray:
    """Return the height above a plane through the middle of a volume of 40 x 60 x 60."""
    normal = TILTED_NORMAL
    return (np.asarray(points, dtype=float) - [20.0, 30.0, 30.0]) @ normal


TILTED_NORMAL = np.array([0.9, 0.3, -0.316227766])
TILTED_NORMAL = TILTED_NORMAL / np.linalg.norm(TILTED_NORMAL)


def tilted_sheet(half=2.5) -> np.ndarray:
    points = np.stack(np.meshgrid(*map(np.arange, (40, 60, 60)), indexing="ij"), axis=-1)
    inside = (points[..., 1:] > 8).all(axis=-1) & (points[..., 1:] < 51).all(axis=-1)
    return (np.abs(tilted_height(points)) <= half) & inside


def mesh_area(mesh) -> float:
    a, b, c = (mesh.vertices_zyx[mesh.faces[:, k]] for k in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def edge_lengths(mesh) -> np.ndarray:
    v, f = mesh.vertices_zyx, mesh.faces
    return np.concatenate([np.linalg.norm(v[f[:, k]] - v[f[:, k - 1]], axis=1) for k in range(3)])
