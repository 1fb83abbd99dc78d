"""Volumes whose sections are files of their own: a folder, a list of files, tiles, or one picture.

A list (.txt) names a picture a line, one for each section. Tiles (.json) are described as PyTorch
Connectomics does: `image` names a file, or a pattern with {row} and {column}, for each section.
"""

from __future__ import annotations

import json
import re
import threading
from collections import OrderedDict
from pathlib import Path, PureWindowsPath
from typing import TYPE_CHECKING, Any

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.arrays import LazyVolume
from tomoscribe.io.opened import Opened
from tomoscribe.io.pictures import is_picture, picture_facts, read_picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

_HEAD = 4096
_KEPT_BYTES = 128 << 20
"""Decoded pictures that are kept, so that neighbouring crops do not decode them again."""


_NOTES = (".txt", ".csv", ".tsv", ".json", ".xml", ".yaml", ".yml", ".ini", ".log", ".md")
"""Suffixes of what microscopes and people write beside sections."""


class PictureStack(LazyVolume):
    """Pictures as sections of a volume, or as tiles of its sections; each is read when needed.

    Parameters
    ----------
    shape : tuple of int
        Voxels z, y, x.
    dtype
        Of the voxels.
    pictures : callable
        Returns what lies in section z between two rows and two columns: file, first row and
        first column of each picture. A file that is None is empty.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        dtype: np.dtype[Any],
        pictures: Callable[[int, slice, slice], Iterable[tuple[Path, int, int]]],
        size_yx: tuple[int, int] | None = None,
    ) -> None:
        self.shape = shape
        self.dtype = dtype
        self.coloured: set[Path] = set()
        """Pictures of which grey had to be made: no labels, whatever their values."""
        self._pictures = pictures
        self._size = size_yx
        self._kept: OrderedDict[Path, NDArray[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def __getitem__(self, key: Any, /) -> NDArray[Any]:
        lo, hi, inner = self._box(key)
        result = np.zeros([b - a for a, b in zip(lo, hi, strict=True)], dtype=self.dtype)
        for z in range(lo[0], hi[0]):
            for path, y, x in self._pictures(z, slice(lo[1], hi[1]), slice(lo[2], hi[2])):
                values = self._read(path)
                top, left = max(lo[1], y), max(lo[2], x)
                bottom = min(hi[1], y + values.shape[0])
                right = min(hi[2], x + values.shape[1])
                if top < bottom and left < right:
                    result[
                        z - lo[0], top - lo[1] : bottom - lo[1], left - lo[2] : right - lo[2]
                    ] = values[top - y : bottom - y, left - x : right - x]
        return np.asarray(result[inner])

    def _read(self, path: Path) -> NDArray[Any]:
        with self._lock:
            if path in self._kept:
                self._kept.move_to_end(path)
                return self._kept[path]
        values, coloured = read_picture(path)
        if self._size is not None and values.shape != self._size:
            raise TomoscribeError(
                f"{path} has {values.shape[0]} × {values.shape[1]} pixels (y x), the first picture "
                f"of its list {self._size[0]} × {self._size[1]}: all must be of one size."
            )
        if not _fits(values, self.dtype):
            raise TomoscribeError(
                f"{path} holds values of the type {values.dtype}, which the {self.dtype} of the "
                "first picture of its list cannot hold: save all of them in one type."
            )
        with self._lock:
            if coloured:
                self.coloured.add(path)
            self._kept[path] = values
            while len(self._kept) > 1 and sum(v.nbytes for v in self._kept.values()) > _KEPT_BYTES:
                self._kept.popitem(last=False)
        return values


def _fits(values: NDArray[Any], dtype: np.dtype[Any]) -> bool:
    """Return whether values are the same in another type; fractions may be a little coarser."""
    if np.can_cast(values.dtype, dtype, "same_kind" if values.dtype.kind == "f" else "safe"):
        return True
    return np.array_equal(values.astype(dtype), values)


def holds_pictures(path: Path) -> bool:
    """Return whether a path is a picture, a list of such, tiles, or a folder of pictures."""
    if path.is_dir():
        return _holds_sections(path)
    name = path.name.lower()
    return is_picture(name) or is_list(path) or is_tiles(path)


def _holds_sections(folder: Path) -> bool:
    """Return whether a folder's pictures are sections: not beside volumes, nor volumes in TIFF."""
    found = _pictures_in(folder)
    if not found:
        return False
    stems = {p.stem for p in found}
    if any(f"{stem}_labels" in stems for stem in stems):
        return False  # a training folder
    files = [p for p in folder.iterdir() if not p.name.startswith(".") and not is_picture(p.name)]
    if any(p.suffix.lower() not in _NOTES for p in files if p.suffix or p.is_file()):
        return False
    try:
        picture_facts(found[0])
    except TomoscribeError:
        return False
    return True


def is_list(path: Path) -> bool:
    """Return whether a text file names pictures, one a line."""
    if path.suffix.lower() != ".txt" or not path.is_file():
        return False
    with path.open("rb") as file:
        head = file.read(_HEAD).decode("utf-8", errors="replace")
    first = next(iter(_lines(head)), "")
    return is_picture(first) and "\t" not in first


