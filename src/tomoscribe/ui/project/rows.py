"""What the list of a project shows, in which order: plain data. No Qt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from tomoscribe.project.model import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from tomoscribe.project.model import MembraneEntry, TomogramEntry
    from tomoscribe.project.store import Project


class Order(StrEnum):
    """By what the list is sorted; the values are what the user reads."""

    ADDED = "as added"
    NAME = "name"
    PICKS = "most picks"
    ROLE = "role"


@dataclass(frozen=True)
class Row:
    """A tomogram, or a membrane below its tomogram.

    `members` is the number of membranes of a tomogram, 0 for a membrane; those of a folded
    tomogram have no rows.
    """

    name: str
    membrane_of: str | None = None
    members: int = 0
    folded: bool = False

    @property
    def tomogram(self) -> str:
        """The tomogram that the row is about."""
        return self.membrane_of or self.name

    @property
    def is_membrane(self) -> bool:
        """Whether it is a membrane."""
        return self.membrane_of is not None


_ROLES = list(Role)


def arrange(
    project: Project | None,
    query: str = "",
    order: Order = Order.ADDED,
    folded: Collection[str] = (),
) -> list[Row]:
    """Return the rows of a project.

    Parameters
    ----------
    project : Project or None
        What is open.
    query : str
        Only what has this in its name, in upper or lower case. A tomogram that has it brings
        its membranes, a membrane its tomogram.
    order : Order
        Of the tomograms; membranes stay in the order of the project.
    folded : collection of str
        Tomograms whose membranes are not shown; a search shows them all the same.
    """
    if project is None:
        return []
    wanted = query.strip().lower()
    members: dict[str, list[str]] = {name: [] for name in project.tomograms}
    for name, membrane in project.membranes.items():
        members.setdefault(membrane.tomogram, []).append(name)
    rows: list[Row] = []
    for name in sorted(project.tomograms, key=_key(project, order)):
        own, here = wanted in name.lower(), members[name]
        hits = here if own else [m for m in here if wanted in m.lower()]
        if not own and not hits:
            continue
        fold = name in folded and not wanted
        rows.append(Row(name, None, len(here), fold))
        if not fold:
            rows += [Row(m, name) for m in hits]
    return rows


def entry_of(project: Project | None, row: Row) -> TomogramEntry | MembraneEntry | None:
    """Return what a row is about; None where it is gone meanwhile."""
    if project is None:
        return None
    return (project.membranes if row.is_membrane else project.tomograms).get(row.name)


def _key(project: Project, order: Order) -> Callable[[str], tuple[object, ...]]:
    """Return what tomograms are sorted by; sorting keeps the order of the project among equals."""
    match order:
        case Order.NAME:
            return natural
        case Order.PICKS:
            return lambda name: (-project.tomograms[name].picks.tally.total(), *natural(name))
        case Order.ROLE:
            return lambda name: (_ROLES.index(project.tomograms[name].role), *natural(name))
        case Order.ADDED:
            return lambda name: ()


def natural(name: str) -> tuple[object, ...]:
    """Return a key that sorts TS_9 before TS_10."""
    return tuple((int(p), "") if p.isdigit() else (0, p) for p in re.split(r"(\d+)", name.lower()))
