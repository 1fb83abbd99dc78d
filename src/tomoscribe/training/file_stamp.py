"""Which file it was, and in which state: path, size and time of its last change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from pathlib import Path


class FileStamp(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it was when something was computed from it.

    `path` is relative to the project where the file lies in it, so that a project can be moved;
    `mtime_ns` is the time of its last change in nanoseconds since the epoch.
    """

    path: str
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path, base: Path) -> FileStamp:
        """Return the stamp of a file, its path relative to `base` where it lies in it.

        Raises
        ------
        OSError
            If there is no such file.
        """
        stat = path.stat()
        return cls(path=short_path(path, base), size=stat.st_size, mtime_ns=stat.st_mtime_ns)

    def where(self, base: Path) -> Path:
        """Return the absolute path."""
        return (base / self.path).absolute()

    def holds(self, base: Path) -> bool | None:
        """Return whether the file is still the same; None where there is none."""
        try:
            return FileStamp.of(self.where(base), base) == self
        except OSError:
            return None


def short_path(path: Path, base: Path) -> str:
    """Return `path` relative to `base` where it lies in it, else absolute."""
    path, base = path.absolute(), base.absolute()
    return path.relative_to(base).as_posix() if path.is_relative_to(base) else str(path)
