"""Which checkpoint a project predicts with: the one that the user chose, else the best there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.file import read_project_file, resolved_path, runs_of
from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.launch import list_runs

if TYPE_CHECKING:
    from pathlib import Path


class ProjectModel(NamedTuple):
    """The checkpoint, and why it is this one, in a few words for the user."""

    ref: CheckpointRef
    why: str


def model_of_project(folder: Path) -> ProjectModel:
    """Return the checkpoint that a project predicts with.

    Parameters
    ----------
    folder : Path
        The project's folder.

    Raises
    ------
    TomoscribeError
        If the current model is gone, or there is none and no run has a checkpoint.
    """
    content = read_project_file(folder)
    stored = content.current_model
    if stored is not None:
        path = resolved_path(folder, stored)
        if not path.is_file():
            raise TomoscribeError(
                f"The current model of {folder} is gone: {path}. Choose another one in Compare, or "
                "name a checkpoint file."
            )
        return ProjectModel(CheckpointRef.of_file(path), "the project's current model")
    for info in reversed(list_runs(runs_of(folder, content.runs))):
        checkpoints = info.run.checkpoints()
        if checkpoints:
            best = CheckpointRef.of_file(info.run.best_checkpoint())
            return ProjectModel(best, "the best of the newest run, as no current model is chosen")
    raise TomoscribeError(
        f"The project {folder} has no trained model yet: train first, or name a checkpoint file."
    )
