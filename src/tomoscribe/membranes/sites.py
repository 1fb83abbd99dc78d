"""Places of particles on a membrane, the domain that they are counted in, the ways between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import scipy

from tomoscribe.membranes.geodesics import distance_graph
from tomoscribe.membranes.locate import SurfaceLocator
from tomoscribe.membranes.mesh_normals import (
    face_areas_and_normals,
    face_normals_zyx,
    vertex_normals_zyx,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from tomoscribe.io.mesh_data import TriangleMesh

FAR_A = 100.0
"""Picks farther than this from the mesh do not belong to it."""
_STRAIGHT, _SAME_FACE = 2.0, 0.5
"""Within so many edges of the mesh, and with normals of such a cosine, the way is straight."""


@dataclass(frozen=True)
class Domain:
    """Where particles are counted: a mesh or a part of it.

    Parameters
    ----------
    mesh : TriangleMesh
        Voxels.
    graph : (V, V) csr array
        From `geodesics.distance_graph`.
    voxel_size_A : float
    areas_A2 : (V,) array
        Share of the surface that each vertex stands for; 0 outside of the domain.
    """

    mesh: TriangleMesh
    graph: scipy.sparse.csr_array
    voxel_size_A: float
    areas_A2: NDArray[np.float64]

    @property
    def area_A2(self) -> float:
        """Area in Å²."""
        return float(self.areas_A2.sum())


@dataclass(frozen=True)
class Sites:
    """Picks of a domain, on its surface.

    Parameters
    ----------
    zyx : (N, 3) array
        Voxels.
    triangles : (N,) array of int64
    classes : (N,) array of str
    """

    zyx: NDArray[np.float64]
    triangles: NDArray[np.int64]
    classes: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.zyx)

    def take(self, rows: NDArray[np.bool_]) -> Sites:
        """Return the sites of a mask (N,)."""
        return Sites(self.zyx[rows], self.triangles[rows], self.classes[rows])


def make_domain(
    mesh: TriangleMesh,
    voxel_size_A: float,
    mask: NDArray[np.bool_] | None = None,
    graph: scipy.sparse.csr_array | None = None,
) -> Domain:
    """Return the domain of a mesh, or of those of its vertices (V,) that `mask` names."""
    faces_A2 = face_areas_and_normals(mesh)[0] * voxel_size_A**2
    areas = np.bincount(mesh.faces.reshape(-1), np.repeat(faces_A2 / 3, 3), len(mesh.vertices_zyx))
    if mask is not None:
        areas = np.where(mask, areas, 0.0)
    graph = distance_graph(mesh) if graph is None else graph
    return Domain(mesh, graph, voxel_size_A, areas.astype(np.float64))


def place_sites(
    domain: Domain, zyx: ArrayLike, classes: Sequence[str]
) -> tuple[Sites, tuple[str, ...]]:
    """Return the picks (N, 3), voxels, that lie in the domain, and sentences about the others."""
    points = np.asarray(zyx, dtype=np.float64).reshape(-1, 3)
    names = np.asarray(classes, dtype=np.str_).reshape(-1)
    places, triangles, _, away = SurfaceLocator(domain.mesh).closest_many(points)
    sites = Sites(places, triangles, names)
    near = away * domain.voxel_size_A <= FAR_A
    inside = _inside(domain, sites)
    notes = []
    if not near.all():
        notes.append(
            f"{int((~near).sum())} of {len(points)} picks are more than {FAR_A:g} Å from the "
            "membrane and do not count."
        )
    if not inside[near].all():
        notes.append(f"{int((near & ~inside).sum())} picks outside of the patch do not count.")
    return sites.take(near & inside), tuple(notes)


def site_distances(
    domain: Domain, graph: scipy.sparse.csr_array, rows: NDArray[np.intp], limit_A: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return distances in Å from sites (S,) to all vertices (S, V) and to all sites (S, N)."""
    n_vertices = len(domain.mesh.vertices_zyx)
    found = scipy.sparse.csgraph.dijkstra(
        graph,
        directed=True,
        indices=n_vertices + rows,
        limit=limit_A / domain.voxel_size_A,
    )
    found *= domain.voxel_size_A
    return found[:, :n_vertices], found[:, n_vertices:]


