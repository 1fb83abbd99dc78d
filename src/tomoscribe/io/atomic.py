"""Files that are either whole or not there: written beside their place, then moved into it."""

from __future__ import annotations

import errno
import os
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from collections.abc import Iterator

_REASONS = {
    errno.ENOSPC: "no space is left on the disk",
    errno.EDQUOT: "the disk quota is used up",
    errno.EACCES: "writing there is not allowed",
    errno.EPERM: "writing there is not allowed",
    errno.EROFS: "the disk is read-only",
    errno.ENOENT: "its folder does not exist",
    errno.ENOTDIR: "its folder is not a folder",
    errno.EISDIR: "a folder of that name exists",
}


def write_error(path: str | Path, error: OSError) -> TomoscribeError:
    """Return the user's sentence for a failed write to `path`."""
    reason = _REASONS.get(error.errno or 0, error.strerror or str(error))
    return TomoscribeError(f"Cannot write {path}: {reason}.")


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; on success it is moved to `path` at once.

    On any error nothing is left behind and an older file at `path` is untouched.
    The temporary name keeps the suffix, since writers of other libraries look at it.

    Raises
    ------
    TomoscribeError
        If the system refuses the write: no space, no permission, no such folder.
    """
    target = Path(path)
    if not target.name:
        raise TomoscribeError(f"Cannot write {path}: {_REASONS[errno.EISDIR]}.")
    temporary = target.with_name(f".{uuid.uuid4().hex[:8]}.{target.name}")
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)
    except OSError as error:
        # A missing file is ours only if our folder is: the writer may read other files.
        ours = error.errno != errno.ENOENT or not target.parent.is_dir()
        if error.errno in _REASONS and ours:
            raise write_error(target, error) from error
        raise
    finally:
        # On a read-only disk nothing was made, and removing nothing fails too.
        if temporary.exists():
            temporary.unlink(missing_ok=True)


def write_text_atomic(path: str | Path, text: str) -> None:
    """Write a text file (UTF-8) atomically.

    Raises
    ------
    TomoscribeError
        If the system refuses the write.
    """
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
