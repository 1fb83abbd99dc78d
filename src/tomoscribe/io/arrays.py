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
