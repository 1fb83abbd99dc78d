"""The part of a membrane that is declared complete, as a mesh of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.membranes.membrane import Membrane

COMPLETE_LIFT = 0.25
"""Voxels; a tint at the same place as the mesh would flicker with it."""

MeshArrays = tuple["NDArray[np.float64]", "NDArray[np.int64]"]


def complete_faces(membrane: Membrane, mask: NDArray[np.bool_]) -> MeshArrays:
    """Return the triangles all of whose vertices (V,) are in `mask`, lifted off the mesh."""
    faces = membrane.mesh.faces[mask[membrane.mesh.faces].all(axis=1)]
    used, inverse = np.unique(faces, return_inverse=True)
    lifted = membrane.mesh.vertices_zyx[used] + COMPLETE_LIFT * membrane.normals_zyx[used]
    return lifted, inverse.reshape(faces.shape)
