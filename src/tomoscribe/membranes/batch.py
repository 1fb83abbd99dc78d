"""Segmentation files to membrane files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.meshes import write_mesh
from tomoscribe.membranes.container import peer_depths_A
from tomoscribe.membranes.membrane import SAME_SIZE, make_membrane, save_membrane
from tomoscribe.membranes.meshing import mesh_segmentation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tomoscribe.io.volumes import Volume
    from tomoscribe.membranes.meshing import Surface


@dataclass(frozen=True)
class Meshed:
    """What became of one segmentation.

    Parameters
    ----------
    written : tuple of (Path, int)
        Containers, or meshes where there is no tomogram, and their numbers of vertices.
    notes : tuple of str
        Every part that was skipped, and all that was odd.
    """

    written: tuple[tuple[Path, int], ...]
    notes: tuple[str, ...]


def mesh_volume(
    labels: Volume,
    stem: str,
    tomogram: Volume | None,
    out: Path,
    *,
    band_A: tuple[float, float, float] | None = None,
    area_A2: float | None = None,
    surface: Surface = "closed",
    only: Sequence[int] | None = None,
    write_obj: bool = False,
    on_progress: Callable[[float, str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Meshed:
    """Mesh a segmentation and write each membrane as a container.

    Parameters
    ----------
    labels : Volume
        Mask or label volume on the tomogram's grid.
    stem : str
        Name of the files; where there are several meshes, each one's number follows.
    tomogram : Volume or None
        With a known voxel size. Without one, only the meshes are written, as .obj.
    out : Path
        Folder; made if absent.
    band_A, area_A2, surface, only, on_progress, should_stop
        As of `save_membrane` and `mesh_segmentation`.
    write_obj : bool
        Write each mesh as .obj beside its container, in voxels.

    Raises
    ------
    TomoscribeError
        If the segmentation does not fit the tomogram, is empty or full, or the system refuses.
    """
    size_A, notes = _check_grid(labels, tomogram, area_A2)
    peer_depths_A(band_A)  # A wrong band is told before the work.
    try:
        meshing = mesh_segmentation(
            np.asarray(labels.data[...]),
            size_A,
            area_A2=area_A2,
            surface=surface,
            only=only,
            on_progress=on_progress,
            should_stop=should_stop,
        )
    except TomoscribeError as error:
        raise TomoscribeError(f"{labels.path}: {error}") from error
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TomoscribeError(f"The folder {out} cannot be made: {error.strerror}.") from error
    written = []
    for each in meshing.meshes:
        name = f"{stem}{each.name_suffix}"
        if tomogram is None:
            path = out / f"{name}.obj"
            write_mesh(path, each.mesh)
            written.append((path, len(each.mesh.vertices_zyx)))
            notes += [f"{name}: {note}" for note in each.notes]
            continue
        membrane = make_membrane(name, each.mesh, tomogram, notes=each.notes)
        path = out / f"{name}.h5"
        save_membrane(path, membrane, band_A)
        if write_obj:
            write_mesh(path.with_name(f"{name}.obj"), each.mesh)
        written.append((path, len(each.mesh.vertices_zyx)))
        notes += [f"{name}: {note}" for note in membrane.notes]
    return Meshed(tuple(written), (*notes, *meshing.skipped))


def _check_grid(
    labels: Volume, tomogram: Volume | None, area_A2: float | None
) -> tuple[float, list[str]]:
    """Return the voxel size in Å and notes about the two volumes; raise if they do not fit."""
    said = labels.voxel_size_A
    if tomogram is None:
        if said is None and area_A2 is not None:
            raise TomoscribeError(
                f"The voxel size of {labels.path} is unknown, and an area in Å² needs it: give "
                "--voxel-size-A."
            )
        # Without an area in Å² the mesh is the same at any voxel size.
        return said or 1.0, [
            "Without a tomogram there are no densities: meshes are written, in voxels of the "
            "segmentation; --tomogram makes membranes."
        ]
    size_A = tomogram.require_voxel_size()
    if labels.shape_zyx != tomogram.shape_zyx:
        sizes = [" x ".join(map(str, v.shape_zyx)) for v in (labels, tomogram)]
        raise TomoscribeError(
            f"{labels.path} has {sizes[0]} voxels (z y x) and its tomogram {tomogram.path} "
            f"{sizes[1]}: make the segmentation of this tomogram, or crop or bin both alike."
        )
    notes = []
    if os.path.realpath(labels.path) == os.path.realpath(tomogram.path):
        notes.append(
            "The segmentation is given as its own tomogram: its densities are labels, which are "
            "nothing to see or to train on."
        )
    if said is not None and abs(said - size_A) > SAME_SIZE * size_A:
        notes.append(
            f"The segmentation's header says {said:g} Å a voxel, the tomogram's {size_A:g} Å; "
            "the tomogram's is used."
        )
    return size_A, notes
