"""What is asked to be trained, checked before anything is started that takes time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.volumes import open_volume
from tomoscribe.project.default_task import VOXEL_TASKS
from tomoscribe.project.model import Role
from tomoscribe.project.training_data import load_training_data
from tomoscribe.tasks.voxels.images import scale_image
from tomoscribe.tasks.voxels.plan import positive_weights, require_window_fits
from tomoscribe.tasks.voxels.settings import PRESETS
from tomoscribe.tasks.voxels.summary import smallest_shape
from tomoscribe.training.devices import choose

if TYPE_CHECKING:
    from tomoscribe.training.config import RunConfig


_ALWAYS_THERE = ("auto", "cpu")


def of_preset(name: str, task: str | None) -> tuple[str, str]:
    """Return the task and the dimension of a preset.

    Raises
    ------
    TomoscribeError
        If there is no such preset, or another task is asked for.
    """
    if name not in PRESETS:
        raise TomoscribeError(f"There is no preset '{name}'; presets are: {', '.join(PRESETS)}.")
    meant, dimension = PRESETS[name]
    if task not in (None, meant):
        raise TomoscribeError(f"The preset {name} is of the task {meant}, not {task}.")
    return meant, dimension


def check_data(config: RunConfig) -> None:
    """Read the data of a training once: whether its window lies in all images, and they show much.

    Raises
    ------
    TomoscribeError
        If there is nothing to learn from, something does not fit, or there is no such device.
    """
    if config.settings.device not in _ALWAYS_THERE:
        choose(config.settings.device)
    found = load_training_data(config.data, config.task)
    if config.task not in VOXEL_TASKS:
        return
    positive_weights(config.settings.voxels.positive_weights, len(found.label_classes))
    window = config.settings.voxels.window_zyx
    if window is not None:
        require_window_fits(window, smallest_shape(found))
    train = [*found.with_role(Role.TRAIN), *found.with_role(Role.VALIDATE)]
    sizes = {s.volume_path: s.size for s in train if s.labels is not None and s.labels.boxes}
    for path, size in sizes.items():
        if "://" not in path:  # what is far away is only read once, by the worker
            scale_image(open_volume(path, size), (1, 1, 1))
