"""One way to open a 3D image of any format: a lazy array, its voxel size in Å and its origin."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.coords import Geometry
from tomoscribe.errors import TomoscribeError
from tomoscribe.io.mrc import open_mrc, write_mrc
from tomoscribe.io.n5 import is_n5
from tomoscribe.io.opened import Opened, judge_sizes
from tomoscribe.io.voxel_size import check_voxel_size

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from tomoscribe.io.arrays import LazyArray
    from tomoscribe.io.voxel_size import VoxelSize

__all__ = [
    "VOLUME_SUFFIXES",
    "Volume",
    "is_image",
    "is_volume",
    "open_volume",
    "require_finite",
    "sample_slices",
    "write_mrc",
]

_MRC = tuple(
    f".{kind}{packed}"
    for kind in ("mrc", "rec", "map", "mrcs", "st", "ali")
    for packed in ("", ".gz", ".bz2")
)
_TIFF = (".tif", ".tiff")
_HDF5 = (".h5", ".hdf5", ".hdf")
_ZARR = (".zarr",)
VOLUME_SUFFIXES = (*_MRC, *_TIFF, *_HDF5, *_ZARR)
"""Suffixes, in lower case, of what `open_volume` reads; any suffix will do for known content."""
_SAMPLE_SLICES = 16


@dataclass(frozen=True)
class Volume:
    """A 3D image that is read slice by slice.

    Parameters
    ----------
    path : str
        File, folder or address as given.
    data : LazyArray
        Axes z y x; slicing reads from disk and gives numpy arrays, in the file's type and
        byte order.
    voxel_size_A : float or None
        Voxel edge in Å (of x where the voxels are not cubes); None: unknown, must be asked for.
    origin_zyx_A : tuple of float
        Position in Å of the first voxel's centre.
    voxel_sizes_zyx_A : tuple of float or None
        Voxel edges by axis, where known.
    notes : tuple of str
        Sentences about what was odd in the header and how it was read.
    hint_A : float or None
        Where the voxel size is unknown: a likely value to offer, not to use unasked.
    cubes_assumed : bool
        The file tells no voxel size: the edge that was given is taken for all axes.
    """

    path: str
    data: LazyArray
    voxel_size_A: float | None
    origin_zyx_A: tuple[float, float, float] = (0.0, 0.0, 0.0)
    voxel_sizes_zyx_A: tuple[float, float, float] | None = None
    notes: tuple[str, ...] = ()
    hint_A: float | None = None
    cubes_assumed: bool = False

    @property
    def shape_zyx(self) -> tuple[int, int, int]:
        """Voxels along each axis."""
        z, y, x = self.data.shape
        return int(z), int(y), int(x)

    @property
    def geometry(self) -> Geometry:
        """Shape, voxel size and origin, for `coords`."""
        return Geometry(self.shape_zyx, self.voxel_size_A, self.origin_zyx_A)

    def require_voxel_size(self) -> float:
        """Return the voxel size in Å.

        Raises
        ------
        TomoscribeError
            If it is unknown.
        """
        if self.voxel_size_A is None:
            why = self.notes[0] if self.notes else "The file does not tell the voxel size."
            likely = f" (it looks like {self.hint_A:g})" if self.hint_A else ""
            raise TomoscribeError(
                f"The voxel size of {self.path} is unknown. {why} "
                f"Give it in Å with --voxel-size-A{likely}."
            )
        return self.voxel_size_A

    def read(self) -> NDArray[np.float32]:
        """Return the whole volume as float32 in memory, z y x.

        Raises
        ------
        TomoscribeError
            If voxels are NaN or infinite.
        """
        values = np.ascontiguousarray(self.data[...], dtype=np.float32)
        require_finite(values, self.path)
        return values


def require_finite(values: NDArray[Any], path: str, part: str = "") -> None:
    """Check that voxels read from `path` are all numbers; `part` says where in it, ending in `of`.

    Raises
    ------
    TomoscribeError
        If some are NaN or infinite; the sentence tells how many.
    """
    if values.dtype.kind != "f":
        return
    # A finite sum needs one pass and no mask; only a bad or overflowing one is looked at closely.
    if np.isfinite(values.sum(dtype=np.float64)):
        return
    bad = int(values.size - np.count_nonzero(np.isfinite(values)))
    if bad:
        raise TomoscribeError(
            f"{bad} of {values.size} voxels of {part}{path} are NaN or infinite: "
            "replace them, for example by the mean, and open the file again."
        )


def sample_slices(volume: Volume) -> NDArray[np.float32]:
    """Return at most 16 z slices, evenly spread, as float32 (n, y, x)."""
    depth = volume.shape_zyx[0]
    chosen = np.unique(np.linspace(0, depth - 1, min(depth, _SAMPLE_SLICES)).astype(int))
    return np.stack([np.asarray(volume.data[int(i)], dtype=np.float32) for i in chosen])


def is_volume(path: str | Path) -> bool:
    """Return whether `path` looks like a volume in a file or store of its own."""
    return _reader(_split(path)[0]) is not None


def is_image(path: str | Path) -> bool:
    """Return whether `path` looks like anything that `open_volume` reads, pictures too.

    Beside tomograms pictures are thumbnails, which is why `is_volume` does not count them.
    """
    place = _split(path)[0]
    return _reader(place) is not None or _pictures(place) is not None


def open_volume(path: str | Path, voxel_size_A: VoxelSize | None = None) -> Volume:
    """Open a tomogram or another 3D image without reading its voxels.

    Parameters
    ----------
    path : str or Path
        MRC, REC or MAP file (also .gz, .bz2), TIFF stack, HDF5 file, OME-Zarr folder or
        address (s3://...; give addresses as str), picture, or sections in files of their own
        (`io.image_lists`: a folder, a list .txt, tiles .json). `file.h5::/data/set` names a
        dataset, `image.zarr::1` a resolution level (0, the finest, by default), and
        `image.zarr::@8,8,8` the image at voxel edges in nm, z y x, resampled where no level has
        them (`io.multiscale`).
    voxel_size_A : float or (float, float, float) or None
        Overrides what the file says: the edge of x, with the file's ratio of edges where it
        tells them, or the edges z, y, x.

    Raises
    ------
    TomoscribeError
        If the file is missing, broken, no 3D image, or of a kind that is not read.
    """
    if voxel_size_A is not None:
        check_voxel_size(voxel_size_A)
    place, inner = _split(path)
    if "://" not in place and not Path(place).exists():
        raise TomoscribeError(f"There is no file {place}.")
    reader = _reader(place) or _pictures(place)
    if reader is None:
        raise TomoscribeError(
            f"{place} is not a volume that can be read: "
            "MRC (.mrc .rec .map, also .gz .bz2), TIFF, HDF5, OME-Zarr, PNG and JPEG can, and "
            "lists (.txt), tiles (.json) and folders of pictures."
        )
    try:
        opened = reader(place, inner)
    except OSError as error:
        reason = error.strerror or str(error) or type(error).__name__
        raise TomoscribeError(f"{place} cannot be read: {reason}.") from error
    return _judged(str(path), opened, voxel_size_A)


def _judged(path: str, opened: Opened, override: VoxelSize | None) -> Volume:
    sizes, notes = judge_sizes(opened.sizes_zyx_A, opened.unknown_because)
    given, override_A = (override, override[2]) if isinstance(override, tuple) else (None, override)
    assumed = sizes is None and override_A is not None and given is None
    if override_A is not None:
        if sizes is not None and abs(sizes[2] - override_A) > 0.01 * override_A:
            said = f"The header's voxel size, {sizes[2]:g} Å, is replaced by {override_A:g} Å."
            notes = (*notes, said)
        elif sizes is None:
            notes = ()
        scale = 1.0 if sizes is None else override_A / sizes[2]
        sizes = (
            (override_A,) * 3 if sizes is None else (sizes[0] * scale, sizes[1] * scale, override_A)
        )
        sizes = given or sizes
    origin = opened.origin_zyx_A
    if origin is None:
        z, y, x = (n * s for n, s in zip(opened.start_zyx, sizes or (0.0, 0.0, 0.0), strict=True))
        origin = (z, y, x)
    return Volume(
        path=path,
        data=opened.data,
        voxel_size_A=None if sizes is None else sizes[2],
        origin_zyx_A=origin,
        voxel_sizes_zyx_A=sizes,
        notes=(*opened.notes, *notes) if sizes is not None else (*notes, *opened.notes),
        hint_A=opened.hint_A if sizes is None else None,
        cubes_assumed=assumed,
    )


def _split(path: str | Path) -> tuple[str, str | None]:
    """Return the place and what is asked for in it; repair addresses that went through Path."""
    place, _, inner = re.sub(r"^(s3|gs|https?):/(?=[^/])", r"\1://", str(path)).partition("::")
    return place.rstrip("/") if len(place) > 1 else place, inner or None


def _reader(place: str) -> Callable[[str, str | None], Opened] | None:
    """Return the reader of a format; suffix first, then the first bytes of the file."""
    name = place.lower()
    if "://" in name or name.endswith(_ZARR):
        return _open_zarr
    local = Path(place)
    if local.is_dir():
        marks = ("zarr.json", ".zgroup", ".zattrs", ".zarray")
        if any((local / mark).exists() for mark in marks):
            return _open_zarr
        return _open_zarr if is_n5(place) else None
    if name.endswith(_MRC):
        return open_mrc
    if name.endswith(_TIFF):
        return _open_tiff
    if name.endswith(_HDF5):
        return _open_hdf5
    return _reader_by_content(local)


def _pictures(place: str) -> Callable[[str, str | None], Opened] | None:
    if "://" in place:
        return None
    from tomoscribe.io.image_lists import holds_pictures, open_pictures

    return open_pictures if holds_pictures(Path(place)) else None


def _reader_by_content(path: Path) -> Callable[[str, str | None], Opened] | None:
    if not path.is_file():
        return None
    with path.open("rb") as file:
        head = file.read(212)
    if head[208:212] == b"MAP ":
        return open_mrc
    if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _open_tiff
    if head[:8] == b"\x89HDF\r\n\x1a\n":
        return _open_hdf5
    return None


# These libraries take up to a second to import, which a viewer's start need not pay.
def _open_tiff(place: str, inner: str | None) -> Opened:
    from tomoscribe.io.tiff import open_tiff

    return open_tiff(place, inner)


def _open_hdf5(place: str, inner: str | None) -> Opened:
    from tomoscribe.io.hdf5 import open_hdf5

    return open_hdf5(place, inner)


def _open_zarr(place: str, inner: str | None) -> Opened:
    from tomoscribe.io.zarr_store import open_zarr

    return open_zarr(place, inner)
