"""How many picks there are, by class, tomogram and membrane; kept up with each edit. No Qt."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tomoscribe.picks.table import PickState

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tomoscribe.picks.table import Edit, Pick
    from tomoscribe.project.store import Project


class PickCounts:
    """Accepted picks of each class: those that count as labels."""

    def __init__(self) -> None:
        self._tomograms: dict[str, Counter[str]] = {}
        self._membranes: dict[tuple[str, str], Counter[str]] = {}

    @classmethod
    def of(cls, project: Project | None) -> PickCounts:
        """Count all picks of a project."""
        made = cls()
        for name, entry in project.tomograms.items() if project is not None else ():
            made._count(name, entry.picks, +1)
        return made

    def take(self, tomogram: str, edit: Edit) -> None:
        """Follow an edit."""
        self._count(tomogram, edit.before, -1)
        self._count(tomogram, edit.after, +1)

    def tomogram(self, name: str) -> Counter[str]:
        """Return the picks of a tomogram by class."""
        return self._tomograms.get(name, Counter())

    def membrane(self, tomogram: str, name: str) -> Counter[str]:
        """Return the picks on a membrane by class."""
        return self._membranes.get((tomogram, name), Counter())

    def _count(self, tomogram: str, picks: Iterable[Pick], sign: int) -> None:
        counts = self._tomograms.setdefault(tomogram, Counter())
        for pick in picks:
            if pick.state != PickState.ACCEPTED:
                continue
            counts[pick.class_name] += sign
            if pick.membrane:
                on = self._membranes.setdefault((tomogram, pick.membrane), Counter())
                on[pick.class_name] += sign
