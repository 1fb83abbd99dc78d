"""`tomoscribe train CONFIG.py`: a training as a configuration of the CellMap toolbox asks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import typer

from tomoscribe.cli import set_options
from tomoscribe.cli.run_progress import train_in_foreground
from tomoscribe.errors import TomoscribeError
from tomoscribe.nets.trust import trust as trust_file
from tomoscribe.project.default_task import SEMANTIC, VOXEL_TASKS
from tomoscribe.project.file import RUNS_FOLDER
from tomoscribe.training.cellmap_config import begun_with_run, prepare
from tomoscribe.training.cellmap_file import CONFIG_SUFFIXES, read_config
from tomoscribe.training.cellmap_keys import FROM_FILE
from tomoscribe.training.cellmap_weights import begun_with_weights
from tomoscribe.training.setting_keys import flat_values
from tomoscribe.training.training_request import check_data


def is_config(data: Path | None) -> bool:
    """Return whether what a training is given is a configuration, by its name."""
    return data is not None and data.suffix.lower() in CONFIG_SUFFIXES


def train_config(
    path: Path,
    trust: bool,
    run: Path | None,
    task: str | None,
    settings: Sequence[str],
    device: str | None,
    max_minutes: float | None,
) -> None:
    """Train as a configuration says, in the foreground; settings of ours count over it.

    Raises
    ------
    TomoscribeError
        If the configuration or its data cannot be used.
    """
    parsed = set_options.parse_settings(settings, device=device, max_minutes=max_minutes)
    given = {pair.partition("=")[0] for pair in settings}
    given |= {"device"} if device is not None else set()
    given |= {"max_minutes"} if max_minutes is not None else set()
    values = flat_values(parsed)
    read = read_config(path, trust=trust)
    if task is not None and task not in VOXEL_TASKS:
        raise TomoscribeError(f"{path} is about voxels: --task is {' or '.join(VOXEL_TASKS)}.")
    overrides = {key: values[key] for key in given}
    prepared = prepare(read, RUNS_FOLDER, overrides, task or SEMANTIC)
    # Bad data are told before that nothing is left to do, and leave no run behind.
    check_data(prepared.config)
    set_options.check_optimization(prepared.config)
    prepared = begun_with_weights(begun_with_run(prepared, read), read)
    if trust and read.config.model == FROM_FILE:
        # The worker inherits it.
        trust_file(str(path.absolute()))
    for note in prepared.notes:
        typer.echo(note, err=True)
    if run is not None and prepared.config.parent is not None:
        raise TomoscribeError("The training goes on from a run: leave --run away.")
    train_in_foreground(prepared.config, prepared.runs_dir, run)
