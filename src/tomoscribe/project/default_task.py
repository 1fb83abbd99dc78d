"""What can be learned from some data, and what is learned where nobody says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.file import read_project_file
from tomoscribe.project.label_pairs import holds_labels
from tomoscribe.project.raw_membranes import holds_membranes

if TYPE_CHECKING:
    from tomoscribe.project.source import DataSource

TOMOGRAM, MEMBRANE, SEMANTIC, INSTANCE = TASKS = (
    "tomogram",
    "membrane",
    "semantic",
    "instance",
)
"""Names of the tasks: particles in tomograms and on membranes, classes and objects of voxels."""

VOXEL_TASKS = (SEMANTIC, INSTANCE)
"""Those that learn from painted labels."""


def counted_labels(task: str) -> str:
    """Return what the labels of a task are counted in."""
    return "labelled voxels" if task in VOXEL_TASKS else "clicks"


def likely_tasks(*, membranes: bool, labels: bool = False) -> tuple[str, ...]:
    """Return what can be learned, the likelier first, from data that hold membranes or none.

    Whoever has made membranes in a project wants to learn on them; where there are classes of
    `labels`, segmentations come last.
    """
    picks = (MEMBRANE, TOMOGRAM) if membranes else (TOMOGRAM,)
    return (*picks, *VOXEL_TASKS) if labels else picks


def chosen_task(wanted: str | None, source: DataSource) -> str:
    """Return the task that is wanted, else the one that the data are for.

    Parameters
    ----------
    wanted : str or None
        One of `TASKS`.
    source : DataSource
        A project, a training folder, two lists, or images with label files.

    Raises
    ------
    TomoscribeError
        If there is no such task, or the project's file cannot be read.
    """
    if wanted is not None:
        if wanted not in TASKS:
            raise TomoscribeError(f"There is no task '{wanted}'; tasks are: {', '.join(TASKS)}.")
        return wanted
    if source.kind in ("pair", "datasplit"):
        return SEMANTIC
    if source.path is not None and source.kind == "folder" and holds_labels(source.path):
        return SEMANTIC
    membranes = False
    if source.path is not None and source.kind == "project":
        content = read_project_file(source.path)
        membranes = bool(content.membranes)
        if content.label_classes and not content.classes and not membranes:
            return SEMANTIC  # there are no particles to learn
    elif source.path is not None and source.kind == "folder":
        membranes = holds_membranes(source.path)
    return likely_tasks(membranes=membranes)[0]
