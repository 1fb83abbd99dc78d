"""Membrane containers (HDF5): MemBrain-pick's keys, with what it does not keep in others beside.

Files hold x y z; points are as in the file until `membranes.membrane` has judged their unit and
which side is outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.coords import xyz_to_zyx, zyx_to_xyz
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import atomic_path
from tomoscribe.io.mesh_data import TriangleMesh

if TYPE_CHECKING:
    from numpy.typing import NDArray

# h5py takes a tenth of a second to import, which a viewer's start need not pay.
_HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class MembraneFile:
    """What a container holds.

    Parameters
    ----------
    mesh : TriangleMesh
        Axes z y x in the file's unit. Winding as in the file when read; outward to be written.
    pixel_size : float
        What the points are to be divided by to be voxels.
    normals_zyx : (V, 3) array or None
        Normals of MemBrain-pick's key; those that it writes point inward.
    values : (V, C) array of float32 or None
        Density along those normals, at steps that the file does not tell.
    normals_outward_zyx : (V, 3) array or None
        Our own normals; their presence tells that we wrote the file.
    slab_values, depths_A : (V, D) array of float32, (D,) array, or None
        Our wide slab along the outward normals.
    voxel_size_A : float or None
    band_A : tuple of float or None
        Lowest and highest depth of `values` along the outward normal.
    step_A : float or None
        Step of `values`.
    tomogram, tomogram_relative : str or None
        The tomogram's path, absolute, and from the container's folder.
    tomogram_shape_zyx : tuple of int or None
    scores : (C, V) array of float32 or None
        0..1 where we wrote them.
    distances : (V,) array or None
        MemBrain-pick's scores: distance to the nearest particle in its units, 0 at a centre.
    centers_zyx : (N, 3) array or None
        MemBrain-pick's cluster centres, in the unit of the points.
    class_names : tuple of str
    notes : tuple of str
        Sentences about how the membrane was made.
    """

    mesh: TriangleMesh
    pixel_size: float = 1.0
    normals_zyx: NDArray[np.float64] | None = None
    values: NDArray[np.float32] | None = None
    normals_outward_zyx: NDArray[np.float64] | None = None
    slab_values: NDArray[np.float32] | None = None
    depths_A: NDArray[np.float64] | None = None
    voxel_size_A: float | None = None
    band_A: tuple[float, float] | None = None
    step_A: float | None = None
    tomogram: str | None = None
    tomogram_relative: str | None = None
    tomogram_shape_zyx: tuple[int, int, int] | None = None
    scores: NDArray[np.float32] | None = None
    distances: NDArray[np.float64] | None = None
    centers_zyx: NDArray[np.float64] | None = None
    class_names: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def is_membrane_file(path: str | Path) -> bool:
    """Return whether a path is a membrane container: HDF5 with points and faces."""
    place = Path(path)
    if not place.is_file():
        return False
    with place.open("rb") as stream:
        if stream.read(len(_HDF5_MAGIC)) != _HDF5_MAGIC:
            return False
    import h5py

    try:
        with h5py.File(place, "r", locking=False) as file:
            return "points" in file and "faces" in file
    except OSError:
        return False


def read_membrane_file(path: str | Path) -> MembraneFile:
    """Read a container of MemBrain-pick, as made or predicted, or of tomoscribe.

    Raises
    ------
    TomoscribeError
        If it is missing, broken, or lacks what a membrane needs.
    """
    place = Path(path)
    if not place.is_file():
        raise TomoscribeError(f"There is no file {place}.")
    import h5py

    try:
        with h5py.File(place, "r", locking=False) as file:
            held = {name: item[()] for name, item in file.items() if isinstance(item, h5py.Dataset)}
    except OSError as error:
        raise TomoscribeError(f"{place} is not an HDF5 file, or is cut off.") from error
    return _parse(place, held)


def _parse(place: Path, held: dict[str, Any]) -> MembraneFile:
    for name in ("points", "faces"):
        if name not in held:
            there = ", ".join(sorted(held)) or "nothing"
            raise TomoscribeError(
                f"{place} is no membrane container: it has no '{name}', only {there}."
            )
    points = _matrix(place, held, "points", 3)
    assert points is not None
    faces = np.asarray(held["faces"])
    count = len(points)
    if faces.ndim != 2 or faces.shape[1] != 3 or faces.dtype.kind not in "iuf" or not len(faces):
        raise TomoscribeError(f"The faces of {place} are not triangles: shape {faces.shape}.")
    if faces.min() < 0 or faces.max() >= count:
        raise TomoscribeError(
            f"The faces of {place} name vertices from {faces.min():g} to {faces.max():g}, but it "
            f"has {count}: convert the segmentation again."
        )
    if not np.isfinite(points).all():
        raise TomoscribeError(f"Points of {place} are NaN or infinite: make the mesh again.")
    normals = _matrix(place, held, "normals", 3, count)
    outward = _matrix(place, held, "normals_outward", 3, count)
    values = _matrix(place, held, "normal_values", None, count)
    slab, depths = _slab(place, held, count)
    band = _numbers(place, held, "band_A", 2)
    shape = _numbers(place, held, "tomogram_shape_zyx", 3)
    own_scores = _matrix(place, held, "class_scores", count)
    distances = held.get("scores")
    centers = _matrix(place, held, "cluster_centers", 3)
    return MembraneFile(
        mesh=TriangleMesh(xyz_to_zyx(points), faces.astype(np.int64)),
        pixel_size=_number(place, held, "pixel_size") or 1.0,
        normals_zyx=None if normals is None else xyz_to_zyx(normals),
        values=None if values is None else values.astype(np.float32),
        normals_outward_zyx=None if outward is None else xyz_to_zyx(outward),
        slab_values=slab,
        depths_A=depths,
        voxel_size_A=_number(place, held, "voxel_size_A"),
        band_A=None if band is None else (band[0], band[1]),
        step_A=_number(place, held, "step_A"),
        tomogram=_text(held, "tomo_file"),
        tomogram_relative=_text(held, "tomo_file_relative"),
        tomogram_shape_zyx=None if shape is None else (int(shape[0]), int(shape[1]), int(shape[2])),
        scores=None if own_scores is None else own_scores.astype(np.float32),
        distances=_distances(place, distances, count),
        centers_zyx=None if centers is None else xyz_to_zyx(centers),
        class_names=_texts(held, "class_names"),
        notes=_texts(held, "notes"),
    )


def _slab(
    place: Path, held: dict[str, Any], count: int
) -> tuple[NDArray[np.float32] | None, NDArray[np.float64] | None]:
    """Return our slab and its depths; one that has lost its depths is worth nothing."""
    slab = _matrix(place, held, "slab", None, count)
    if slab is None or "depths_A" not in held:
        return None, None
    depths = np.array(_numbers(place, held, "depths_A", slab.shape[1]), dtype=np.float64)
    if not (np.diff(depths) > 0).all():
        raise TomoscribeError(f"The depths_A of {place} do not ascend: make the membrane again.")
    return slab.astype(np.float32), depths


def _distances(place: Path, held: Any, count: int) -> NDArray[np.float64] | None:
    if held is None:
        return None
    distances = np.asarray(held, dtype=np.float64).reshape(-1)
    if len(distances) != count:
        raise TomoscribeError(
            f"{place} has {len(distances)} scores for {count} points: predict it again."
        )
    return distances


def _matrix(
    place: Path, held: dict[str, Any], name: str, columns: int | None, rows: int | None = None
) -> NDArray[np.float64] | None:
    """Return a dataset as a matrix, None where it is not there."""
    if name not in held:
        return None
    values = np.asarray(held[name])
    fits = values.ndim == 2 and columns in (None, values.shape[1]) and rows in (None, len(values))
    if not fits or values.dtype.kind not in "iuf":
        raise TomoscribeError(
            f"'{name}' of {place} has the shape {values.shape}, which does not fit "
            f"{'a list of points' if rows is None else f'its {rows} points'}."
        )
    return values.astype(np.float64)


def _number(place: Path, held: dict[str, Any], name: str) -> float | None:
    """Return a number above 0, None where there is none."""
    if name not in held:
        return None
    (value,) = _numbers(place, held, name, 1) or (0.0,)
    return value if np.isfinite(value) and value > 0 else None


def _numbers(place: Path, held: dict[str, Any], name: str, count: int) -> tuple[float, ...] | None:
    """Return so many numbers, None where they are not there."""
    if name not in held:
        return None
    values = np.asarray(held[name]).reshape(-1)
    if len(values) != count or values.dtype.kind not in "iuf":
        what = "a number" if count == 1 else f"{count} numbers"
        raise TomoscribeError(f"'{name}' of {place} is not {what}.")
    return tuple(float(value) for value in values)


def _text(held: dict[str, Any], name: str) -> str | None:
    return next(iter(_texts(held, name)), "") or None


def _texts(held: dict[str, Any], name: str) -> tuple[str, ...]:
    values = np.asarray(held.get(name, ())).reshape(-1)
    return tuple(v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values)


def write_membrane_file(path: str | Path, file: MembraneFile) -> None:
    """Write a container that MemBrain-pick 0.0.9 reads, atomically.

    `points`, `normals`, `normal_values`, `faces`, `pixel_size` and `tomo_file` are as it writes
    them: x y z, voxels, normals and winding inward. Ours lie beside them.

    Parameters
    ----------
    path : str or Path
        Suffix .h5; its folder must exist.
    file : MembraneFile
        With an outward winding, outward normals in `normals_outward_zyx`, points in voxels.

    Raises
    ------
    TomoscribeError
        If the system refuses the write.
    """
    import h5py

    outward = file.normals_outward_zyx
    assert outward is not None
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as h5:
        h5["points"] = zyx_to_xyz(file.mesh.vertices_zyx)
        h5["faces"] = file.mesh.faces[:, ::-1].astype(np.int64)
        h5["normals"] = -zyx_to_xyz(outward)
        h5["pixel_size"] = 1.0
        h5["tomo_file"] = file.tomogram or ""
        h5["normals_outward"] = zyx_to_xyz(outward)
        if file.values is not None:
            h5["normal_values"] = file.values.astype(np.float32)
        if file.slab_values is not None and file.depths_A is not None:
            h5["slab"] = file.slab_values.astype(np.float32)
            h5["depths_A"] = file.depths_A
        _write_numbers(h5, file)
        _write_texts(h5, file)


def _write_numbers(h5: Any, file: MembraneFile) -> None:
    numbers: dict[str, Any] = {
        "voxel_size_A": file.voxel_size_A,
        "band_A": file.band_A,
        "step_A": file.step_A,
        "tomogram_shape_zyx": file.tomogram_shape_zyx,
        "class_scores": file.scores,
        "scores": file.distances,
    }
    for name, value in numbers.items():
        if value is not None:
            h5[name] = value


def _write_texts(h5: Any, file: MembraneFile) -> None:
    import h5py

    kind = h5py.string_dtype()
    if file.tomogram_relative is not None:
        h5["tomo_file_relative"] = file.tomogram_relative
    for name, texts in (("class_names", file.class_names), ("notes", file.notes)):
        if texts:
            h5.create_dataset(name, data=list(texts), dtype=kind)
