"""Containers and membranes: unit, outside and depth scale of what others wrote, and the way back.

MemBrain-pick 0.0.9 (github.com/CellArchLab/membrain-pick) keeps neither the voxel size nor the
steps of its densities, and its normals point inward.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import scipy

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.io.meshes import shares_within
from tomoscribe.membranes.mesh_normals import vertex_normals_zyx
from tomoscribe.membranes.repair import repair_mesh
from tomoscribe.membranes.slab import Slab
from tomoscribe.membranes.topology import open_edges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.io.membrane_h5 import MembraneFile

PEER_STEP_A = 2.5
PEER_STEPS = (-10, 10)
"""MemBrain-pick's defaults: it samples at these multiples of the step, along inward normals."""
_PEER_FAR = 10.0
"""MemBrain-pick's scores are distances from 0, at a centre, to this."""
_PEER_CLASS = "particle"
_UNIT_MARGIN = 0.02
"""So much more of the mesh must lie in the tomogram for `pixel_size` to be doubted."""


@dataclass(frozen=True)
class Surface:
    """A container's content, understood: voxels, outward, densities over depths in Å.

    `slab` is our own wide one, `narrow` the densities of MemBrain-pick's key.
    """

    mesh: TriangleMesh
    normals_zyx: NDArray[np.float64]
    slab: Slab | None
    narrow: Slab | None
    scores: NDArray[np.float32] | None
    class_names: tuple[str, ...]
    notes: tuple[str, ...]
    centers_zyx: NDArray[np.float64] | None = None


def read_surface(
    held: MembraneFile,
    shape_zyx: tuple[int, int, int] | None,
    voxel_size_A: float,
) -> Surface:
    """Return what a container holds, with unit and outside judged.

    Parameters
    ----------
    held : MembraneFile
    shape_zyx : tuple of int or None
        The tomogram's voxels, which tell points in Å from points in voxels.
    voxel_size_A : float
    """
    if held.normals_outward_zyx is not None:
        return _own(held)
    unit, unit_notes = _unit(held, shape_zyx, voxel_size_A)
    vertices = held.mesh.vertices_zyx / unit
    # MemBrain-pick winds inward; only what differs from that is worth a note.
    mesh, notes = repair_mesh(TriangleMesh(vertices, held.mesh.faces[:, ::-1]))
    # What belonged to the vertices must follow them: repairs drop and merge some.
    used = np.unique(held.mesh.faces)
    index = used[scipy.spatial.KDTree(vertices[used]).query(mesh.vertices_zyx)[1]]
    normals = vertex_normals_zyx(mesh)
    theirs = None if held.normals_zyx is None else held.normals_zyx[index]
    along = 0.0 if theirs is None else float(np.einsum("ij,ij->i", theirs, normals).mean())
    if along > 0 and open_edges(mesh):
        mesh, normals, along = replace(mesh, faces=mesh.faces[:, ::-1]), -normals, -along
        notes = (*notes, "The normals in the file are taken as inward, as MemBrain-pick's are.")
    narrow = None if held.values is None else _narrow(held.values[index], along > 0)
    scores = None
    if held.distances is not None:
        scores = np.clip(1 - held.distances[index] / _PEER_FAR, 0, 1).astype(np.float32)[None]
    classes = () if scores is None else (_PEER_CLASS,)
    centers = None if held.centers_zyx is None else held.centers_zyx / unit
    return Surface(mesh, normals, None, narrow, scores, classes, (*unit_notes, *notes), centers)


def _own(held: MembraneFile) -> Surface:
    assert held.normals_outward_zyx is not None
    mesh = replace(held.mesh, faces=np.ascontiguousarray(held.mesh.faces[:, ::-1]))
    slab, normals = None, held.normals_outward_zyx
    notes: tuple[str, ...] = ()
    if held.slab_values is not None and held.depths_A is not None:
        slab = Slab(held.slab_values, held.depths_A)
    if not np.isfinite(normals).all():
        normals, notes = vertex_normals_zyx(mesh), ("Normals that were NaN are made anew.",)
    return Surface(mesh, normals, slab, None, held.scores, held.class_names, notes)


def _unit(
    held: MembraneFile, shape: tuple[int, int, int] | None, voxel_size_A: float
) -> tuple[float, tuple[str, ...]]:
    """Return what divides the points to voxels: their `pixel_size`, unless the box says no."""
    if shape is None:
        return held.pixel_size, ()
    units = {
        "": held.pixel_size,
        "Its points are in voxels, against its pixel_size.": 1.0,
        "Its points are in Å, against its pixel_size.": voxel_size_A,
    }
    guesses = [held.mesh.vertices_zyx / unit for unit in units.values()]
    inside = dict(zip(units, shares_within(guesses, held.mesh.faces, shape), strict=True))
    best = max(inside, key=lambda note: inside[note])
    if inside[""] >= inside[best] - _UNIT_MARGIN:
        return held.pixel_size, ()
    return units[best], (best,)


def _narrow(values: NDArray[np.float32], outward: bool) -> Slab:
    """Return MemBrain-pick's densities as a slab over outward depths, assuming its steps."""
    count = values.shape[1]
    first = PEER_STEPS[0] if count == PEER_STEPS[1] - PEER_STEPS[0] else -(count // 2)
    depths = np.arange(first, first + count) * PEER_STEP_A
    if outward:
        return Slab(values, depths)
    return Slab(np.ascontiguousarray(values[:, ::-1]), -depths[::-1])


def fill_file(file: MembraneFile, band_A: tuple[float, float, float] | None) -> MembraneFile:
    """Return our container with what MemBrain-pick looks for: densities inward, distances.

    Parameters
    ----------
    file : MembraneFile
        With slab and outward normals.
    band_A : tuple of float or None
        Lowest depth, highest depth, step in Å, outward; None for MemBrain-pick's defaults.
    """
    assert file.slab_values is not None
    assert file.depths_A is not None
    slab = Slab(file.slab_values, file.depths_A)
    inward = peer_depths_A(band_A)
    distances = None
    if file.scores is not None and len(file.scores):
        distances = _PEER_FAR * (1.0 - file.scores.max(axis=0).astype(np.float64))
    return replace(
        file,
        values=slab.resample(-inward),
        band_A=(float(-inward[-1]), float(-inward[0])),
        step_A=float(inward[1] - inward[0]) if len(inward) > 1 else PEER_STEP_A,
        distances=distances,
    )


def peer_depths_A(band_A: tuple[float, float, float] | None) -> NDArray[np.float64]:
    """Return depths along the inward normals, ascending, for a band along the outward ones.

    Raises
    ------
    TomoscribeError
        If the band holds fewer than two samples.
    """
    if band_A is None:
        usual: NDArray[np.float64] = np.arange(*PEER_STEPS, dtype=np.float64) * PEER_STEP_A
        return usual
    low, high, step = band_A
    if not (high > low and step > 0 and (high - low) >= step):
        raise TomoscribeError(
            f"A band from {low:g} to {high:g} Å in steps of {step:g} Å holds no two samples."
        )
    count = int(np.floor((high - low) / step + 1e-6)) + 1
    # Ascending inward: the first sample is the outermost.
    depths: NDArray[np.float64] = -(low + step * np.arange(count, dtype=np.float64))[::-1]
    return depths
