"""The block log of a preview: an append-only file of finished heatmap blocks, uint8 and compressed.

A record is a header (`HEADER`) and zlib-compressed uint8 values, class z y x
in C order. 0 means that nothing is computed there yet; a score s in 0..1 is
stored as 1 + round(254 s). Files are opened, written or read, and closed; no
shared memory maps, so that it also holds on network file systems.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

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


def encode_scores(scores: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Return scores in 0..1 as stored values 1..255."""
    clean = np.nan_to_num(np.clip(scores, 0.0, 1.0), nan=0.0)
    values: NDArray[np.uint8] = (1 + np.rint(254.0 * clean)).astype(np.uint8)
    return values


def decode_scores(values: NDArray[np.uint8], missing: float = 0.0) -> NDArray[np.float32]:
    """Return stored values as scores in 0..1, `missing` where nothing is computed yet."""
    steps = np.arange(255, dtype=np.float32) / np.float32(254)
    table: NDArray[np.float32] = np.append(np.float32(missing), steps)
    return table[values]


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
