"""A mesh cut into parts of bounded size: cores that share it out, each with a halo around it.

What is computed in a part is kept on its core only. The halo lets diffusion and gradients at the
core's rim see what they would see on the whole mesh, so that there is nothing to merge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from tomoscribe.membranes.geodesics import edge_graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.io.mesh_data import TriangleMesh

_SEED = 1
_HALO_EDGES = 6.0
"""First guess of a halo's width, in mean edges; doubled where it is too narrow."""


@dataclass(frozen=True)
class Part:
    """A piece of a mesh.

    Parameters
    ----------
    vertices : (n,) array of int64
        The mesh's vertices in the part, ascending.
    core : (n,) array of bool
        Which of them are the part's own.
    faces : (f, 3) array of int64
        Triangles that lie in the part, in its own numbering.
    """

    vertices: NDArray[np.int64]
    core: NDArray[np.bool_]
    faces: NDArray[np.int64]


def partition_mesh(mesh: TriangleMesh, core: int = 1300, total: int = 2000) -> list[Part]:
    """Cut a mesh so that every vertex is in exactly one core.

    METIS (Karypis & Kumar 1998) cuts each connected component into cores of like size; a halo is
    what lies nearest to its core along the mesh. A component that fits in a part stays whole, and
    small ones share a part.

    Parameters
    ----------
    mesh : TriangleMesh
        Any mesh; vertices without a triangle are kept.
    core : int
        Vertices of a core, about.
    total : int
        Vertices of a part at most, as long as METIS keeps to the size of the cores.
    """
    if not 0 < core <= total:
        raise ValueError("a part must hold its core: 0 < core <= total")
    graph = edge_graph(mesh)
    count, component = csgraph.connected_components(graph, directed=False)
    sizes = np.bincount(component, minlength=count)
    order = np.argsort(component, kind="stable")
    members = np.split(order, np.cumsum(sizes)[:-1])
    # Which triangles a vertex has: looking for those of a part among all takes time by its square.
    corners = (mesh.faces.reshape(-1), np.repeat(np.arange(len(mesh.faces)), 3))
    around = sparse.csr_array(
        (np.ones(mesh.faces.size, dtype=bool), corners), shape=(len(component), len(mesh.faces))
    )
    parts: list[Part] = []
    small: list[NDArray[np.int64]] = []
    for vertices in members:
        if len(vertices) > total:
            parts += _cut(mesh.faces, around, graph, vertices, core, total)
        else:
            small.append(vertices)
    for group in _grouped(small, total):
        parts.append(_part(mesh.faces, around, group, np.ones(len(group), dtype=bool)))
    return parts


def _cut(
    faces: NDArray[np.int64],
    around: sparse.csr_array,
    graph: sparse.csr_array,
    vertices: NDArray[np.int64],
    core: int,
    total: int,
) -> list[Part]:
    """Return the parts of one connected component."""
    import pymetis

    own = graph[vertices][:, vertices]
    pieces = -(-len(vertices) // core)
    _, piece = pymetis.part_graph(
        pieces,
        pymetis.CSRAdjacency(own.indptr, own.indices),
        # Only the k-way scheme keeps pieces in one piece.
        recursive=False,
        options=pymetis.Options(seed=_SEED, contig=True),
    )
    owner = np.asarray(piece)
    width = _HALO_EDGES * float(own.data.mean())
    order = np.argsort(owner, kind="stable")
    ends = np.cumsum(np.unique(owner, return_counts=True)[1])[:-1]
    parts = []
    for core_vertices in np.split(vertices[order], ends):
        chosen = _with_halo(graph, core_vertices, min(total, len(vertices)), width)
        parts.append(_part(faces, around, chosen, np.isin(chosen, core_vertices)))
    return parts


def _with_halo(
    graph: sparse.csr_array, core: NDArray[np.int64], total: int, width: float
) -> NDArray[np.int64]:
    """Return the core and the vertices nearest to it, `total` together, ascending."""
    while True:
        distance = csgraph.dijkstra(graph, indices=core, min_only=True, limit=width)
        near = np.flatnonzero(np.isfinite(distance))
        if len(near) >= total:
            break
        width *= 2
    nearest = near[np.argsort(distance[near], kind="stable")[: max(total, len(core))]]
    return np.sort(nearest)


def _grouped(components: list[NDArray[np.int64]], total: int) -> list[NDArray[np.int64]]:
    """Return components packed into groups of at most `total` vertices."""
    groups: list[list[NDArray[np.int64]]] = []
    room = 0
    for vertices in sorted(components, key=len, reverse=True):
        if not groups or len(vertices) > room:
            groups.append([])
            room = total
        groups[-1].append(vertices)
        room -= len(vertices)
    return [np.sort(np.concatenate(group)) for group in groups]


def _part(
    faces: NDArray[np.int64],
    around: sparse.csr_array,
    vertices: NDArray[np.int64],
    core: NDArray[np.bool_],
) -> Part:
    """Return a part; halo vertices that none of its triangles uses are left out."""
    near = faces[np.unique(around[vertices].indices)]
    local = np.minimum(np.searchsorted(vertices, near), len(vertices) - 1)
    own = local[(vertices[local] == near).all(axis=1)].astype(np.int64)
    used = core.copy()
    used[own.ravel()] = True
    if not used.all():
        new = np.cumsum(used) - 1
        vertices, core, own = vertices[used], core[used], new[own]
    return Part(vertices.astype(np.int64), core, own)
