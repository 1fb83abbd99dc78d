"""The closed surface of one mask as a mesh of nearly equal triangles."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.membranes.repair import repair_mesh

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SIGMA = 1.0
"""Voxels: takes the stairs off a mask; the surface then lies 0.02 voxels from the true one."""
_PAD = 4
"""Voxels around the mask, so that the surface closes at the border of a cut-out."""
_SMOOTH_FIRST, _SMOOTH_LAST = 20, 10
"""Taubin steps before and after the vertices are spread evenly."""
_FEWEST = 12
"""Vertices of the smallest closed mesh."""
_FINER = 4
"""The raw surface needs this many times the vertices that are asked for."""


def closed_surface(
    mask: NDArray[np.bool_], area_voxels2: float
) -> tuple[TriangleMesh, tuple[str, ...]]:
    """Return the surface around a mask, outward, and sentences about what was mended.

    Gaussian of one voxel, marching cubes (Lewiner 2003, by scikit-image), Taubin smoothing
    (Taubin 1995, by VTK), approximated centroidal Voronoi clustering (Valette and Chassery 2004,
    by pyacvd), Taubin smoothing.

    Parameters
    ----------
    mask : (Z, Y, X) array of bool
        Cropped to what is to be meshed.
    area_voxels2 : float
        Area a vertex.

    Raises
    ------
    TomoscribeError
        If the mask has no surface that can be meshed.
    """
    raw = raw_surface(mask)
    even = spread_evenly(raw, area_voxels2)
    mesh, notes = repair_mesh(even)
    return mesh, notes


def raw_surface(mask: NDArray[np.bool_]) -> TriangleMesh:
    """Return the stair-free surface of a mask, dense, in voxels of the mask."""
    from skimage.measure import marching_cubes

    padded = np.pad(mask, _PAD).astype(np.float32)
    smooth = ndimage.gaussian_filter(padded, _SIGMA)
    level = _level(smooth, int(mask.sum()))
    vertices, faces, _, _ = marching_cubes(smooth, level, gradient_direction="descent")
    if not len(faces):
        raise TomoscribeError("it has no surface.")
    # skimage winds for the order of the array's axes; ours is meant in x y z.
    return TriangleMesh(vertices.astype(np.float64) - _PAD, faces.astype(np.int64))


def _level(smooth: NDArray[np.float32], voxels: int) -> float:
    """Return the level that encloses as many voxels as the mask has.

    It is close to one half for thick masks; at one half a membrane of one or two voxels
    would vanish.
    """
    values = smooth.reshape(-1)
    level = float(np.partition(values, len(values) - voxels)[len(values) - voxels])
    return min(level, 0.5)


def spread_evenly(mesh: TriangleMesh, area_voxels2: float) -> TriangleMesh:
    """Return a mesh with vertices spread evenly over the same surface."""
    import pyacvd
    from pyvista.core.errors import PyVistaDeprecationWarning

    data = as_polydata(mesh).smooth_taubin(n_iter=_SMOOTH_FIRST, pass_band=0.1)
    wanted = max(round(data.area / area_voxels2), _FEWEST)
    with warnings.catch_warnings():
        # pyacvd's own use of pyvista, which its authors will mend.
        warnings.simplefilter("ignore", PyVistaDeprecationWarning)
        clusters = pyacvd.Clustering(data)
        if data.n_points < _FINER * wanted:
            clusters.subdivide(int(np.ceil(np.log2(_FINER * wanted / data.n_points) / 2)))
        clusters.cluster(wanted)
        even: Any = clusters.create_mesh(moveclus=False)
    even = even.smooth_taubin(n_iter=_SMOOTH_LAST, pass_band=0.1)
    faces = np.asarray(even.regular_faces, dtype=np.int64).reshape(-1, 3)
    return TriangleMesh(np.asarray(even.points, dtype=np.float64), faces)


def as_polydata(mesh: TriangleMesh) -> Any:
    """Return a mesh for VTK; its coordinates stay z y x."""
    import pyvista as pv

    return pv.PolyData.from_regular_faces(mesh.vertices_zyx, mesh.faces)
