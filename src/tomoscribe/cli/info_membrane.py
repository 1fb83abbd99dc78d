"""What `tomoscribe info` tells of membranes and meshes."""

from __future__ import annotations

import numpy as np

from tomoscribe.io.membrane_h5 import MembraneFile, read_membrane_file
from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.io.meshes import read_mesh


def describe_membrane(path: str) -> list[str]:
    """Return what a membrane container holds, one line each.

    Raises
    ------
    TomoscribeError
        If it is broken.
    """
    held = read_membrane_file(path)
    own = held.normals_outward_zyx is not None
    size = "unknown" if held.voxel_size_A is None else f"{held.voxel_size_A:g} Å"
    lines = [
        f"{path}: membrane, {'of tomoscribe' if own else 'as MemBrain-pick writes it'}",
        *_describe_triangles(held.mesh, "voxels" if own else f"{held.pixel_size:g} a voxel"),
        f"  voxel size      {size}",
        f"  densities       {_densities(held)}",
        f"  tomogram        {held.tomogram or 'not told'}",
    ]
    if held.scores is not None:
        lines.append(f"  scores          {', '.join(held.class_names) or len(held.scores)}")
    elif held.distances is not None:
        lines.append("  scores          yes, distances to particles")
    return [*lines, *(f"  note            {note}" for note in held.notes)]


def describe_mesh(path: str) -> list[str]:
    """Return what a mesh file holds, one line each.

    Raises
    ------
    TomoscribeError
        If it is broken.
    """
    mesh = read_mesh(path).mesh
    return [f"{path}: mesh", *_describe_triangles(mesh, "in the file's unit")]


def _densities(held: MembraneFile) -> str:
    parts = []
    if held.depths_A is not None:
        parts.append(
            f"{held.depths_A[0]:g} to {held.depths_A[-1]:g} Å at {len(held.depths_A)} depths"
        )
    if held.values is not None:
        band = "" if held.band_A is None else f", {held.band_A[0]:g} to {held.band_A[1]:g} Å"
        parts.append(f"{held.values.shape[1]} for MemBrain-pick{band}")
    return "; ".join(parts) or "none"


def _describe_triangles(mesh: TriangleMesh, unit: str) -> list[str]:
    low, high = mesh.vertices_zyx.min(axis=0), mesh.vertices_zyx.max(axis=0)
    edge = mesh.vertices_zyx[mesh.faces[:, 0]] - mesh.vertices_zyx[mesh.faces[:, 1]]
    spans = ", ".join(
        f"{axis} {a:.1f} to {b:.1f}"
        for axis, a, b in zip("xyz", low[::-1], high[::-1], strict=True)
    )
    return [
        f"  vertices        {len(mesh.vertices_zyx)}, triangles {len(mesh.faces)}",
        f"  extent          {spans} ({unit})",
        f"  mean edge       {np.linalg.norm(edge, axis=1).mean():.3g}",
    ]
