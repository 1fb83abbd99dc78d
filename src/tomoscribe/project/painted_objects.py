"""What the objects of a painting are, on disk: the class of each, and whether its border is known.

`objects.json` holds the value of its class by the number of an object; for a whole one
`{"class": value, "whole": true}`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.atomic import write_text_atomic
from tomoscribe.project.painted_metadata import read_json

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

OBJECTS = "objects.json"


class PaintedObjects:
    """The objects of a painting.

    Attributes
    ----------
    classes : dict of int to int
        The value of its class by the number of an object.
    whole : set of int
        Those that are labelled to their border: what lies beside them is not of them, also where
        nothing is labelled.

    Raises
    ------
    TomoscribeError
        If the file cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / OBJECTS
        self.classes: dict[int, int] = {}
        self.whole: set[int] = set()
        if self._file.exists():
            self._read()

    def add(self, classes: Mapping[int, int], whole: Collection[int] = ()) -> None:
        """Say of which class some objects are, and which of them are whole; `save` writes it."""
        self.classes.update({int(n): int(c) for n, c in classes.items()})
        self.whole.update(int(n) for n in whole)

    def save(self) -> None:
        """Write the file, whole or not at all.

        Raises
        ------
        TomoscribeError
            If the disk refuses.
        """
        told = {
            str(n): {"class": c, "whole": True} if n in self.whole else c
            for n, c in sorted(self.classes.items())
        }
        write_text_atomic(self._file, json.dumps(told) + "\n")

    def _read(self) -> None:
        try:
            for text, told in read_json(self._file).items():
                number, whole = int(text), isinstance(told, dict) and bool(told.get("whole"))
                self.classes[number] = int(told["class"] if isinstance(told, dict) else told)
                if whole:
                    self.whole.add(number)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise TomoscribeError(f"{self._file} is damaged: restore it from a copy.") from error
