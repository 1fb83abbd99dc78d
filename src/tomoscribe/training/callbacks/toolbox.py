"""What a configuration of the CellMap toolbox wants besides a run: its folders, its files."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from lightning.pytorch.loggers import TensorBoardLogger

from tomoscribe.io.atomic import atomic_path, write_error

if TYPE_CHECKING:
    from tomoscribe.training.callbacks.context import TrainingContext
    from tomoscribe.training.config import ToolboxRun


def extra_loggers(context: TrainingContext) -> list[TensorBoardLogger]:
    """Return the logger of the folder that the configuration names, a folder in it for each run."""
    toolbox = context.config.toolbox
    if toolbox is None or toolbox.tensorboard is None:
        return []
    return [TensorBoardLogger(toolbox.tensorboard, name=context.run.name, version="")]


def copy_best(context: TrainingContext) -> None:
    """Copy the best checkpoint to where the configuration wants it; a failure is told, no more."""
    toolbox = context.config.toolbox
    best = next((c for c in context.keeper.kept() if c.best), None)
    if toolbox is None or toolbox.best_copy is None or best is None:
        return
    target = best_path(toolbox, best.step)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(target) as temporary:
            shutil.copyfile(best.path, temporary)
    except OSError as error:
        context.reporter.warn(str(write_error(target, error)))


def best_path(toolbox: ToolboxRun, step: int) -> Path:
    """Return where the checkpoint of a step is copied to, with its epoch filled in."""
    epoch = math.ceil(step / toolbox.steps_per_epoch)
    filled = (toolbox.best_copy or "").replace("{epoch}", str(epoch))
    return Path(filled.replace("{model_name}", toolbox.model_name))
