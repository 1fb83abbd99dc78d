"""Points and rays on a membrane: the nearest surface point, and where a ray first meets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.membranes.mesh_normals import vertex_normals_zyx

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tomoscribe.io.mesh_data import TriangleMesh

_RAY_TOLERANCE = 1e-6
"""Voxels; triangles share edges, and a ray through one must not slip between them."""


@dataclass(frozen=True)
class SurfacePoint:
    """A point on a mesh.

    Parameters
    ----------
    zyx : (3,) array
        Position in voxels.
    triangle : int
        The triangle that it lies on.
    vertex : int
        The nearest corner of that triangle.
    normal_zyx : (3,) array
        Outward unit normal, interpolated between those of the corners.
    """

    zyx: NDArray[np.float64]
    triangle: int
    vertex: int
    normal_zyx: NDArray[np.float64]


class SurfaceLocator:
    """Finds nearest surface points and ray hits, in microseconds each, at any number of triangles.

    Parameters
    ----------
    mesh : TriangleMesh
        Not changed afterwards; vtkStaticCellLocator holds an index of it.
    normals_zyx : (V, 3) array, optional
        Outward unit normals of the vertices; computed from the mesh if omitted.
    """

    def __init__(self, mesh: TriangleMesh, normals_zyx: NDArray[np.float64] | None = None) -> None:
        if not len(mesh.faces):
            raise TomoscribeError("The mesh has no triangles: there is no surface to click on.")
        self.mesh = mesh
        self.normals_zyx = vertex_normals_zyx(mesh) if normals_zyx is None else normals_zyx
        self._prepare()

    def _prepare(self) -> None:
        # VTK takes most of a second to import, which a viewer's start need not pay.
        from vtkmodules.util import numpy_support
        from vtkmodules.vtkCommonCore import mutable, vtkPoints
        from vtkmodules.vtkCommonDataModel import (
            vtkCellArray,
            vtkGenericCell,
            vtkPolyData,
            vtkStaticCellLocator,
        )

        # VTK's stubs know neither these functions nor numbers passed by reference.
        support: Any = numpy_support
        points = vtkPoints()
        points.SetData(
            support.numpy_to_vtk(np.ascontiguousarray(self.mesh.vertices_zyx), deep=True)
        )
        cells = vtkCellArray()
        offsets = np.arange(0, 3 * len(self.mesh.faces) + 1, 3, dtype=np.int64)
        flat = np.ascontiguousarray(self.mesh.faces, dtype=np.int64).reshape(-1)
        cells.SetData(
            support.numpy_to_vtkIdTypeArray(offsets, deep=True),
            support.numpy_to_vtkIdTypeArray(flat, deep=True),
        )
        data = vtkPolyData()
        data.SetPoints(points)
        data.SetPolys(cells)
        self._data = data
        self._locator: Any = vtkStaticCellLocator()
        self._locator.SetDataSet(data)
        self._locator.BuildLocator()
        self._cell = vtkGenericCell()
        self._mutable: Any = mutable

    def closest(self, zyx: ArrayLike) -> SurfacePoint:
        """Return the surface point nearest to a position (3,) in voxels."""
        triangle, point, _ = self._nearest(np.asarray(zyx, dtype=np.float64))
        return self._point(triangle, point)

    def closest_many(
        self, points_zyx: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Return what is nearest to positions (N, 3) in voxels.

        Returns
        -------
        zyx : (N, 3) array
            Surface points.
        triangles : (N,) array of int64
            Their triangles.
        normals_zyx : (N, 3) array
            Outward unit normals there.
        distances : (N,) array
            Voxels.
        """
        points = np.asarray(points_zyx, dtype=np.float64).reshape(-1, 3)
        found = np.empty_like(points)
        triangles = np.empty(len(points), dtype=np.int64)
        distances = np.empty(len(points))
        for i, point in enumerate(points):
            triangles[i], found[i], distances[i] = self._nearest(point)
        return found, triangles, self.normals_at(triangles, found), distances

    def intersect(self, start_zyx: ArrayLike, end_zyx: ArrayLike) -> SurfacePoint | None:
        """Return where the line from `start_zyx` to `end_zyx` first meets the surface, or None."""
        t, sub = self._mutable(0.0), self._mutable(0)
        triangle = self._mutable(-1)
        point, parametric = [0.0] * 3, [0.0] * 3
        hit = self._locator.IntersectWithLine(
            [float(v) for v in np.asarray(start_zyx)],
            [float(v) for v in np.asarray(end_zyx)],
            _RAY_TOLERANCE, t, point, parametric, sub, triangle, self._cell,
        )  # fmt: skip
        return self._point(int(triangle), np.array(point)) if hit else None

    def normals_at(
        self, triangles: NDArray[np.int64], points_zyx: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return outward unit normals (N, 3) at points (N, 3) of triangles (N,)."""
        corners = self.mesh.faces[triangles]
        weights = _barycentric(self.mesh.vertices_zyx[corners], points_zyx)
        normals = np.einsum("nk,nki->ni", weights, self.normals_zyx[corners])
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        unit: NDArray[np.float64] = normals / np.where(length > 0, length, 1.0)
        return unit

    def _nearest(self, point: NDArray[np.float64]) -> tuple[int, NDArray[np.float64], float]:
        triangle, sub, squared = self._mutable(-1), self._mutable(0), self._mutable(0.0)
        found = [0.0] * 3
        self._locator.FindClosestPoint(point.tolist(), found, self._cell, triangle, sub, squared)
        return int(triangle), np.array(found), float(np.sqrt(float(squared)))

    def _point(self, triangle: int, zyx: NDArray[np.float64]) -> SurfacePoint:
        corners = self.mesh.faces[triangle]
        away = np.linalg.norm(self.mesh.vertices_zyx[corners] - zyx, axis=1)
        normal = self.normals_at(np.array([triangle]), zyx[None])[0]
        return SurfacePoint(zyx, triangle, int(corners[np.argmin(away)]), normal)


def _barycentric(corners: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shares (N, 3) of the corners (N, 3, 3) in points (N, 3) of their triangles.

    By Cramer's rule (Ericson 2004, Real-Time Collision Detection, 3.4); thirds for a triangle
    without area.
    """
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    to = points - corners[:, 0]
    d00, d01, d11 = (
        np.einsum("ni,ni->n", a, b) for a, b in ((one, one), (one, other), (other,) * 2)
    )
    d20, d21 = np.einsum("ni,ni->n", to, one), np.einsum("ni,ni->n", to, other)
    area = d00 * d11 - d01 * d01
    flat = area <= 1e-12 * np.maximum(d00 * d11, 1e-300)
    safe = np.where(flat, 1.0, area)
    second = np.where(flat, 1 / 3, (d11 * d20 - d01 * d21) / safe)
    third = np.where(flat, 1 / 3, (d00 * d21 - d01 * d20) / safe)
    return np.stack([1 - second - third, second, third], axis=1)
