"""The closed surface of one mask as a mesh of nearly equal triangles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes.even import spread_evenly
from tomoscribe.membranes.mesh_normals import vertex_normals_zyx
from tomoscribe.membranes.repair import repair_mesh

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

_SIGMA = 1.0
"""Voxels: takes the stairs off a mask. On a torus the surface then lies 0.04 voxels from the
true one; SurfaceNets 0.085, MemBrain-pick's 2,000 smoothing steps 0.12."""
_PAD = 4
"""Voxels around the mask, so that the surface closes at the border of a cut-out."""
_LEVEL = 0.5
_BOX = 128
_HALO = 5
"""Voxels: the Gaussian reaches 4, and a ridge is looked for in the one beyond."""
_THIN_SHARE = 0.02
"""If more of the mask than this lies in sheets that the Gaussian would wipe out, it grows first."""


def closed_surface(
    mask: NDArray[np.bool_],
    area_voxels2: float,
    between: Callable[[], None] = lambda: None,
) -> tuple[TriangleMesh, tuple[str, ...]]:
    """Return the surface around a mask, outward, and sentences about what was mended.

    Parameters
    ----------
    mask : (Z, Y, X) array of bool
        Cropped to what is to be meshed.
    area_voxels2 : float
        Area a vertex.
    between : callable
        Called between the steps; what it raises ends the work.

    Raises
    ------
    TomoscribeError
        If the mask has no surface that can be meshed.
    """
    raw, grown = raw_surface(mask)
    between()
    even = spread_evenly(raw, area_voxels2)
    between()
    # Where two faces nearly touch, a vertex may stand for both, and a hole is left.
    mesh, notes = repair_mesh(even, longest_hole=None)
    if grown:
        normals = vertex_normals_zyx(mesh)
        # By so much the dilation moved a plane of this normal: the support of its octahedron.
        way = np.abs(normals).max(axis=1, keepdims=True)
        mesh = TriangleMesh(mesh.vertices_zyx - way * normals, mesh.faces)
    return mesh, notes


def raw_surface(mask: NDArray[np.bool_]) -> tuple[TriangleMesh, bool]:
    """Return the surface of a mask without stairs, dense, outward, and whether it was grown.

    Gaussian of one voxel and marching cubes (Lewiner 2003, by scikit-image). Sheets of about one
    voxel would vanish: a mask with such grows by one voxel to each neighbour before.

    Raises
    ------
    TomoscribeError
        If there is no surface.
    """
    padded = np.pad(mask, _PAD)
    smooth, weak = _smoothed(padded)
    grown = weak > _THIN_SHARE * int(np.count_nonzero(mask))
    if grown:
        padded = scipy.ndimage.binary_dilation(padded)
        smooth, _ = _smoothed(padded)
    mesh = _marching_cubes(smooth, int(padded.sum()))
    if not len(mesh.faces):
        raise TomoscribeError("it has no surface.")
    return TriangleMesh(mesh.vertices_zyx - _PAD, mesh.faces), grown


def _smoothed(mask: NDArray[np.bool_]) -> tuple[NDArray[np.float32], int]:
    """Return a mask after the Gaussian, and how many of its voxels are in sheets that it wipes out.

    Box by box, where the mask is: a membrane that winds through a whole tomogram fills little
    of it.
    """
    smooth = np.zeros(mask.shape, dtype=np.float32)
    weak = 0
    for start in np.ndindex(*(-(-n // _BOX) for n in mask.shape)):
        core = tuple(slice(_BOX * s, _BOX * (s + 1)) for s in start)
        outer = tuple(slice(max(c.start - _HALO, 0), c.stop + _HALO) for c in core)
        if not mask[outer].any():
            continue
        inner = tuple(
            slice(c.start - o.start, c.stop - o.start) for c, o in zip(core, outer, strict=True)
        )
        part = scipy.ndimage.gaussian_filter(mask[outer].astype(np.float32), _SIGMA)
        smooth[core] = part[inner]
        ridge = scipy.ndimage.maximum_filter(part, 3)[inner][mask[core]]
        weak += int(np.count_nonzero(ridge < _LEVEL))
    return smooth, weak


def _marching_cubes(smooth: NDArray[np.float32], voxels: int) -> TriangleMesh:
    from skimage import measure

    cubes: Any = measure.marching_cubes
    # `descent` winds outward for the array's axes; meant in x y z that is turned round.
    vertices, faces, _, _ = cubes(smooth, _level(smooth, voxels), gradient_direction="descent")
    return TriangleMesh(vertices.astype(np.float64), faces.astype(np.int64))


def _level(smooth: NDArray[np.float32], voxels: int) -> float:
    """Return the level that encloses as many voxels as the mask has, at most one half.

    It is one half for thick masks; thin ones would shrink there.
    """
    values = smooth[smooth > _LEVEL / 4]
    if len(values) <= voxels:
        return _LEVEL
    place = len(values) - voxels
    return min(float(np.partition(values, place)[place]), _LEVEL)
