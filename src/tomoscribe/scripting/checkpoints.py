"""Which checkpoint is meant by a file, a run or a project."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.project.file import is_project
from tomoscribe.scripting.project import Project
from tomoscribe.scripting.run import Run
from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.current_model import model_of_project
from tomoscribe.training.find_checkpoint import find_checkpoint
from tomoscribe.training.run import RunFolder

if TYPE_CHECKING:
    from pathlib import Path

    Model = CheckpointRef | Run | Project | str | Path
    """What stands for a checkpoint."""


def checkpoint_of(model: Model, project: Path | None = None) -> CheckpointRef:
    """Return the checkpoint that is meant.

    Parameters
    ----------
    model : CheckpointRef, Run, Project, str or Path
        Of a run or a run's folder its best checkpoint; of a project its current model, else the
        best checkpoint of its newest run that has one; a checkpoint file, or a name as in
        `run/step_000120`, is itself.
    project : Path, optional
        In which names are sought.

    Raises
    ------
    TomoscribeError
        If there is none.
    """
    if isinstance(model, CheckpointRef):
        return model
    if isinstance(model, Project):
        return model_of_project(model.path).ref
    if isinstance(model, Run):
        return CheckpointRef.of_file(model.best_checkpoint)
    return find_checkpoint(model, project)


def project_of(model: Model) -> Path | None:
    """Return the project that a checkpoint was trained on, where a run tells it and it is there."""
    if isinstance(model, Project):
        return model.path
    run = checkpoint_of(model).run
    if run is None:
        return None
    source = RunFolder(run).config().data
    known = source.kind == "project" and source.path is not None and is_project(source.path)
    return source.path if known else None
