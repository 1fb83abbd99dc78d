"""Surfaces and point clouds of objects in nm, as files that viewers of meshes read."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from tomoscribe.coords import zyx_to_xyz
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import atomic_path
from tomoscribe.io.mesh_data import TriangleMesh
from tomoscribe.io.meshes import write_mesh
from tomoscribe.segmentation.surfaces import object_surface

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from tomoscribe.io.arrays import LazyArray
    from tomoscribe.segmentation.statistics import ObjectRow

    Triple = tuple[float, float, float]

MeshFormat = Literal["ply", "stl", "obj"]


def object_mesh(labels: LazyArray, row: ObjectRow, voxel_size_zyx_nm: Triple) -> TriangleMesh:
    """Return the outward surface of an object, its vertices in nm from the first voxel's centre."""
    box = tuple(slice(lo, hi) for lo, hi in zip(row.lo_zyx, row.hi_zyx, strict=True))
    mesh = object_surface(np.asarray(labels[box]) == row.number, voxel_size_zyx_nm)
    corner = np.asarray(row.lo_zyx) * np.asarray(voxel_size_zyx_nm)
    return TriangleMesh(mesh.vertices_zyx + corner, mesh.faces)


def object_points(
    labels: LazyArray, row: ObjectRow, voxel_size_zyx_nm: Triple
) -> NDArray[np.float64]:
    """Return the centres of an object's voxels (N, 3) zyx, in nm from the first voxel's centre."""
    box = tuple(slice(lo, hi) for lo, hi in zip(row.lo_zyx, row.hi_zyx, strict=True))
    at = np.argwhere(np.asarray(labels[box]) == row.number) + np.asarray(row.lo_zyx)
    points: NDArray[np.float64] = at * np.asarray(voxel_size_zyx_nm, dtype=np.float64)
    return points


def object_file(folder: str | Path, row: ObjectRow, suffix: str) -> Path:
    """Return where the file of an object goes: `mito_12.ply`."""
    name = "".join(c if c.isalnum() or c in "-_" else "_" for c in row.class_name) or "object"
    return Path(folder) / f"{name}_{row.number}.{suffix}"


def write_object_meshes(
    folder: str | Path,
    labels: LazyArray,
    rows: Sequence[ObjectRow],
    voxel_size_zyx_nm: Triple,
    kind: MeshFormat,
    advance: Callable[[float], None] = lambda _: None,
) -> list[Path]:
    """Write a mesh an object, x y z in nm, and return the files.

    `advance` is told the share 0..1 of the objects that is written.

    Raises
    ------
    TomoscribeError
        If the system refuses the write.
    """

    def write(path: Path, row: ObjectRow) -> None:
        write_mesh(path, object_mesh(labels, row, voxel_size_zyx_nm))

    return _write_each(folder, rows, kind, write, advance)


def write_object_points(
    folder: str | Path,
    labels: LazyArray,
    rows: Sequence[ObjectRow],
    voxel_size_zyx_nm: Triple,
    kind: Literal["ply", "csv"],
    advance: Callable[[float], None] = lambda _: None,
) -> list[Path]:
    """Write a point cloud an object, one point a voxel, x y z in nm, and return the files.

    `advance` is told the share 0..1 of the objects that is written.

    Raises
    ------
    TomoscribeError
        If the system refuses the write.
    """

    def write(path: Path, row: ObjectRow) -> None:
        xyz = zyx_to_xyz(object_points(labels, row, voxel_size_zyx_nm))
        with atomic_path(path) as temporary:
            if kind == "csv":
                np.savetxt(temporary, xyz, "%.3f", ",", header="x_nm,y_nm,z_nm", comments="")
            else:
                import pyvista as pv

                pv.PolyData(xyz).save(str(temporary))

    return _write_each(folder, rows, kind, write, advance)


def _write_each(
    folder: str | Path,
    rows: Sequence[ObjectRow],
    kind: str,
    write: Callable[[Path, ObjectRow], None],
    advance: Callable[[float], None],
) -> list[Path]:
    """Have each object written to a file of its own in `folder`, and return the files."""
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TomoscribeError(f"Cannot write {folder}: {error.strerror or error}.") from error
    files = [object_file(folder, row, kind) for row in rows]
    for done, (path, row) in enumerate(zip(files, rows, strict=True), start=1):
        write(path, row)
        advance(done / len(files))
    return files
