"""All runs of a project as rows, kept up to date cheaply; and in which settings they differ."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.training.run import RunFolder
from tomoscribe.training.run_summary import DIAMETER_SCALE, RunSummary
from tomoscribe.training.setting_keys import DEFAULTS
from tomoscribe.training.status import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tomoscribe.training.run_summary import RunRow


class RunTable:
    """The runs of a folder, and runs from elsewhere that were added.

    A poll lists the folder and looks at the status of runs that have not ended; what was read is
    kept. It is meant for a thread: a folder on a network may take its time.

    Parameters
    ----------
    runs_dir : path
        Folder of the runs; it need not be there yet.
    elsewhere : iterable of path
        Run folders that lie elsewhere.
    clock : callable
        Seconds since the epoch.
    """

    def __init__(
        self,
        runs_dir: str | os.PathLike[str],
        elsewhere: Iterable[str | os.PathLike[str]] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.runs_dir = Path(runs_dir)
        self._elsewhere = [Path(path) for path in elsewhere]
        self._clock = clock
        self._summaries: dict[Path, RunSummary] = {}

    def poll(self) -> list[RunRow]:
        """Return the rows as of now, the oldest first.

        Raises
        ------
        OSError
            If the folder is there but cannot be listed.
        """
        there = self._folders()
        self._summaries = {
            path: self._summaries.get(path) or RunSummary(RunFolder(path), self._clock)
            for path in there
        }
        polled = [summary.poll() for summary in self._summaries.values()]
        rows = [row for row in polled if row.state is not State.GONE]
        return sorted(rows, key=lambda row: (row.created, row.name))

    def _folders(self) -> list[Path]:
        try:
            with os.scandir(self.runs_dir) as entries:
                inside = [Path(e.path) for e in entries if not e.name.startswith(".")]
        except (FileNotFoundError, NotADirectoryError):
            inside = []
        found = [p for p in inside if p in self._summaries or RunFolder(p).exists]
        return [*found, *(p for p in self._elsewhere if p not in found and RunFolder(p).exists)]


def differences(rows: Sequence[RunRow]) -> list[dict[str, object]]:
    """Return, for each row, the settings that tell it from the others.

    These are the values that are not the default, unless all rows share them; a run of a sweep
    also tells a default where the others of the sweep have something else.
    """
    known = [row for row in rows if row.values]
    shared = {
        key
        for key in _keys()
        if len(known) > 1 and len({_plain(row.values.get(key)) for row in known}) == 1
    }
    varied: dict[str, set[str]] = {}
    for sweep in {row.sweep for row in known if row.sweep}:
        own = [row for row in known if row.sweep == sweep]
        varied[sweep] = {
            key for key in _keys() if len({_plain(row.values.get(key)) for row in own}) > 1
        }
    return [
        {
            key: row.values[key]
            for key in _keys()
            if key in row.values
            and key not in shared
            and (row.values[key] != _default(key) or key in varied.get(row.sweep, ()))
        }
        for row in rows
    ]


def _keys() -> tuple[str, ...]:
    return (*DEFAULTS, DIAMETER_SCALE)


def _default(key: str) -> object:
    return 1.0 if key == DIAMETER_SCALE else DEFAULTS[key]


def _plain(value: object) -> str:
    """Return something hashable for a value that may be a list."""
    return repr(value)
