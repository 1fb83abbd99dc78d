"""The surface of one object, for measuring and for meshes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes.surface import raw_surface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Triple = tuple[float, float, float]


def object_surface(mask: NDArray[np.bool_], voxel_size_zyx_nm: Triple) -> TriangleMesh:
    """Return the closed, outward surface of a mask, in nm from its first voxel's centre.

    Stairs are taken off with a Gaussian of one voxel. A mask too thin for that, such as an
    object in one section only, keeps its stairs (marching cubes, Lewiner 2003).

    Parameters
    ----------
    mask : (Z, Y, X) array of bool
        With at least one voxel.
    voxel_size_zyx_nm : tuple of float
    """
    mesh, grown = raw_surface(mask)
    if grown:
        mesh = _stairs(mask)
    return TriangleMesh(mesh.vertices_zyx * np.asarray(voxel_size_zyx_nm), mesh.faces)


def area(mesh: TriangleMesh) -> float:
    """Return the area of a mesh, in the square of its vertices' unit."""
    a, b, c = (mesh.vertices_zyx[mesh.faces[:, i]] for i in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def _stairs(mask: NDArray[np.bool_]) -> TriangleMesh:
    from skimage import measure

    cubes: Any = measure.marching_cubes
    # `descent` winds outward for the array's axes; meant in x y z that is turned round.
    vertices, faces, _, _ = cubes(np.pad(mask, 1).astype(np.float32), 0.5)
    return TriangleMesh(vertices.astype(np.float64) - 1, faces.astype(np.int64))
