"""One editor at a time: a lock in the project's folder, freed by the system even after a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.file import LOCK_FILE

if TYPE_CHECKING:
    from pathlib import Path


class ProjectLock:
    """The right to edit a project.

    Where the folder cannot be written there is nothing to lock: editing goes on in
    memory, and `ensure` tries again before each edit, so that all is saved once it can be.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Not bound to a thread: a project may be opened in one and closed in another.
        self._lock = FileLock(folder / LOCK_FILE, thread_local=False)
        self.notes: list[str] = []

    @classmethod
    def take(cls, folder: Path) -> ProjectLock:
        """Take the lock; where the folder cannot be written, note that.

        Raises
        ------
        TomoscribeError
            If somebody else edits the project.
        """
        lock = cls(folder)
        lock.ensure()
        return lock

    def ensure(self) -> None:
        """Hold the lock, if the folder allows it.

        Raises
        ------
        TomoscribeError
            If somebody else edits the project.
        """
        if self._lock.is_locked:
            return
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            raise TomoscribeError(
                f"{self._folder} is open in another tomoscribe: close it there, or open it for "
                "reading only."
            ) from None
        except (OSError, NotImplementedError) as error:
            why = getattr(error, "strerror", None) or str(error)
            note = (
                f"{self._folder} cannot be written ({why}): "
                "picks are kept in memory only until it can be."
            )
            if note not in self.notes:
                self.notes.append(note)

    def release(self) -> None:
        """Let others edit."""
        self._lock.release(force=True)


def may_be_edited(folder: Path) -> bool:
    """Return whether nobody edits a project at the moment; it asks the disk.

    The lock is held for an instant: whoever opens the project in that instant is told that it is
    open here.
    """
    lock = FileLock(folder / LOCK_FILE, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except (Timeout, OSError, NotImplementedError):
        return False
    lock.release(force=True)
    return True
