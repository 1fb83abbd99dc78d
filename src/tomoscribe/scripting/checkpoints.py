"""Which checkpoint is meant by a file, a run or a project."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.scripting.project import Project
from tomoscribe.scripting.run import Run
from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.run import RunFolder

if TYPE_CHECKING:
    Model = CheckpointRef | Run | Project | str | Path
    """What stands for a checkpoint."""


def checkpoint_of(model: Model) -> CheckpointRef:
    """Return the checkpoint that is meant.

    Parameters
    ----------
    model : CheckpointRef, Run, Project, str or Path
        Of a run or a run's folder its best checkpoint; of a project its current model, else the
        best checkpoint of its newest run that has one; a checkpoint file is itself.

    Raises
    ------
    TomoscribeError
        If there is none.
    """
    if isinstance(model, CheckpointRef):
        return model
    if isinstance(model, Project):
        return _of_project(model)
    if isinstance(model, Run):
        return CheckpointRef.of_file(model.best_checkpoint)
    path = Path(model).expanduser()
    if path.is_file():
        return CheckpointRef.of_file(path)
    if RunFolder(path).exists:
        return CheckpointRef.of_file(RunFolder(path).best_checkpoint())
    raise TomoscribeError(f"There is no checkpoint or run '{path}'; check the path.")


def _of_project(project: Project) -> CheckpointRef:
    if project.model is not None:
        if not project.model.is_file():
            raise TomoscribeError(
                f"The current model of {project.path} is gone ({project.model}): choose another "
                "with use_model."
            )
        return CheckpointRef.of_file(project.model)
    for run in reversed(project.runs):
        if len(run.checkpoints):
            return CheckpointRef.of_file(run.best_checkpoint)
    raise TomoscribeError(f"The project {project.path} has no trained model yet: train first.")


def project_of(model: Model) -> Path | None:
    """Return the folder of the project that a checkpoint was trained on, where a run tells it."""
    if isinstance(model, Project):
        return model.path
    run = checkpoint_of(model).run
    if run is None:
        return None
    source = RunFolder(run).config().data
    return source.path if source.kind == "project" else None
