"""The table of tasks: one row each, imported when it is asked for, for most drag torch along."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.tasks.checkpoint import read_checkpoint

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tomoscribe.tasks.base import Task


def _tomogram() -> Task:
    from tomoscribe.tasks.tomogram.task import TomogramTask

    return TomogramTask()


def _membrane() -> Task:
    from tomoscribe.tasks.membrane.task import MembraneTask

    return MembraneTask()


def _semantic() -> Task:
    from tomoscribe.tasks.voxels.task import VoxelTask

    return VoxelTask("semantic")


def _instance() -> Task:
    from tomoscribe.tasks.voxels.task import VoxelTask

    return VoxelTask("instance")


_TASKS: dict[str, Callable[[], Task]] = {
    "tomogram": _tomogram,
    "membrane": _membrane,
    "semantic": _semantic,
    "instance": _instance,
}


def get_task(name: str) -> Task:
    """Return the task of that name.

    Raises
    ------
    TomoscribeError
        If there is none.
    """
    if name not in _TASKS:
        raise TomoscribeError(f"There is no task '{name}'; tasks are: {', '.join(_TASKS)}.")
    return _TASKS[name]()


def task_of(checkpoint: Path) -> Task:
    """Return the task of a checkpoint file.

    Raises
    ------
    TomoscribeError
        If it is no checkpoint, or of a task that this version does not know.
    """
    name = read_checkpoint(checkpoint).get("task")
    if not isinstance(name, str):
        raise TomoscribeError(f"{checkpoint} is no checkpoint of tomoscribe.")
    return get_task(name)
