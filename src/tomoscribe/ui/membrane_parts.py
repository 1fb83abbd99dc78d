"""Meshes made of membranes for display: many in one, and the part that is declared complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tomoscribe.io.mesh_data import TriangleMesh
    from tomoscribe.membranes.membrane import Membrane

COMPLETE_LIFT = 0.25
"""Voxels; a tint at the same place as the mesh would flicker with it."""

MeshArrays = tuple["NDArray[np.float64]", "NDArray[np.int64]"]


def joined(meshes: Sequence[TriangleMesh]) -> MeshArrays:
    """Return vertices and faces of meshes as one."""
    starts = np.cumsum([0, *(len(mesh.vertices_zyx) for mesh in meshes)])
    vertices = np.concatenate([mesh.vertices_zyx for mesh in meshes])
    faces = np.concatenate(
        [mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)]
    )
    return vertices, faces


def complete_faces(membrane: Membrane, mask: NDArray[np.bool_]) -> MeshArrays:
    """Return the triangles all of whose vertices (V,) are in `mask`, lifted off the mesh."""
    faces = membrane.mesh.faces[mask[membrane.mesh.faces].all(axis=1)]
    used, inverse = np.unique(faces, return_inverse=True)
    lifted = membrane.mesh.vertices_zyx[used] + COMPLETE_LIFT * membrane.normals_zyx[used]
    return lifted, inverse.reshape(faces.shape)
