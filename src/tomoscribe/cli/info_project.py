"""What `tomoscribe info` says of a project."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tomoscribe.project.relocate import find_lost, used_files
from tomoscribe.project.store import Project

if TYPE_CHECKING:
    from pathlib import Path


def describe_project(folder: str | Path) -> list[str]:
    """Return what a project holds, and which of its files are gone, one line each.

    Raises
    ------
    TomoscribeError
        If it is damaged.
    """
    project = Project.open(folder, read_only=True)
    picks: Counter[str] = Counter()
    for entry in project.tomograms.values():
        for (class_name, _), count in entry.picks.tally.items():
            picks[class_name] += count
    classes = [f"{c.name} {picks[c.name]} ({c.diameter_A:g} Å)" for c in project.classes]
    roles = Counter(str(entry.role) for entry in project.tomograms.values())
    roles += Counter(str(entry.role) for entry in project.membranes.values())
    lines = [
        f"{folder}: project '{project.name}'",
        f"  tomograms       {len(project.tomograms)}",
        f"  membranes       {len(project.membranes)}",
        f"  roles           {', '.join(f'{role} {n}' for role, n in roles.items()) or 'none'}",
        f"  picks           {', '.join(classes) or 'none'}",
        f"  current model   {project.model or 'none'}",
    ]
    for lost in find_lost(used_files(project)):
        lines.append(f"  gone            {lost.words}")
        move = _quoted(f"{lost.folder}=NEW_FOLDER")
        lines.append(f"                  tomoscribe relocate {_quoted(str(folder))} {move}")
    return lines


def _quoted(text: str) -> str:
    """Return a text as all shells take it for one word."""
    return f'"{text}"' if " " in text else text
