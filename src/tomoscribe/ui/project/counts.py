"""How many picks there are, by class, tomogram and membrane: those that count as labels. No Qt."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tomoscribe.project.store import Project
    from tomoscribe.ui.project.rows import Row


def by_class(project: Project | None, row: Row) -> Counter[str]:
    """Return the accepted picks of a tomogram, or on a membrane, by class."""
    counts: Counter[str] = Counter()
    entry = None if project is None else project.tomograms.get(row.tomogram)
    if entry is not None:
        for (class_name, membrane), count in entry.picks.tally.items():
            if not row.is_membrane or membrane == row.name:
                counts[class_name] += count
    return counts