def sites_graph(domain: Domain, sites: Sites) -> scipy.sparse.csr_array:
    """Return the graph with the sites as more vertices, joined to the corners around them.

    And straight to what is near on the same face: a way along edges would be too long for it.
    """
    n_vertices, n = len(domain.mesh.vertices_zyx), len(sites)
    corners = domain.mesh.faces[sites.triangles]
    places = np.concatenate([domain.mesh.vertices_zyx, sites.zyx])
    one, other = _near_on_the_face(domain, sites, places)
    one = np.concatenate([n_vertices + np.repeat(np.arange(n), 3), one])
    other = np.concatenate([corners.reshape(-1), other])
    ways = np.linalg.norm(places[one] - places[other], axis=1)
    ways = np.maximum(ways, np.finfo(np.float32).tiny)
    added = scipy.sparse.csr_array(
        (np.tile(ways, 2), (np.concatenate([one, other]), np.concatenate([other, one]))),
        shape=(len(places), len(places)),
    )
    # A pair that was named twice has its way summed up: it must be that of one.
    twice = scipy.sparse.csr_array(
        (np.ones(2 * len(ways)), (np.concatenate([one, other]), np.concatenate([other, one]))),
        shape=added.shape,
    )
    added.data /= twice.data
    known = domain.graph.tocoo()
    grown = scipy.sparse.csr_array((known.data, (known.row, known.col)), shape=added.shape)
    return scipy.sparse.csr_array(grown + added)


def _near_on_the_face(
    domain: Domain, sites: Sites, places: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of a site and a vertex or another site, as rows of `places`."""
    n_vertices = len(domain.mesh.vertices_zyx)
    reach = _STRAIGHT * float(domain.graph.data.mean())
    normals = np.concatenate(
        [vertex_normals_zyx(domain.mesh), face_normals_zyx(domain.mesh)[sites.triangles]]
    )
    near = scipy.spatial.cKDTree(sites.zyx).sparse_distance_matrix(
        scipy.spatial.cKDTree(places), reach, output_type="ndarray"
    )
    one, other = near["i"] + n_vertices, near["j"]
    same_face = np.einsum("ni,ni->n", normals[one], normals[other]) > _SAME_FACE
    kept = same_face & (one != other)
    return one[kept], other[kept]


def _inside(domain: Domain, sites: Sites) -> NDArray[np.bool_]:
    """Return which sites are in the domain: those whose nearest corner is."""
    corners = domain.mesh.faces[sites.triangles]
    away = np.linalg.norm(domain.mesh.vertices_zyx[corners] - sites.zyx[:, None], axis=2)
    nearest = corners[np.arange(len(corners)), away.argmin(axis=1)]
    inside: NDArray[np.bool_] = domain.areas_A2[nearest] > 0
    return inside


def random_sites(domain: Domain, count: int, rng: np.random.Generator) -> Sites:
    """Return places that are equally likely everywhere in the domain."""
    nothing = Sites(np.zeros((0, 3)), np.zeros(0, np.int64), np.zeros(0, np.str_))
    if not count or domain.area_A2 <= 0:
        return nothing
    weight = face_areas_and_normals(domain.mesh)[0]
    weight = weight * (domain.areas_A2[domain.mesh.faces] > 0).any(axis=1)
    found = nothing
    while len(found) < count:
        triangles = rng.choice(len(weight), 2 * count, p=weight / weight.sum()).astype(np.int64)
        share = np.sort(rng.random((2 * count, 2)), axis=1)
        shares = np.diff(share, axis=1, prepend=0.0, append=1.0)
        corners = domain.mesh.vertices_zyx[domain.mesh.faces[triangles]]
        zyx = np.einsum("nk,nki->ni", shares, corners)
        drawn = Sites(zyx, triangles, np.full(len(zyx), ""))
        found = join_sites(found, drawn.take(_inside(domain, drawn)))
    return found.take(np.arange(len(found)) < count)


def join_sites(*parts: Sites) -> Sites:
    """Return all sites of several sets, one after the other."""
    return replace(
        parts[0],
        zyx=np.concatenate([part.zyx for part in parts]),
        triangles=np.concatenate([part.triangles for part in parts]),
        classes=np.concatenate([part.classes for part in parts]),
    )
