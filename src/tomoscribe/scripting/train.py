"""Training from a script, by the same process as the viewer's, watched or left alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.default_task import chosen_task
from tomoscribe.project.file import RUNS_FOLDER, is_project
from tomoscribe.project.source import DataSource
from tomoscribe.project.training_data import load_training_data
from tomoscribe.scripting.checkpoints import checkpoint_of
from tomoscribe.scripting.project import Project
from tomoscribe.scripting.run import Run
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.training import launch
from tomoscribe.training.config import RunConfig
from tomoscribe.training.setting_keys import with_values

if TYPE_CHECKING:
    from collections.abc import Callable

    from tomoscribe.scripting.progress import Progress


def train(
    project: Project | str | Path,
    *,
    task: str | None = None,
    name: str | None = None,
    start_from: Run | str | Path | None = None,
    wait: bool = True,
    progress: Callable[[Progress], object] | None = None,
    **settings: object,
) -> Run:
    """Train on the picks of a project.

    The work is done by a process of its own, which outlives this one; the viewer shows it too if
    it has the project open.

    Parameters
    ----------
    project : Project, str or Path
        A project or its folder. It need not be open for editing.
    task : {"tomogram", "membrane"}, optional
        What is learned; default: on membranes where the project has some, as in the viewer.
    name : str, optional
        Name of the run; default: date, task and a number.
    start_from : Run, str or Path, optional
        Checkpoint whose weights are the first ones; of a run its best. Runs of the project may be
        named, also as in `run/step_000120`.
    wait : bool
        Return when the training has ended, an interrupt (Ctrl-C) stops it with a checkpoint;
        otherwise return at once.
    progress : callable, optional
        Is given a `Progress` whenever something is new; only with `wait`.
    **settings : object
        As `tomoscribe train --set`: `max_minutes`, `max_steps`, `device`, `seed`, `batch`, …; those
        of membranes as `membrane={"radius_A": 60}`.

    Returns
    -------
    Run
        With its curve, its checkpoints, and ways to stop it or go on.

    Raises
    ------
    TomoscribeError
        If there is nothing to learn from, a setting does not fit, or the training fails.
    KeyboardInterrupt
        After an interrupt; `project.runs[-1]` is the run.

    Examples
    --------
    >>> run = tomoscribe.train(project, max_minutes=5, seed=1)  # doctest: +SKIP
    >>> run.best_checkpoint  # doctest: +SKIP
    """
    folder = project.path if isinstance(project, Project) else Path(project).expanduser()
    if not is_project(folder):
        raise TomoscribeError(f"{folder} is no project: make one with create_project.")
    config = _configuration(folder, task, start_from, settings)
    # Bad data are told now, not after the device was waited for, and leave no run behind.
    load_training_data(config.data, config.task)
    run = Run(launch.launch(config, folder / RUNS_FOLDER, name).path)
    return run.wait(progress) if wait else run


def _configuration(
    folder: Path,
    task: str | None,
    start_from: Run | str | Path | None,
    settings: dict[str, object],
) -> RunConfig:
    """Return what is asked for, checked as far as it can be without the data."""
    source = DataSource(kind="project", path=folder.absolute())
    chosen = chosen_task(task, source)
    start = None if start_from is None else checkpoint_of(start_from, folder).where
    if start is not None and not start.is_file():
        raise TomoscribeError(f"There is no checkpoint {start} to start from.")
    return RunConfig(
        task=chosen,
        data=source,
        settings=with_values(TrainingSettings(), settings),
        start_from=None if start is None else str(start),
    )
