"""Label volumes to files that this program and others read: TIFF, MRC, HDF5, OME-Zarr."""

from __future__ import annotations

import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import atomic_path, write_error
from tomoscribe.io.mrc_write import write_mrc

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    Triple = tuple[float, float, float]

LABEL_SUFFIXES = (".tif", ".tiff", ".mrc", ".h5", ".hdf5", ".zarr")
_EXACT_FLOAT32 = 1 << 24
"""MRC has no whole numbers beyond 65535; above this its floats are not exact either."""
_BIG_TIFF = 1 << 31


def require_other_place(out: Path, source: str | Path) -> None:
    """Refuse to write over what is read.

    Parameters
    ----------
    out : Path
        What is to be written.
    source : str or Path
        A file, with or without the dataset in it (`em.h5::raw`), or an address.

    Raises
    ------
    TomoscribeError
        If both are the same.
    """
    place = Path(str(source).partition("::")[0])
    if out.exists() and place.exists() and out.samefile(place):
        raise TomoscribeError(f"{out} is what is read: write to another name.")


def write_labels(
    path: str | Path,
    labels: NDArray[Any],
    voxel_size_zyx_nm: Triple,
    origin_zyx_nm: Triple = (0.0, 0.0, 0.0),
) -> None:
    """Write a label volume, whole or not at all; the format follows the suffix.

    Parameters
    ----------
    path : str or Path
        .tif (OME-TIFF, compressed), .mrc, .h5 (dataset `labels`) or .zarr (OME-Zarr 0.5).
    labels : (Z, Y, X) array of int
        Not negative. The smallest type that holds them is written.
    voxel_size_zyx_nm : tuple of float
    origin_zyx_nm : tuple of float
        Position of the first voxel's centre; TIFF has no place for it.

    Raises
    ------
    TomoscribeError
        If the suffix is unknown, the numbers do not fit, or the system refuses the write.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in LABEL_SUFFIXES:
        raise TomoscribeError(f"{path}: labels are written as {', '.join(LABEL_SUFFIXES)}.")
    if labels.ndim != 3 or 0 in labels.shape:
        raise TomoscribeError(f"{path} needs a volume of three axes, not {labels.shape}.")
    small = _smallest(path, labels)
    if suffix == ".mrc":
        _write_mrc(path, small, voxel_size_zyx_nm, origin_zyx_nm)
    elif suffix == ".zarr":
        _write_zarr(Path(path), small, voxel_size_zyx_nm, origin_zyx_nm)
    elif suffix in (".tif", ".tiff"):
        _write_tiff(path, small, voxel_size_zyx_nm)
    else:
        _write_hdf5(path, small, voxel_size_zyx_nm)


@contextmanager
def label_store(
    path: Path, shape_zyx: tuple[int, int, int], voxel_size_zyx_nm: Triple
) -> Iterator[Any]:
    """Yield an array of uint32 in a file, all 0, to be filled block by block and read again.

    The file takes its place once it is whole. What a killed process has left of it is replaced.

    Parameters
    ----------
    path : Path
        .h5 or .zarr.
    shape_zyx : tuple of int
    voxel_size_zyx_nm : tuple of float

    Raises
    ------
    TomoscribeError
        If the suffix is another, the system refuses the write, or another process writes there.
    """
    suffix = path.suffix.lower()
    if suffix == ".zarr":
        from tomoscribe.io.ome_zarr_write import create_ome_zarr

        with _at_once(path) as folder:
            yield create_ome_zarr(folder, shape_zyx, "uint32", voxel_size_zyx_nm)
    elif suffix in (".h5", ".hdf5"):
        import h5py

        chunks = tuple(min(64, n) for n in shape_zyx)
        with _at_once(path) as temporary, h5py.File(temporary, "w") as file:
            made = file.create_dataset(
                "labels", shape_zyx, "uint32", compression="gzip", chunks=chunks
            )
            made.attrs["element_size_um"] = [s / 1000 for s in voxel_size_zyx_nm]
            yield made
    else:
        raise TomoscribeError(
            f"{path}: labels that memory does not hold are written as .zarr or .h5."
        )


def _smallest(path: str | Path, labels: NDArray[Any]) -> NDArray[Any]:
    low, high = int(labels.min()), int(labels.max())
    if low < 0:
        raise TomoscribeError(f"{path}: labels must not be negative, but one is {low}.")
    for dtype in (np.uint8, np.uint16, np.uint32):
        if high <= np.iinfo(dtype).max:
            return labels.astype(dtype, copy=False)
    raise TomoscribeError(f"{path}: labels are at most 4294967295, but one is {high}.")


def _write_mrc(path: str | Path, labels: NDArray[Any], nm: Triple, origin: Triple) -> None:
    if int(labels.max()) > _EXACT_FLOAT32:
        raise TomoscribeError(
            f"{path}: MRC files hold labels up to {_EXACT_FLOAT32} only: choose .tif, .h5 or .zarr."
        )
    sizes = (nm[0] * 10, nm[1] * 10, nm[2] * 10)
    write_mrc(path, labels, sizes, (origin[0] * 10, origin[1] * 10, origin[2] * 10))


def _write_tiff(path: str | Path, labels: NDArray[Any], nm: Triple) -> None:
    import tifffile

    physical: dict[str, Any] = {"axes": "ZYX"}
    for axis, size in zip("ZYX", nm, strict=True):
        physical |= {f"PhysicalSize{axis}": size, f"PhysicalSize{axis}Unit": "nm"}
    with atomic_path(path) as temporary:
        tifffile.imwrite(
            temporary,
            labels,
            ome=True,
            photometric="minisblack",  # else three or four columns were colours
            metadata=physical,
            compression="zlib",
            bigtiff=labels.nbytes > _BIG_TIFF,
        )


def _write_hdf5(path: str | Path, labels: NDArray[Any], nm: Triple) -> None:
    import h5py

    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        made = file.create_dataset("labels", data=labels, compression="gzip", chunks=True)
        made.attrs["element_size_um"] = [s / 1000 for s in nm]


def _write_zarr(path: Path, labels: NDArray[Any], nm: Triple, origin: Triple) -> None:
    from tomoscribe.io.ome_zarr_write import create_ome_zarr

    with _at_once(path) as temporary:
        made = create_ome_zarr(temporary, labels.shape, labels.dtype, nm, origin_zyx_nm=origin)
        made[...] = labels


@contextmanager
def _at_once(path: Path) -> Iterator[Path]:
    """Yield a place beside `path` that becomes it once it is whole.

    The place has always the same name, so that what a killed process left there is replaced, and
    does not fill the disk.

    Raises
    ------
    TomoscribeError
        If a folder is there that is no zarr, and so nothing that this could have written; or if
        another process writes there.
    """
    unfinished, former = (path.with_name(f".{w}.{path.name}") for w in ("unfinished", "former"))
    lock = FileLock(path.with_name(f".{path.name}.lock"))
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise TomoscribeError(
            f"Another process writes {path} now: wait for it, or choose another name."
        ) from error
    except OSError as error:
        raise write_error(path, error) from error
    try:
        _require_own(path)
        _remove(unfinished)
        yield unfinished
        if path.is_dir():
            # Removing it takes a while; a process that is killed meanwhile must not leave a part.
            _remove(former)
            path.replace(former)
        unfinished.replace(path)
    except OSError as error:
        raise write_error(path, error) from error
    finally:
        _remove(unfinished)
        _remove(former)
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def _require_own(path: Path) -> None:
    marks = ("zarr.json", ".zgroup", ".zarray")
    if path.is_dir() and any(path.iterdir()) and not any((path / m).is_file() for m in marks):
        raise TomoscribeError(f"{path} is a folder that holds other things: choose another name.")


def _remove(place: Path) -> None:
    if place.is_dir():
        shutil.rmtree(place, ignore_errors=True)
    else:
        place.unlink(missing_ok=True)
