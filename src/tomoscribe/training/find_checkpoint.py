"""Which checkpoint a text means: a file, a run, a run's checkpoint, a project's current model."""

from __future__ import annotations

from pathlib import Path

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.file import is_project, runs_folder
from tomoscribe.training.checkpoint_ref import CheckpointRef, refs_of_run
from tomoscribe.training.current_model import model_of_project
from tomoscribe.training.run import RunFolder


def find_checkpoint(text: str | Path, project: Path | None = None) -> CheckpointRef:
    """Return the checkpoint that a text names.

    Parameters
    ----------
    text : str or Path
        A checkpoint file; a run folder, or its name in the project (its best checkpoint); a run
        and a checkpoint (`run/step_000120`); a project (its current model).
    project : Path, optional
        In which names are sought too.

    Raises
    ------
    TomoscribeError
        If there is none.
    """
    path = Path(text).expanduser()
    if path.is_file():
        return CheckpointRef.of_file(path)
    if is_project(path):
        return model_of_project(path).ref
    places = [path] if project is None else [path, runs_folder(project) / text]
    for place in places:
        if RunFolder(place).exists:
            return CheckpointRef.of_file(RunFolder(place).best_checkpoint())
        run = RunFolder(place.parent)
        if run.exists:
            known = {ref.name: ref for ref in refs_of_run(run)}
            if place.name in known:
                return known[place.name]
    raise TomoscribeError(
        f"There is no checkpoint or run '{text}'; give a file, a run folder, a project, or names "
        "as in RUN/step_000120."
    )
