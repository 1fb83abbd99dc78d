"""The surface of one object, for measuring and for meshes."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes.surface import raw_surface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.io.arrays import LazyArray

    Triple = tuple[float, float, float]
    Corner = tuple[int, int, int]

_WHOLE_VOXELS = 1 << 24
"""Boxes up to this size are meshed at once, which takes about 30 bytes a voxel."""
_PIECE = 192
_RIM = 8
"""Voxels; the Gaussian sees 4."""


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


def surface_area(
    labels: LazyArray, number: int, lo_zyx: Corner, hi_zyx: Corner, voxel_size_zyx_nm: Triple
) -> float:
    """Return the area in nm² of `object_surface` of an object; of a large one piece by piece.

    Whether it is thin, each piece judges for itself.

    Parameters
    ----------
    labels : (Z, Y, X) array
        Read box by box.
    number : int
        The object.
    lo_zyx, hi_zyx : tuple of int
        The box lo <= voxel < hi around it.
    voxel_size_zyx_nm : tuple of float
    """
    if math.prod(b - a for a, b in zip(lo_zyx, hi_zyx, strict=True)) <= _WHOLE_VOXELS:
        box = tuple(slice(a, b) for a, b in zip(lo_zyx, hi_zyx, strict=True))
        return area(object_surface(np.asarray(labels[box]) == number, voxel_size_zyx_nm))
    starts = [range(a, b, _PIECE) for a, b in zip(lo_zyx, hi_zyx, strict=True)]
    return math.fsum(
        _area_of_piece(labels, number, core, (lo_zyx, hi_zyx), voxel_size_zyx_nm)
        for core in itertools.product(*starts)
    )


def _area_of_piece(
    labels: LazyArray,
    number: int,
    first: tuple[int, ...],
    box: tuple[Corner, Corner],
    voxel_size_zyx_nm: Triple,
) -> float:
    """Return the area of the triangles whose centres lie in a piece, which sees a rim around it."""
    seen = tuple(
        slice(max(a - _RIM, 0), min(a + _PIECE + _RIM, n))
        for a, n in zip(first, labels.shape, strict=True)
    )
    mask = np.asarray(labels[seen]) == number
    if not mask.any():
        return 0.0
    mesh = object_surface(mask, (1.0, 1.0, 1.0))
    corner = np.array([s.start for s in seen])
    centres = mesh.vertices_zyx[mesh.faces].mean(axis=1) + corner
    # The surface lies a little outside of the box, too.
    low = np.where(np.equal(first, box[0]), -np.inf, first)
    end = np.add(first, _PIECE)
    high = np.where(end >= box[1], np.inf, end)
    mine = ((centres >= low) & (centres < high)).all(axis=1)
    vertices = mesh.vertices_zyx * np.asarray(voxel_size_zyx_nm)
    return area(TriangleMesh(vertices, mesh.faces[mine]))


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