def is_tiles(path: Path) -> bool:
    """Return whether a JSON file describes tiles."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return False
    content = path.read_bytes()
    return all(f'"{key}"'.encode() in content for key in ("image", "height", "width"))


def open_pictures(place: str, inner: str | None) -> Opened:
    """Open what `holds_pictures` knows, without reading more than the first picture's header.

    Raises
    ------
    TomoscribeError
        If files are missing, or the description makes no sense.
    """
    if inner is not None:
        raise TomoscribeError(f"{place} has no parts to name after '::'.")
    path = Path(place)
    if path.is_dir():
        return _open_stack(_pictures_in(path), place)
    if is_picture(path):
        return _open_stack([path], place)
    if path.suffix.lower() == ".json":
        return _open_tiles(path)
    try:
        names = _lines(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise TomoscribeError(f"{place} cannot be read as a list of files.") from error
    return _open_stack(_found(path, names), place)


def _open_stack(paths: list[Path], place: str) -> Opened:
    if not paths:
        raise TomoscribeError(f"{place} names no pictures.")
    facts = picture_facts(paths[0])
    height, width = facts.shape_yx

    def pictures(z: int, rows: slice, columns: slice) -> Iterable[tuple[Path, int, int]]:
        return ((paths[z], 0, 0),)

    stack = PictureStack((len(paths), height, width), facts.dtype, pictures, (height, width))
    return Opened(data=stack, notes=() if len(paths) == 1 else _numbering(paths, place))


def _numbering(paths: list[Path], place: str) -> tuple[str, ...]:
    """Return a note where numbers in the names of neighbours leave a gap."""
    numbers = [re.findall(r"\d+", p.stem) for p in paths]
    if not all(numbers):
        return ()
    last = [int(found[-1]) for found in numbers]
    for before, after, path in zip(last, last[1:], paths[1:], strict=False):
        if after - before > 1 and after - before != last[1] - last[0]:
            return (f"Between sections {before} and {after} of {place} ({path.name}) some lack.",)
    return ()


def _open_tiles(path: Path) -> Opened:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
        patterns = [str(p) for p in content["image"]]
        depth = int(content.get("depth", len(patterns)))
        shape = (depth, int(content["height"]), int(content["width"]))
        size = int(content.get("tile_size", max(shape[1:])))
        ratio = float(content.get("tile_ratio", 1))
        first_row, first_column = (int(v) for v in content.get("tile_st", (0, 0)))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise TomoscribeError(
            f"{path} describes no tiles: it needs image (a file or pattern for each section), "
            "height, width, and tile_size where sections have several."
        ) from error
    if ratio != 1:
        raise TomoscribeError(
            f"The tiles of {path} are to be scaled by {ratio:g}: save them at the size of the "
            "volume, with tile_ratio 1."
        )
    if not 0 < depth <= len(patterns) or min(shape) < 1 or size < 1:
        raise TomoscribeError(
            f"{path} tells {shape[0]} × {shape[1]} × {shape[2]} voxels (z y x) in tiles of {size} "
            f"and names {len(patterns)} sections, which does not fit."
        )
    rows, columns = -(-shape[1] // size), -(-shape[2] // size)
    tiled = any("{" in p for p in patterns)
    if not tiled and (rows > 1 or columns > 1):
        size, rows, columns = max(shape[1:]), 1, 1
    names = [
        _tile(pattern, r + first_row, c + first_column)
        for pattern in patterns[:depth]
        for r in range(rows)
        for c in range(columns)
    ]
    files = _found(path, names)

    def pictures(z: int, ys: slice, xs: slice) -> Iterable[tuple[Path, int, int]]:
        for r in range(ys.start // size, min(-(-ys.stop // size), rows)):
            for c in range(xs.start // size, min(-(-xs.stop // size), columns)):
                yield files[(z * rows + r) * columns + c], r * size, c * size

    dtype = picture_facts(files[0]).dtype
    return Opened(data=PictureStack(shape, dtype, pictures))


def _tile(pattern: str, row: int, column: int) -> str:
    try:
        return pattern.format(row=row, column=column)
    except (KeyError, IndexError, ValueError) as error:
        raise TomoscribeError(
            f"'{pattern}' is no pattern for tiles: it may hold {{row}} and {{column}}."
        ) from error


def _pictures_in(folder: Path) -> list[Path]:
    """Return the pictures of a folder, 2 before 10."""
    found = [p for p in folder.iterdir() if is_picture(p.name) and not p.name.startswith(".")]
    return sorted(found, key=lambda p: [int(t) if t.isdigit() else t for t in _parts(p.name)])


def _parts(name: str) -> list[str]:
    return re.split(r"(\d+)", name)


def _lines(text: str) -> list[str]:
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def _found(source: Path, names: Sequence[str]) -> list[Path]:
    """Return the files of a list; those of a folder that was moved are found beside it.

    Raises
    ------
    TomoscribeError
        If some are not there; the sentence tells how many, and the first.
    """
    moved: int | None = None
    result: list[Path] = []
    missing: list[str] = []
    for name in names:
        path = _native(name)
        candidates = [source.parent / path, path]
        if moved is not None:
            candidates.insert(0, source.parent.joinpath(*path.parts[moved:]))
        place = next((c for c in candidates if c.is_file()), None)
        if place is None and moved is None and not missing:
            # Only for the first: all files of a list have moved together.
            moved, place = _beside(source.parent, path)
        if place is None:
            missing.append(name)
        else:
            result.append(place)
    if missing:
        raise TomoscribeError(
            f"{len(missing)} of the {len(names)} files that {source} names are not there, the "
            f"first is {missing[0]}: bring them back, or mend the list."
        )
    return result


def _native(name: str) -> Path:
    """Return a path as this system has it: lists are made on Windows, too."""
    if "\\" in name and "/" not in name:
        windows = PureWindowsPath(name)
        return Path(*windows.parts) if not windows.drive else Path("/", *windows.parts[1:])
    return Path(name)


def _beside(folder: Path, path: Path) -> tuple[int | None, Path | None]:
    """Return how many leading folders of a path fall away for the file to lie below `folder`."""
    for drop in range(1, len(path.parts)):
        candidate = folder.joinpath(*path.parts[drop:])
        if candidate.is_file():
            return drop, candidate
    return None, None
