"""The block log of a preview: an append-only file of finished heatmap blocks, uint8 and compressed.

A record is a header (`HEADER`) and zlib-compressed uint8 values, class z y x
in C order, as `evaluation.score_bytes` makes them. Files are opened, written or
read, and closed; no shared memory maps, so that it also holds on network file systems.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.evaluation.score_bytes import decode_scores as decode_scores
from tomoscribe.evaluation.score_bytes import encode_scores as encode_scores
from tomoscribe.training.event_log import append_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

HEADER = struct.Struct("<4s3I4III")
"""Magic, lo zyx, classes, size zyx, bytes of the payload, its CRC-32; little-endian."""

MAGIC = b"TSB1"
ZLIB_LEVEL = 1

Box = tuple[int, int, int]


class TornBlockError(ValueError):
    """There is no whole record at that offset (yet)."""


class BlockLog:
    """The writer of one preview's file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> None:
        """Make an empty log, unless there is one."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch()

    def append(self, lo_zyx: Box, scores: NDArray[np.floating]) -> int:
        """Append a block of scores (class, z, y, x) whose first voxel is `lo_zyx` of the grid.

        Returns
        -------
        int
            Offset of the record.

        Raises
        ------
        OSError
            If it cannot be written; the file is then as before.
        """
        payload = zlib.compress(np.ascontiguousarray(encode_scores(scores)).tobytes(), ZLIB_LEVEL)
        header = HEADER.pack(MAGIC, *lo_zyx, *scores.shape, len(payload), zlib.crc32(payload))
        return append_bytes(self.path, header + payload)


def read_block(path: Path, offset: int) -> tuple[Box, NDArray[np.uint8]]:
    """Read the record at `offset`: its first grid voxel and its values (class, z, y, x).

    Raises
    ------
    TornBlockError
        If there is no whole record.
    """
    with path.open("rb") as file:
        file.seek(offset)
        lo, values, _ = _parse(file.read(HEADER.size), file.read)
    return lo, values


def iterate_blocks(path: Path, start: int = 0) -> Iterator[tuple[int, Box, NDArray[np.uint8]]]:
    """Yield (offset, first grid voxel, values) of all whole records in the order of writing.

    `start` is the offset of the record to begin with.
    """
    offset = start
    with path.open("rb") as file:
        file.seek(start)
        while header := file.read(HEADER.size):
            try:
                lo, values, size = _parse(header, file.read)
            except TornBlockError:
                return
            yield offset, lo, values
            offset += size


def assemble(path: Path, class_count: int, shape_zyx: Box) -> NDArray[np.uint8]:
    """Return a preview as one array (class, z, y, x), later blocks over earlier ones."""
    heatmap = np.zeros((class_count, *shape_zyx), dtype=np.uint8)
    for _, lo, values in iterate_blocks(path):
        place = tuple(slice(a, a + n) for a, n in zip(lo, values.shape[1:], strict=True))
        heatmap[(slice(None), *place)] = values
    return heatmap


def _parse(header: bytes, read: Callable[[int], bytes]) -> tuple[Box, NDArray[np.uint8], int]:
    if len(header) < HEADER.size:
        raise TornBlockError("the record's header is not whole")
    magic, z, y, x, *shape, size, crc = HEADER.unpack(header)
    if magic != MAGIC:
        raise TornBlockError("no record begins here")
    payload = read(size)
    if len(payload) < size or zlib.crc32(payload) != crc:
        raise TornBlockError("the record is not whole")
    values = np.frombuffer(zlib.decompress(payload), dtype=np.uint8).reshape(shape)
    return (z, y, x), values, HEADER.size + size
