"""What a graphics card needs of a mesh, prepared in a thread and handed to vispy as it is.

vispy works out normals and corners anew each time napari touches a layer: seconds at a million
triangles, in the GUI thread. Ours are worked out once, and kept while the mesh is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Surface
    from numpy.typing import NDArray

    from tomoscribe.io.mesh_data import TriangleMesh


@dataclass(frozen=True, eq=False)
class MeshBuffers:
    """A mesh as vispy draws it: x y z, a vertex for each corner of each triangle.

    Parameters
    ----------
    vertices : (V, 3) array of float32
        Voxels x y z.
    faces : (F, 3) array of int
        Turned, as x y z is a mirror image of z y x.
    corners, normals : (F, 3, 3) arrays of float32
        Position and outward normal of each corner.
    """

    vertices: NDArray[np.float32]
    faces: NDArray[np.int64]
    corners: NDArray[np.float32]
    normals: NDArray[np.float32]

    @classmethod
    def of(cls, mesh: TriangleMesh, normals_zyx: NDArray[np.float64]) -> MeshBuffers:
        """Return the buffers of a mesh with outward unit normals (V, 3)."""
        vertices = np.ascontiguousarray(mesh.vertices_zyx[:, ::-1], dtype=np.float32)
        normals = np.ascontiguousarray(normals_zyx[:, ::-1], dtype=np.float32)
        faces = np.ascontiguousarray(mesh.faces[:, ::-1])
        return cls(vertices, faces, vertices[faces], normals[faces])

    @classmethod
    def joined(cls, parts: Sequence[MeshBuffers]) -> MeshBuffers:
        """Return many meshes as one."""
        starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
        faces = [part.faces + start for part, start in zip(parts, starts, strict=False)]
        return cls(
            np.concatenate([part.vertices for part in parts]),
            np.concatenate(faces),
            np.concatenate([part.corners for part in parts]),
            np.concatenate([part.normals for part in parts]),
        )

    def mesh_data(
        self, values: NDArray[np.float32] | None, colors: NDArray[np.float32] | None
    ) -> Any:
        """Return vispy's `MeshData` of these, with values (V,) or colours (V, 4)."""
        from vispy.geometry import MeshData  # type: ignore[import-untyped]  # it has no types

        data = MeshData(self.vertices, self.faces, vertex_values=values, vertex_colors=colors)
        data._vertices_indexed_by_faces = self.corners
        data._vertex_normals = self.normals  # asked for by corner only
        data._vertex_normals_indexed_by_faces = self.normals
        return data


def lend(node: Any, layer: Surface, buffers: MeshBuffers) -> None:
    """Let the vispy mesh of a layer take these whenever napari gives it the same mesh."""
    if node is None:
        return
    known = isinstance(node.set_data, partial)
    node.unfreeze()
    node.set_data = partial(_set_data, node, buffers)
    node.freeze()
    if not known:
        _attach_when_wanted(node, layer)


def _set_data(
    node: Any,
    buffers: MeshBuffers,
    vertices: NDArray[np.float32] | None = None,
    faces: NDArray[np.int64] | None = None,
    vertex_values: NDArray[np.float32] | None = None,
    vertex_colors: NDArray[np.float32] | None = None,
) -> None:
    """Stand in for the node's own `set_data`, which throws away all that it knew of the mesh."""
    same = (
        vertices is not None
        and faces is not None
        and len(vertices) == len(buffers.vertices)
        and len(faces) == len(buffers.faces)
    )
    if not same:
        type(node).set_data(
            node,
            vertices=vertices,
            faces=faces,
            vertex_values=vertex_values,
            vertex_colors=vertex_colors,
        )
        return
    held = node.mesh_data
    if (
        held._vertices_indexed_by_faces is buffers.corners
        and _equal(held.get_vertex_values(), vertex_values)
        and _equal(held.get_vertex_colors(), vertex_colors)
    ):
        return  # as it is shown already
    type(node).set_data(node, meshdata=buffers.mesh_data(vertex_values, vertex_colors))


def _equal(one: NDArray[np.float32] | None, other: NDArray[np.float32] | None) -> bool:
    if one is None or other is None:
        return one is other
    return one is other or np.array_equal(one, other)


def _attach_when_wanted(node: Any, layer: Surface) -> None:
    """Take napari's wireframe off until it is shown: it sends as much again as the mesh itself."""
    wires = node.wireframe_filter
    if not wires.attached or layer.wireframe.visible:
        return
    node.detach(wires)

    def attach() -> None:
        if layer.wireframe.visible and not wires.attached:
            node.attach(wires)
            wires._update_data()

    layer.wireframe.events.visible.connect(attach)
