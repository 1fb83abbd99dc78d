"""A part of a membrane laid flat: a map of the neighbourhood of a point with little distortion.

A geodesic disc is cut out, unfolded conformally and then made as rigid as possible, so that
lengths in the map are those on the membrane as far as its curvature allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.membranes.flat_disc import disc_around
from tomoscribe.membranes.flat_maps import areas, as_rigid_as_possible, conformal, local_corners
from tomoscribe.membranes.geodesics import distance_to, point_sources

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from scipy import sparse

    from tomoscribe.io.mesh_data import TriangleMesh
    from tomoscribe.membranes.locate import SurfacePoint

SHRINK = 0.8
"""Radius of the next try where a disc closes around a tube: only a disc can be laid flat."""


@dataclass(frozen=True)
class Distortion:
    """How far a map is from true, over its triangles, weighted by their area.

    `area` is the ratio of the area in the map to that on the mesh, `angle_deg` the change of the
    triangles' angles; each as its median deviation and the 95th percentile.
    """

    area_median: float
    area_95: float
    angle_median_deg: float
    angle_95_deg: float


@dataclass(frozen=True)
class FlatPatch:
    """A piece of a mesh and where its vertices are in the map.

    Parameters
    ----------
    vertices : (N,) array of int64
        Vertices of the whole mesh.
    faces : (F, 3) array of int64
        Triangles, counted within the patch.
    triangles : (F,) array of int64
        The same triangles, counted in the whole mesh.
    zyx : (N, 3) array
        Positions on the mesh, voxels z y x.
    uv : (N, 2) array
        Positions in the map, voxels: right and up as seen from outside; the centre is 0, 0.
    radius : float
        Geodesic radius that it covers, voxels; less than asked for where the membrane closes.
    """

    vertices: NDArray[np.int64]
    faces: NDArray[np.int64]
    triangles: NDArray[np.int64]
    zyx: NDArray[np.float64]
    uv: NDArray[np.float64]
    radius: float

    @cached_property
    def distortion(self) -> Distortion:
        """How far the map is from true."""
        local = local_corners(self.zyx[self.faces])
        flat = self.uv[self.faces]
        true_area, map_area = areas(local), areas(flat)
        change = np.abs(map_area / np.maximum(true_area, 1e-12) - 1)
        turned = np.degrees(np.abs(_angles(flat) - _angles(local))).max(axis=1)
        return Distortion(
            *(_weighted(change, true_area, q) for q in (0.5, 0.95)),
            *(_weighted(turned, true_area, q) for q in (0.5, 0.95)),
        )

    def to_mesh(self, uv: tuple[float, float]) -> tuple[NDArray[np.float64], int] | None:
        """Return the mesh point (3,) of a map position, and its triangle; None beside the map."""
        shares = _shares(self.uv[self.faces], np.asarray(uv, dtype=float))
        inside = shares.min(axis=1)
        best = int(np.argmax(inside))
        if inside[best] < -1e-9:
            return None
        return shares[best] @ self.zyx[self.faces[best]], int(self.triangles[best])

    def to_map(self, zyx: NDArray[np.floating], triangle: int) -> NDArray[np.float64] | None:
        """Return the map position (2,) of a point on a triangle; None if that is not in the map."""
        rows = np.flatnonzero(self.triangles == triangle)
        if not len(rows):
            return None
        corners = self.faces[rows[0]]
        edges = (self.zyx[corners[1:]] - self.zyx[corners[0]]).T
        share, *_ = np.linalg.lstsq(edges, np.asarray(zyx) - self.zyx[corners[0]], rcond=None)
        first, *others = self.uv[corners]
        return np.asarray(first + share[0] * (others[0] - first) + share[1] * (others[1] - first))


def flatten(
    mesh: TriangleMesh, graph: sparse.csr_array, centre: SurfacePoint, radius: float
) -> FlatPatch:
    """Lay the neighbourhood of a surface point flat.

    Least-squares conformal map (Lévy et al. 2002, ACM TOG 21), then as-rigid-as-possible
    local and global steps (Liu et al. 2008, CGF 27).

    Parameters
    ----------
    mesh : TriangleMesh
    graph : (V, V) csr array
        From `geodesics`, in voxels.
    centre : SurfacePoint
        Comes to 0, 0 in the map, with z (or y, on a face that looks along z) upward.
    radius : float
        How far to go along the surface, voxels. Less is taken where the membrane closes.

    Raises
    ------
    TomoscribeError
        If there is no disc of even a few triangles around the point.
    """
    sources, offsets = point_sources(mesh, np.array([centre.triangle]), centre.zyx[None])
    distances = distance_to(graph, sources, limit=radius, offsets=offsets)
    reach = radius
    while True:
        triangles = disc_around(mesh, distances, reach, centre.triangle)
        if triangles is not None:
            break
        reach *= SHRINK
        if reach < 0.02 * radius:
            raise TomoscribeError(
                "The membrane cannot be laid flat here: choose a point farther from its edge."
            )
    vertices, local = np.unique(mesh.faces[triangles], return_inverse=True)
    faces = local.reshape(-1, 3).astype(np.int64)
    zyx = mesh.vertices_zyx[vertices]
    corners = local_corners(zyx[faces])
    uv = as_rigid_as_possible(faces, corners, conformal(faces, corners, len(vertices)))
    patch = FlatPatch(vertices, faces, triangles, zyx, uv, reach)
    return _placed(patch, centre)


def _placed(patch: FlatPatch, centre: SurfacePoint) -> FlatPatch:
    """Return the map with its centre at 0, 0 and turned so that z, or else y, points up."""
    here = patch.to_map(centre.zyx, centre.triangle)
    assert here is not None
    row = int(np.flatnonzero(patch.triangles == centre.triangle)[0])
    corners = patch.faces[row]
    edges = (patch.zyx[corners[1:]] - patch.zyx[corners[0]]).T
    flat = (patch.uv[corners[1:]] - patch.uv[corners[0]]).T
    axis = np.array([1.0, 0, 0]) if abs(centre.normal_zyx[0]) < 0.9 else np.array([0, 1.0, 0])
    share, *_ = np.linalg.lstsq(edges, axis, rcond=None)
    up = flat @ share
    length = float(np.hypot(*up))
    sine, cosine = (up / length) if length > 0 else (0.0, 1.0)
    turn = np.array([[cosine, -sine], [sine, cosine]])
    uv = (patch.uv - here) @ turn.T
    return FlatPatch(patch.vertices, patch.faces, patch.triangles, patch.zyx, uv, patch.radius)


def _angles(corners: NDArray[np.float64]) -> NDArray[np.float64]:
    angles = []
    for k in range(3):
        one, other = corners[:, k - 2] - corners[:, k], corners[:, k - 1] - corners[:, k]
        cross = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
        angles.append(np.arctan2(np.abs(cross), np.einsum("ni,ni->n", one, other)))
    return np.stack(angles, axis=1)


def _shares(corners: NDArray[np.float64], point: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shares (F, 3) of the corners (F, 3, 2) in one point; negative ones are outside."""
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    to = point - corners[:, 0]
    area = one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]
    safe = np.where(np.abs(area) < 1e-12, np.inf, area)
    second = (to[:, 0] * other[:, 1] - to[:, 1] * other[:, 0]) / safe
    third = (one[:, 0] * to[:, 1] - one[:, 1] * to[:, 0]) / safe
    return np.stack([1 - second - third, second, third], axis=1)


def _weighted(values: NDArray[np.float64], weights: NDArray[np.float64], share: float) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, share * total[-1])])
