"""A membrane: a mesh, its outward normals and the density along them; read, made and written."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.membrane_h5 import (
    MembraneFile,
    read_membrane_file,
    write_membrane_file,
)
from tomoscribe.io.meshes import MESH_SUFFIXES, read_mesh
from tomoscribe.io.volumes import Volume, open_volume
from tomoscribe.membranes.container import PEER_STEP_A, Surface, fill_file, read_surface
from tomoscribe.membranes.mesh_normals import vertex_normals_zyx
from tomoscribe.membranes.repair import repair_mesh
from tomoscribe.membranes.slab import Slab, finite, sample_slab, wide_depths_A
from tomoscribe.membranes.tomograms import check_same_grid, find_tomogram

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tomoscribe.io.arrays import LazyArray
    from tomoscribe.io.mesh_data import TriangleMesh

SAME_SIZE = 0.01
"""Voxel sizes that differ by less than this share are equal: headers store rounded cells."""


@dataclass(frozen=True)
class Membrane:
    """A membrane of a tomogram.

    Parameters
    ----------
    name : str
        Name of its file without the suffix.
    path : Path or None
        The container, where there is one.
    mesh : TriangleMesh
    normals_zyx : (V, 3) array of float64
        Outward unit normals.
    voxel_size_A : float
    slab : Slab
        Density along the normals, as wide as it is known.
    tomogram : str or None
        Path of the tomogram; None where it is not known or not found.
    tomogram_shape_zyx : tuple of int or None
    notes : tuple of str
        Sentences about what was odd and how it was read.
    scores : (C, V) array of float32 or None
        0..1 a class, higher at particle centres.
    class_names : tuple of str
    centers_zyx : (N, 3) array or None
        Cluster centres in voxels, of a container that MemBrain-pick predicted.
    tomogram_origin_zyx_A : tuple of float
        Of the tomogram's header; 0 where it is not found.
    """

    name: str
    path: Path | None
    mesh: TriangleMesh
    normals_zyx: NDArray[np.float64]
    voxel_size_A: float
    slab: Slab
    tomogram: str | None = None
    tomogram_shape_zyx: tuple[int, int, int] | None = None
    notes: tuple[str, ...] = ()
    scores: NDArray[np.float32] | None = None
    class_names: tuple[str, ...] = ()
    centers_zyx: NDArray[np.float64] | None = None
    tomogram_origin_zyx_A: tuple[float, float, float] = (0.0, 0.0, 0.0)


def make_membrane(
    name: str,
    mesh: TriangleMesh,
    volume: Volume | LazyArray | NDArray[Any],
    voxel_size_A: float | None = None,
    *,
    tomogram: str | None = None,
    order: Literal[1, 3] = 1,
    notes: Sequence[str] = (),
) -> Membrane:
    """Return a membrane with the density of a tomogram sampled along its normals.

    Parameters
    ----------
    name : str
    mesh : TriangleMesh
        Repaired, outward, in voxels of the tomogram.
    volume : Volume or array
        The tomogram.
    voxel_size_A : float, optional
        Needed where `volume` does not tell it.
    tomogram : str, optional
        Path of the tomogram; that of `volume` if omitted.
    order : 1 or 3
        Linear or cubic sampling.
    notes : sequence of str
        Sentences that the membrane shall carry.

    Raises
    ------
    TomoscribeError
        If the voxel size is unknown, the mesh lies outside the tomogram, or that is all NaN there.
    """
    data = volume.data if isinstance(volume, Volume) else volume
    size_A = voxel_size_A
    if isinstance(volume, Volume):
        size_A = size_A or volume.require_voxel_size()
        tomogram = tomogram or volume.path
    if size_A is None:
        raise TomoscribeError(f"The voxel size of membrane '{name}' is unknown: give it in Å.")
    z, y, x = data.shape
    shape = (int(z), int(y), int(x))
    beside = _beyond(mesh, shape)
    normals = vertex_normals_zyx(mesh)
    told = [*notes, *beside]
    depths = wide_depths_A(size_A)
    slab = sample_slab(data, mesh.vertices_zyx, normals, depths, size_A, order=order, notes=told)
    made = Membrane(name, None, mesh, normals, float(size_A), slab, tomogram, shape, tuple(told))
    if isinstance(volume, Volume):
        return replace(made, tomogram_origin_zyx_A=volume.origin_zyx_A)
    return made


def _beyond(mesh: TriangleMesh, shape: tuple[int, int, int]) -> tuple[str, ...]:
    """Return a note if a part of the mesh is outside the tomogram; raise if most of it is."""
    inside = np.all((mesh.vertices_zyx > -1) & (mesh.vertices_zyx < shape), axis=1).reshape(-1)
    out = int((~inside).sum())
    if out > len(inside) / 2:
        low, high = mesh.vertices_zyx.min(axis=0), mesh.vertices_zyx.max(axis=0)
        spans = ", ".join(
            f"{axis} {a:.0f} to {b:.0f} of {n}"
            for axis, a, b, n in zip("zyx", low, high, shape, strict=True)
        )
        raise TomoscribeError(
            f"The mesh lies outside the tomogram (voxels: {spans}): is it another tomogram, "
            "binning or origin?"
        )
    if out:
        return (f"{out} of {len(inside)} vertices lie outside the tomogram.",)
    return ()


def load_membrane(
    path: str | Path,
    *,
    tomogram: str | None = None,
    voxel_size_A: float | None = None,
    folders: Sequence[str | Path] = (),
) -> Membrane:
    """Read a membrane: a container of tomoscribe or MemBrain-pick, or a mesh with its tomogram.

    Parameters
    ----------
    path : str or Path
        Container (.h5) or mesh (.obj, .ply, .stl, .vtp, .vtk).
    tomogram : str, optional
        The tomogram, where the file's own path is missing or wrong. Where a file named another
        one, the answer is remembered for the files beside it.
    voxel_size_A : float, optional
        Overrides what the files say.
    folders : sequence
        Where to look by name for a tomogram that is not at its place.

    Raises
    ------
    TomoscribeError
        If it is broken, its voxel size is unknown, or it lies outside its tomogram.
    """
    place = Path(path)
    if place.suffix.lower() in MESH_SUFFIXES:
        return _load_mesh(place, tomogram, voxel_size_A)
    held = read_membrane_file(place)
    found, notes = find_tomogram(place, held.tomogram, held.tomogram_relative, tomogram, folders)
    volume = None if found is None else open_volume(found, voxel_size_A)
    size_A = _voxel_size(place, held, volume, voxel_size_A)
    shape = held.tomogram_shape_zyx if volume is None else volume.shape_zyx
    check_same_grid(place, held.tomogram_shape_zyx, found, shape)
    surface = read_surface(held, shape, size_A)
    beyond = () if shape is None else _beyond(surface.mesh, shape)
    slab, slab_notes = _slab(surface, volume, size_A, place, held.voxel_size_A)
    return Membrane(
        name=place.stem,
        path=place,
        mesh=surface.mesh,
        normals_zyx=surface.normals_zyx,
        voxel_size_A=size_A,
        slab=slab,
        tomogram=found or held.tomogram,
        tomogram_shape_zyx=shape,
        notes=(*held.notes, *notes, *surface.notes, *beyond, *slab_notes),
        scores=surface.scores,
        class_names=surface.class_names,
        centers_zyx=surface.centers_zyx,
        tomogram_origin_zyx_A=(0.0, 0.0, 0.0) if volume is None else volume.origin_zyx_A,
    )


def _load_mesh(path: Path, tomogram: str | None, voxel_size_A: float | None) -> Membrane:
    """Return a membrane of a mesh file; the tomogram decides the unit of its coordinates."""
    if tomogram is None:
        raise TomoscribeError(
            f"{path} is a mesh without a tomogram: name the tomogram that it belongs to."
        )
    volume = open_volume(tomogram, voxel_size_A)
    read = read_mesh(path, volume.geometry)
    mesh, notes = repair_mesh(read.mesh)
    made = make_membrane(path.stem, mesh, volume, notes=(*read.notes, *notes))
    return replace(made, path=path)


def _voxel_size(
    path: Path, held: MembraneFile, volume: Volume | None, given_A: float | None
) -> float:
    size_A = given_A or held.voxel_size_A
    if size_A is None and volume is not None:
        size_A = volume.voxel_size_A
    if size_A is None and held.pixel_size != 1.0:
        size_A = held.pixel_size
    if size_A is None:
        why = "it names no tomogram" if held.tomogram is None else f"{held.tomogram} is not there"
        if volume is not None:
            why = f"{volume.path} does not tell it"
        raise TomoscribeError(
            f"The voxel size of {path} is unknown, and {why}: name the tomogram, or give the "
            "voxel size in Å."
        )
    return float(size_A)


def _slab(
    surface: Surface, volume: Volume | None, size_A: float, path: Path, made_with_A: float | None
) -> tuple[Slab, tuple[str, ...]]:
    """Return the widest slab that is to be had: the file's, a new one, or the peer's values."""
    notes: list[str] = []
    if surface.slab is not None:
        slab = _known(surface.slab, path, notes)
        if made_with_A is not None and abs(size_A - made_with_A) > SAME_SIZE * made_with_A:
            notes.append(
                f"Depths that counted in voxels of {made_with_A:g} Å now do of {size_A:g}."
            )
            slab = replace(slab, depths_A=slab.depths_A * (size_A / made_with_A))
        return slab, tuple(notes)
    if volume is not None:
        depths, vertices = wide_depths_A(size_A), surface.mesh.vertices_zyx
        slab = sample_slab(volume.data, vertices, surface.normals_zyx, depths, size_A, notes=notes)
        return slab, tuple(notes)
    if surface.narrow is None:
        raise TomoscribeError(
            f"{path} holds no densities and its tomogram is not found: name the tomogram."
        )
    return _known(surface.narrow, path, notes), (
        *notes,
        "The tomogram is not found: only the densities in the file are there, "
        f"{surface.narrow.depths_A[0]:g} to {surface.narrow.depths_A[-1]:g} Å if they were made "
        f"with steps of {PEER_STEP_A:g} Å.",
    )


def _known(slab: Slab, path: Path, notes: list[str]) -> Slab:
    return replace(slab, values=finite(slab.values, f"densities in {path.name}", notes))


def save_membrane(
    path: str | Path, membrane: Membrane, band_A: tuple[float, float, float] | None = None
) -> None:
    """Write a membrane as a container that MemBrain-pick 0.0.9 reads too.

    Parameters
    ----------
    path : str or Path
        Suffix .h5; its folder must exist.
    membrane : Membrane
    band_A : tuple of float, optional
        Lowest depth, highest depth and step in Å, along the outward normals, of the densities
        that MemBrain-pick sees; its own defaults (-22.5 to 25 in steps of 2.5) if omitted.

    Raises
    ------
    TomoscribeError
        If the system refuses the write, or the band is empty.
    """
    place = Path(path)
    tomogram = membrane.tomogram
    local = tomogram is not None and "://" not in tomogram
    absolute = os.path.abspath(tomogram) if tomogram and local else tomogram
    relative = _relative(absolute, place.absolute().parent) if absolute and local else None
    file = MembraneFile(
        mesh=membrane.mesh,
        normals_outward_zyx=membrane.normals_zyx,
        slab_values=membrane.slab.values,
        depths_A=membrane.slab.depths_A,
        voxel_size_A=membrane.voxel_size_A,
        tomogram=absolute,
        tomogram_relative=relative,
        tomogram_shape_zyx=membrane.tomogram_shape_zyx,
        scores=membrane.scores,
        class_names=membrane.class_names,
        notes=membrane.notes,
    )
    write_membrane_file(place, fill_file(file, band_A))


def _relative(path: str, folder: Path) -> str | None:
    try:
        return os.path.relpath(path, folder)
    except ValueError:  # On another drive of Windows.
        return None
