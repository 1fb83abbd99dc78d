"""Training from a script, by the same process as the viewer's, watched or left alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.default_task import chosen_task
from tomoscribe.project.file import runs_folder
from tomoscribe.scripting.checkpoints import checkpoint_of
from tomoscribe.scripting.run import Run
from tomoscribe.scripting.sources import label_files, source_of
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.training import launch
from tomoscribe.training.config import RunConfig
from tomoscribe.training.setting_keys import with_values
from tomoscribe.training.training_request import check_data, of_preset

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tomoscribe.project.source import DataSource
    from tomoscribe.scripting.progress import Progress
    from tomoscribe.scripting.project import Project


def train(
    data: Project | str | Path | None = None,
    *,
    image: str | Path | None = None,
    labels: str | Path | None = None,
    classes: Sequence[str] = (),
    unlabelled: int | None = None,
    background: int | None = 0,
    objects: bool | None = None,
    voxel_size_nm: float | tuple[float, float, float] | None = None,
    task: str | None = None,
    preset: str | None = None,
    name: str | None = None,
    runs: str | Path | None = None,
    start_from: Run | str | Path | None = None,
    wait: bool = True,
    progress: Callable[[Progress], object] | None = None,
    **settings: object,
) -> Run:
    """Train on the picks or the painted labels of a project, or on images with label files.

    The work is done by a process of its own, which outlives this one; the viewer shows it too if
    it has the project open.

    Parameters
    ----------
    data : Project, str or Path, optional
        A project or its folder, which need not be open for editing; a folder with `train/` and
        perhaps `val/`; a datasplit (.csv). Not needed with `image` and `labels`.
    image, labels : str or Path, optional
        A volume, a folder of pictures, a list (.txt) or tiles (.json), and its labels.
    classes : sequence of str
        Names of the classes in label files, by rising value; default class 1, class 2, …
    unlabelled, background : int, optional
        Values of what nobody has labelled, and of what is of no class.
    objects : bool, optional
        Values number the objects of one class; default: for the task `instance`.
    voxel_size_nm : float or tuple of float, optional
        Edge of a voxel, or its edges z, y, x, where the image does not tell them.
    task : {"tomogram", "membrane", "semantic", "instance"}, optional
        What is learned; default: on membranes where there are some, semantic from label files and
        from projects that have classes of voxels only.
    preset : {"Semantic2D", "Semantic3D", "Instance2D", "Instance3D"}, optional
        Task and dimension of AutoSeg's configurations.
    name : str, optional
        Name of the run; default: date, task and a number.
    runs : str or Path, optional
        Folder of the runs; default: `runs` of the project, else of the current folder.
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
        of membranes and of segmentations as `membrane={"radius_A": 60}` and
        `voxels={"window_zyx": (1, 256, 256)}`.

    Returns
    -------
    Run
        With its curve, its checkpoints, and ways to stop it or go on.

    Raises
    ------
    TomoscribeError
        If there is nothing to learn from, data or a setting do not fit, or the training fails.
    KeyboardInterrupt
        After an interrupt; `project.runs[-1]` is the run.

    Examples
    --------
    >>> run = tomoscribe.train(project, max_minutes=5, seed=1)  # doctest: +SKIP
    >>> run.best_checkpoint  # doctest: +SKIP
    >>> run = tomoscribe.train(  # doctest: +SKIP
    ...     image="em.tif", labels="em_labels.tif", preset="Instance2D", voxel_size_nm=(50, 4, 4)
    ... )
    """
    files = label_files(image, labels, classes, unlabelled, background, objects, voxel_size_nm)
    source = source_of(data, files)
    config = _configuration(source, task, preset, start_from, settings)
    # Bad data are told now, not after the device was waited for, and leave no run behind.
    check_data(config)
    run = Run(launch.launch(config, runs or _runs_of(source), name).path)
    return run.wait(progress) if wait else run


def _runs_of(source: DataSource) -> Path:
    return runs_folder(_project_of(source) or Path())


def _project_of(source: DataSource) -> Path | None:
    return source.path if source.kind == "project" else None


def _configuration(
    source: DataSource,
    task: str | None,
    preset: str | None,
    start_from: Run | str | Path | None,
    settings: dict[str, object],
) -> RunConfig:
    """Return what is asked for, checked as far as it can be without the data."""
    values = dict(settings)
    if preset is not None:
        task, dimension = of_preset(preset, task)
        voxels = values.get("voxels", {})
        if not isinstance(voxels, dict):
            raise TomoscribeError(f"voxels={voxels!r} cannot be: give a dictionary of settings.")
        values["voxels"] = {"dimension": dimension, **voxels}
    start = None if start_from is None else checkpoint_of(start_from, _project_of(source)).where
    if start is not None and not start.is_file():
        raise TomoscribeError(f"There is no checkpoint {start} to start from.")
    return RunConfig(
        task=chosen_task(task, source),
        data=source,
        settings=with_values(TrainingSettings(), values),
        start_from=None if start is None else str(start.absolute()),
    )
