"""Appending to and following `events.jsonl`: whole lines only, unknown events are skipped."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import msgspec

from tomoscribe.training.events import AnyEvent, Event

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(AnyEvent)


def append_bytes(path: Path, data: bytes) -> int:
    """Append all of `data` in one write or nothing; return the offset where it begins.

    Raises
    ------
    OSError
        If the disk is full; the file is then as long as before.
    """
    descriptor = os.open(
        path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0), 0o644
    )
    try:
        offset = os.fstat(descriptor).st_size
        try:
            written = os.write(descriptor, data)
        except OSError:
            os.ftruncate(descriptor, offset)
            raise
        if written < len(data):
            os.ftruncate(descriptor, offset)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(descriptor)
    return offset


def append_event(path: Path, event: Event) -> None:
    """Append one event as one line."""
    append_bytes(path, msgspec.json.encode(event) + b"\n")


class EventReader:
    """Reads the events since the last time; an unfinished last line waits for its rest.

    Parameters
    ----------
    path : Path
        The file.
    skip : sequence of bytes
        Lines that begin so are passed over without being decoded.

    Attributes
    ----------
    cut : bool
        The file was once shorter than what had been read of it: somebody else cut or replaced it.
        What was read before stays; of a file that was cut, only what is new is read.
    """

    def __init__(self, path: Path, skip: Sequence[bytes] = ()) -> None:
        self.path = path
        self.cut = False
        self._skip = tuple(skip)
        self._offset = 0
        self._inode = 0

    def read_new(self) -> list[Event]:
        """Return the events since the last call."""
        try:
            stat = self.path.stat()
            if stat.st_size < self._offset:
                self.cut = True
                self._offset = stat.st_size if stat.st_ino == self._inode else 0
            self._inode = stat.st_ino
            if stat.st_size == self._offset:
                return []
            with self.path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        end = data.rfind(b"\n") + 1
        self._offset += end
        lines = data[:end].splitlines()
        if self._skip:
            lines = [line for line in lines if not line.startswith(self._skip)]
        return [event for line in lines if (event := _decode(line)) is not None]


def _decode(line: bytes) -> Event | None:
    try:
        return _decoder.decode(line)
    except msgspec.DecodeError:  # a newer worker's event, or a line torn by a crash
        return None
