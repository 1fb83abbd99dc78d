"""The painted labels of one tomogram on disk: sparse, chunk by chunk, whole after any crash.

They lie in `<project>/labels/<tomogram>.zarr`, an OME-Zarr label image (format 0.4) that other
programs open too. A chunk is a square of one section, so that a stroke writes a few of them; one
that is empty has no file. What the values mean is told in `segmentation.painted_values`.
"""

from __future__ import annotations

import json
import os
import threading
import zlib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import atomic_path, write_error, write_text_atomic
from tomoscribe.project.file import painted_path, painted_revision, painted_revision_path
from tomoscribe.project.names import free_name
from tomoscribe.project.painted_metadata import array_metadata, group_attributes, stored_shape
from tomoscribe.project.painted_objects import PaintedObjects
from tomoscribe.segmentation.painted_values import DTYPE, FIRST_OBJECT, MAX_VALUE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from tomoscribe.segmentation.labels import Triple
    from tomoscribe.segmentation.painted_values import Box

CHUNK = (1, 256, 256)
"""One section thick: brushes paint in the plane that is seen."""

_COMPRESSION = 1
_ARRAY = "0"


class PaintedLabels:
    """The painted labels of one tomogram, read and written by boxes.

    One thread may write while others read; another process reads with `read_only`, and sees each
    chunk as it was before or after a change, never in between.

    Parameters
    ----------
    folder : Path
        The project's folder.
    name : str
        The tomogram's name in the project.
    shape_zyx : tuple of int, optional
        Voxels of the tomogram; not needed where something was painted before.
    voxel_sizes_zyx_A : tuple of float, optional
        For other programs that open the labels.
    read_only : bool
        Refuse to write.

    Raises
    ------
    TomoscribeError
        If what is there was painted on a volume of another shape, or cannot be read.
    """

    def __init__(
        self,
        folder: Path,
        name: str,
        shape_zyx: Triple | None = None,
        voxel_sizes_zyx_A: tuple[float, float, float] | None = None,
        *,
        read_only: bool = False,
    ) -> None:
        self.path = painted_path(folder, name)
        self.read_only = read_only
        self._voxel_sizes_zyx_A = voxel_sizes_zyx_A
        self._lock = threading.Lock()
        self._made = self._array_file.exists()
        stored = stored_shape(self._array_file, CHUNK) if self._made else shape_zyx
        if stored is None:
            raise TomoscribeError(f"Nothing is painted in {self.path}.")
        if shape_zyx is not None and tuple(shape_zyx) != stored:
            raise TomoscribeError(
                f"{self.path} was painted on a volume of {_size(stored)} voxels (z y x), but that "
                f"of '{name}' has {_size(shape_zyx)}: bring the former volume back, or move the "
                "labels away."
            )
        self.shape_zyx: Triple = (int(stored[0]), int(stored[1]), int(stored[2]))
        self._objects = PaintedObjects(self.path)
        if self._made and not read_only:
            self._sweep()

    @property
    def revision(self) -> int:
        """A number that grows with every change, read from the disk; 0 where nothing is painted."""
        return painted_revision(self.path)

    @property
    def objects(self) -> dict[int, int]:
        """The value of its class, by the number of an object."""
        return dict(self._objects.classes)

    @property
    def whole(self) -> frozenset[int]:
        """The objects that are labelled to their border, as those that were locked."""
        return frozenset(self._objects.whole)

    def add_objects(self, class_value: int, count: int = 1) -> list[int]:
        """Return numbers for new objects of a class; they are saved before they can be painted.

        Raises
        ------
        TomoscribeError
            If there are no numbers left, or they cannot be saved.
        """
        first = max(self._objects.classes, default=FIRST_OBJECT - 1) + 1
        if first + count - 1 > MAX_VALUE:
            raise TomoscribeError(
                f"{self.path} holds {len(self.objects)} objects, and no more numbers are left."
            )
        numbers = list(range(first, first + count))
        self.set_objects(dict.fromkeys(numbers, class_value))
        return numbers

    def set_objects(self, classes: Mapping[int, int], whole: Collection[int] = ()) -> None:
        """Say of which class some objects are, the value by number, and which are whole; save it.

        Raises
        ------
        TomoscribeError
            If it cannot be saved.
        """
        self._check_writable()
        self._objects.add(classes, whole)
        with self._lock:
            self._make()
            self._objects.save()
            self._count_up()

    def read(self, lo_zyx: Triple, hi_zyx: Triple) -> NDArray[np.uint16]:
        """Return the values of a box, lo <= voxel < hi, as (z, y, x) uint16; 0 outside of all.

        Raises
        ------
        TomoscribeError
            If a chunk is damaged.
        """
        result = np.zeros([h - a for a, h in zip(lo_zyx, hi_zyx, strict=True)], dtype=DTYPE)
        for file, inner, outer in self._touched(lo_zyx, hi_zyx):
            chunk = _read_chunk(file)
            if chunk is not None:
                result[outer] = chunk[inner]
        return result

    def write(self, lo_zyx: Triple, values: NDArray[np.integer]) -> None:
        """Put values into the box whose first voxel is `lo_zyx`, and save the chunks it touches.

        Parameters
        ----------
        lo_zyx : tuple of int
            First voxel of the box.
        values : (z, y, x) array of int
            0 takes a label away.

        Raises
        ------
        TomoscribeError
            If the box leaves the volume or a value is outside of 0..65535, and nothing is written
            then; or if the disk refuses, and chunks before the one that failed are written then.
        """
        self._check_writable()
        if values.size and (values.min() < 0 or values.max() > MAX_VALUE):
            raise TomoscribeError(
                f"Labels of {values.min()} to {values.max()} cannot be painted in {self.path}: "
                f"values go from 0 to {MAX_VALUE}."
            )
        hi = tuple(a + n for a, n in zip(lo_zyx, values.shape, strict=True))
        outside = min(lo_zyx) < 0 or any(h > n for h, n in zip(hi, self.shape_zyx, strict=True))
        if outside:
            raise TomoscribeError(
                f"A box from {lo_zyx} to {hi} is not inside of {_size(self.shape_zyx)} voxels."
            )
        with self._lock:
            self._make()
            changed = False
            try:
                for file, inner, outer in self._touched(lo_zyx, (hi[0], hi[1], hi[2])):
                    changed |= _change_chunk(file, inner, values[outer])
            finally:
                if changed:
                    self._count_up()

    def boxes(self) -> list[Box]:
        """Return the boxes, lo <= voxel < hi, of the chunks that hold labels, by z, y, x."""
        result: list[Box] = []
        for index in self.chunks():
            lo = tuple(i * c for i, c in zip(index, CHUNK, strict=True))
            hi = tuple(min(a + c, n) for a, c, n in zip(lo, CHUNK, self.shape_zyx, strict=True))
            result.append(((lo[0], lo[1], lo[2]), (hi[0], hi[1], hi[2])))
        return result

    def chunks(self) -> list[Triple]:
        """Return the indices z, y, x of the chunks that hold labels, sorted."""
        return sorted(index for index, _ in self._files())

    def stamps(self) -> dict[Triple, object]:
        """Return, for each chunk that holds labels, what is another (!=) once its labels are."""
        found: dict[Triple, object] = {}
        for index, path in self._files():
            try:
                status = path.stat()
            except OSError:
                continue  # emptied since it was listed
            # A chunk is replaced whole, so that it is another file.
            file = (status.st_mtime_ns, status.st_size, status.st_ino)
            classes, whole = self._objects.classes, self._objects.whole
            values = _counted(path, status.st_mtime_ns, status.st_size) if classes else ()
            found[index] = (file, [(classes[v], v in whole) for v, _ in values if v in classes])
        return found

    def counts(self) -> dict[int, int]:
        """Return the number of voxels by painted value; what was counted before costs nothing."""
        total: dict[int, int] = {}
        for _, path in self._files():
            try:
                status = path.stat()
            except OSError:
                continue  # emptied since it was listed
            for value, count in _counted(path, status.st_mtime_ns, status.st_size):
                total[value] = total.get(value, 0) + count
        return total

    @property
    def _array_file(self) -> Path:
        return self.path / _ARRAY / ".zarray"

    def _files(self) -> Iterator[tuple[Triple, Path]]:
        for z in _numbered(self.path / _ARRAY):
            for y in _numbered(z):
                for x in _numbered(y):
                    yield (int(z.name), int(y.name), int(x.name)), x

    def _touched(
        self, lo_zyx: Triple, hi_zyx: Triple
    ) -> Iterator[tuple[Path, tuple[slice, ...], tuple[slice, ...]]]:
        """Yield the chunks of a box: file, part of the chunk, part of the box."""
        lo = [max(a, 0) for a in lo_zyx]
        hi = [min(b, n) for b, n in zip(hi_zyx, self.shape_zyx, strict=True)]
        if any(a >= b for a, b in zip(lo, hi, strict=True)):
            return
        first = [a // c for a, c in zip(lo, CHUNK, strict=True)]
        last = [(b - 1) // c for b, c in zip(hi, CHUNK, strict=True)]
        for offset in np.ndindex(*(b - a + 1 for a, b in zip(first, last, strict=True))):
            index = [f + o for f, o in zip(first, offset, strict=True)]
            inner, outer = [], []
            for axis, i in enumerate(index):
                begin = max(lo[axis], i * CHUNK[axis])
                end = min(hi[axis], (i + 1) * CHUNK[axis])
                inner.append(slice(begin - i * CHUNK[axis], end - i * CHUNK[axis]))
                outer.append(slice(begin - lo_zyx[axis], end - lo_zyx[axis]))
            yield self.path.joinpath(_ARRAY, *map(str, index)), tuple(inner), tuple(outer)

    def _make(self) -> None:
        """Make the store's metadata, that of the array last: it tells that the store is there."""
        if self._made:
            return
        try:
            (self.path / _ARRAY).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise write_error(self.path, error) from error
        group = json.dumps({"zarr_format": 2})
        for name, text in (
            (".zgroup", group),
            (".zattrs", json.dumps(group_attributes(_ARRAY, self._voxel_sizes_zyx_A), indent=1)),
            (
                f"{_ARRAY}/.zarray",
                json.dumps(array_metadata(self.shape_zyx, CHUNK, _COMPRESSION), indent=1),
            ),
        ):
            write_text_atomic(self.path / name, text + "\n")
        self._made = True

    def _count_up(self) -> None:
        write_text_atomic(painted_revision_path(self.path), f"{self.revision + 1}\n")

    def _check_writable(self) -> None:
        if self.read_only:
            raise TomoscribeError(f"{self.path} is open for reading only.")

    def _sweep(self) -> None:
        """Remove what a writer that was killed has left half-written."""
        for directory, _, files in os.walk(self.path):
            for name in files:
                if name.startswith(".") and name not in (".zarray", ".zattrs", ".zgroup"):
                    Path(directory, name).unlink(missing_ok=True)


def is_painted(folder: Path, name: str) -> bool:
    """Return whether a tomogram of a project has painted labels, or had some."""
    return (painted_path(folder, name) / _ARRAY / ".zarray").is_file()


def set_painted_aside(folder: Path, name: str) -> None:
    """Give the labels of a tomogram that is removed a name that says so.

    Raises
    ------
    TomoscribeError
        If the system refuses.
    """
    source = painted_path(folder, name)
    if not source.is_dir():
        return
    taken = {p.stem for p in source.parent.glob("*.zarr")}
    try:
        source.rename(painted_path(folder, free_name(f"{name}.removed", taken)))
    except OSError as error:
        raise TomoscribeError(f"Cannot set {source} aside ({error.strerror or error}).") from error


def _numbered(folder: Path) -> Iterable[Path]:
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in entries if entry.name.isdigit()]
    except OSError:
        return []


def _read_chunk(file: Path) -> NDArray[np.uint16] | None:
    """Return a chunk of `CHUNK` voxels, None where nothing is painted."""
    try:
        packed = file.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise TomoscribeError(f"Cannot read {file} ({error.strerror or error}).") from error
    try:
        values = np.frombuffer(zlib.decompress(packed), dtype=DTYPE.newbyteorder("<"))
        return values.reshape(CHUNK).astype(DTYPE, copy=False)
    except (zlib.error, ValueError) as error:
        raise TomoscribeError(
            f"{file} is damaged: remove it, and paint this part of the section again."
        ) from error


def _change_chunk(file: Path, inner: tuple[slice, ...], values: NDArray[np.integer]) -> bool:
    """Put values into a part of a chunk; return whether that changed anything."""
    before = _read_chunk(file)
    if before is not None and np.array_equal(before[inner], values):
        return False
    chunk = np.zeros(CHUNK, dtype=DTYPE) if before is None else before.copy()
    chunk[inner] = values
    if not chunk.any():
        file.unlink(missing_ok=True)
        return before is not None
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise write_error(file, error) from error
    packed = zlib.compress(chunk.astype(DTYPE.newbyteorder("<")).tobytes(), _COMPRESSION)
    with atomic_path(file) as temporary:
        temporary.write_bytes(packed)
    return True


@lru_cache(maxsize=100_000)
def _counted(file: Path, changed_ns: int, size: int) -> tuple[tuple[int, int], ...]:
    """Return value and number of voxels for all that a chunk holds but 0."""
    chunk = _read_chunk(file)
    if chunk is None:
        return ()
    counts = np.bincount(chunk.ravel())
    return tuple((int(v), int(counts[v])) for v in np.flatnonzero(counts) if v)


def _size(shape: Iterable[int]) -> str:
    return " × ".join(map(str, shape))
