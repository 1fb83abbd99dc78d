"""Which blocks of a long prediction are finished: a list beside the file, a line a block."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from tomoscribe.prediction.settings import Triple


class FinishedBlocks:
    """A list on disk that only grows; a line that a kill has torn does not count.

    The first line tells, as JSON, what is predicted.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: set[Triple] = set()

    def __contains__(self, lo: Triple) -> bool:
        return lo in self._known

    def begin(self, wanted: dict[str, Any]) -> None:
        """Start an empty list."""
        self._known = set()
        self.path.write_text(json.dumps(wanted) + "\n", encoding="utf-8")

    def resume(self, wanted: dict[str, Any]) -> bool:
        """Read the list, and return whether it is of this prediction."""
        if not self.path.is_file():
            return False
        lines = self.path.read_text(encoding="utf-8").split("\n")
        # What follows the last line's end is torn, or nothing.
        whole = lines[:-1]
        try:
            if not whole or json.loads(whole[0]) != wanted:
                return False
            self._known = {_triple(line) for line in whole[1:]}
        except ValueError:
            return False
        if lines[-1]:
            text = "".join(f"{line}\n" for line in whole)
            self.path.write_text(text, encoding="utf-8")
        return True

    def add(self, lo: Triple) -> None:
        """Tell that a block, written before, is finished."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write("{} {} {}\n".format(*lo))
            file.flush()
            os.fsync(file.fileno())
        self._known.add(lo)

    def remove(self) -> None:
        """Remove the list: all is finished."""
        self.path.unlink(missing_ok=True)


def _triple(line: str) -> Triple:
    z, y, x = (int(number) for number in line.split(" "))
    return z, y, x
