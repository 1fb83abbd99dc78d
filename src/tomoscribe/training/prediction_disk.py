"""The disk that background predictions of a project take: bounded, the oldest go first."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tomoscribe.training.follow import effective_state
from tomoscribe.training.prediction_folder import PredictionFolder, list_folders

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path


def prune(project: Path, keep_bytes: int, spare: Collection[Path] = ()) -> int:
    """Remove block logs, oldest first, until at most `keep_bytes` are left; then empty folders.

    Parameters
    ----------
    project : Path
        The project's folder.
    keep_bytes : int
        Bytes that may stay.
    spare : collection of Path
        Logs that are being written.

    Returns
    -------
    int
        Bytes that are left.
    """
    logs = []
    for folder in list_folders(project):
        for path in folder.path.glob("previews/*/*.blocks"):
            try:
                stat = path.stat()
            except OSError:  # another viewer's process removes, too
                continue
            logs.append((stat.st_mtime_ns, stat.st_size, path))
    total = sum(size for _, size, _ in logs)
    for _, size, path in sorted(logs):
        if total <= keep_bytes:
            break
        if path not in spare and _removed(path) and _removed(path.with_suffix(".csv")):
            total -= size
    for folder in list_folders(project):
        empty = next(folder.path.glob("previews/*/*.blocks"), None) is None
        if empty and not _is_used(folder):
            shutil.rmtree(folder.path, ignore_errors=True)
    return total


def _is_used(folder: PredictionFolder) -> bool:
    """Return whether a process works in a folder, or who wanted it may still look at its end.

    One that starts on a busy machine is as silent as one that died.
    """
    return folder.control().owner.lives_here or effective_state(folder.status()).alive


def _removed(path: Path) -> bool:
    """Remove a file; return whether it is gone. Windows keeps those that somebody reads."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return False
    return True
