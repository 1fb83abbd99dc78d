"""`--set key=value`: settings of a training from the command line, checked before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.default_task import VOXEL_TASKS
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.training.setting_keys import (
    DEFAULTS,
    FIELDS,
    describe,
    unknown_key,
    value_of,
    with_values,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomoscribe.training.config import RunConfig


def parse_settings(pairs: Sequence[str], **given: object) -> TrainingSettings:
    """Return settings from `key=value` texts, and from options of their own that are not None.

    Raises
    ------
    TomoscribeError
        If a key is unknown, or a value does not fit.
    """
    values: dict[str, object] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if name not in FIELDS:
            raise unknown_key(name)
        if not equals:
            raise TomoscribeError(
                f"--set {pair}: give it a value, {name}=VALUE ({describe(name)})."
            )
        values[name] = value_of(value, name)
    values |= {key: value for key, value in given.items() if value is not None}
    return with_values(TrainingSettings(), values)


def check_optimization(config: RunConfig) -> None:
    """Try the optimizer and the scheduler that a training on voxels names, before it starts.

    Raises
    ------
    TomoscribeError
        If they do not take what is given to them.
    """
    named = config.settings.voxels.optimizer or config.settings.voxels.scheduler
    if named is None or config.task not in VOXEL_TASKS:
        return
    # PyTorch takes seconds to load, which other trainings need not pay here.
    from tomoscribe.tasks import optimizers

    optimizers.check_optimization(config.settings)


def help_text() -> str:
    """Return a table of the settings with their defaults, for `--help`."""
    lines = [f"{name}{_default(name)}: {describe(name)}" for name in FIELDS]
    return "Settings for --set, with defaults:\n\n" + "\n\n".join(lines)


def _default(name: str) -> str:
    value = DEFAULTS[name]
    return "" if value is None or value == [] else f" = {value}"
