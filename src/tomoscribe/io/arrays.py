"""Arrays that read their file when they are sliced, for formats that cannot be memory-mapped."""

from __future__ import annotations

import os
import tempfile
import threading
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import DTypeLike, NDArray


class LazyArray(Protocol):
    """What `Volume.data` offers: slicing gives numpy arrays, nothing else reads voxels."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along z, y, x."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the voxels."""
        ...

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        """Read a part."""
        ...


class _Base:
    """Shape arithmetic shared by the lazy arrays, as viewers expect it of an array."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return int(np.prod(self.shape))

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        raise NotImplementedError

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[...], dtype=dtype)


class UnpackedArray(_Base):
    """A compressed file, unpacked once, at the first slice, into a memory-mapped temporary file.

    The temporary file has no name and goes with the process, so memory stays flat and
    nothing is left on the disk.

    Parameters
    ----------
    source : str
        The compressed file, for errors.
    shape, dtype
        Of the unpacked data.
    fill : callable
        Writes the whole content into the array that it is given.
    axes : tuple of int
        Order in which the axes of the unpacked data make z, y, x.
    """

    def __init__(
        self,
        source: str,
        shape: tuple[int, ...],
        dtype: np.dtype[Any],
        fill: Callable[[NDArray[Any]], None],
        axes: tuple[int, ...] = (0, 1, 2),
    ) -> None:
        self.shape = tuple(shape[a] for a in axes)
        self.dtype = dtype
        self._source = source
        self._file_shape = shape
        self._axes = axes
        self._fill = fill
        self._data: NDArray[Any] | None = None
        self._lock = threading.Lock()

    @property
    def unpacked(self) -> bool:
        """Whether the first slice was read, so that the next ones come at once."""
        return self._data is not None

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        with self._lock:
            if self._data is None:
                self._data = self._unpack().transpose(self._axes)
        return np.asarray(self._data[key])

    def _unpack(self) -> NDArray[Any]:
        length = int(np.prod(self._file_shape)) * self.dtype.itemsize
        with tempfile.TemporaryFile() as file:
            try:
                # Space is reserved first: a full disk is then an error, not a bus error later.
                if hasattr(os, "posix_fallocate"):
                    os.posix_fallocate(file.fileno(), 0, length)
                data = np.memmap(file, dtype=self.dtype, mode="w+", shape=self._file_shape)
            except OSError as error:
                raise TomoscribeError(
                    f"{self._source} cannot be unpacked into {tempfile.gettempdir()} "
                    f"({length / 1e9:.1f} GB: {error.strerror}): make room there, or set TMPDIR "
                    "to a folder with more."
                ) from error
        self._fill(data)
        return data


class IndexedArray(_Base):
    """A three-dimensional part of a zarr or HDF5 array that has further, leading axes."""

    def __init__(self, source: Any, lead: tuple[int, ...] = ()) -> None:
        self._source = source
        self._lead = lead
        self.shape = tuple(int(n) for n in source.shape[len(lead) :])
        self.dtype = np.dtype(source.dtype)

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        parts = key if isinstance(key, tuple) else (key,)
        return np.asarray(self._source[(*self._lead, *parts)])


class LazyVolume(_Base):
    """A three-dimensional array that computes boxes: keys as numpy has them, steps too."""

    def _box(self, key: Any) -> tuple[tuple[int, ...], tuple[int, ...], tuple[Any, ...]]:
        """Return the box lo, hi that a key needs, and the key within that box."""
        parts = list(key) if isinstance(key, tuple) else [key]
        dots = [i for i, p in enumerate(parts) if p is Ellipsis]
        for at in dots[:1]:
            parts[at : at + 1] = [slice(None)] * (self.ndim - len(parts) + 1)
        parts += [slice(None)] * (self.ndim - len(parts))
        if len(parts) > self.ndim:
            raise IndexError(f"{len(parts)} indices for {self.ndim} axes")
        lo, hi, inner = zip(
            *(_axis_range(p, n) for p, n in zip(parts, self.shape, strict=True)), strict=True
        )
        return lo, hi, inner


def _axis_range(part: Any, length: int) -> tuple[int, int, Any]:
    """Return the range of an axis that an index, a slice or indices need, and what of it."""
    if isinstance(part, slice):
        wanted = range(*part.indices(length))
        if not wanted:
            return 0, 0, slice(0, 0)
        lo, hi = min(wanted[0], wanted[-1]), max(wanted[0], wanted[-1]) + 1
        return lo, hi, slice(None, None, wanted.step)
    index = np.asarray(part)
    if index.dtype == bool:
        index = np.flatnonzero(index)
    if index.size == 0:
        return 0, 0, index
    if (index < -length).any() or (index >= length).any():
        raise IndexError(f"index {part} is out of bounds for {length} voxels")
    index = index % length
    lo = int(index.min())
    return lo, int(index.max()) + 1, index - lo if index.ndim else int(index) - lo


class CroppedArray(LazyVolume):
    """A box lo <= voxel < hi of a lazy array, z y x."""

    def __init__(
        self, source: LazyArray, lo_zyx: tuple[int, int, int], hi_zyx: tuple[int, int, int]
    ) -> None:
        self._source, self._lo = source, lo_zyx
        self.shape = tuple(b - a for a, b in zip(lo_zyx, hi_zyx, strict=True))
        self.dtype = np.dtype(source.dtype)

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        lo, hi, inner = self._box(key)
        places = zip(lo, hi, self._lo, strict=True)
        block = np.asarray(self._source[tuple(slice(a + o, b + o) for a, b, o in places)])
        return np.asarray(block[inner])
