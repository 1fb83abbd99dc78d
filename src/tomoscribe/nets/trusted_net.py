"""A network that a user's own Python file builds, executed only where the user trusts the file.

A checkpoint holds weights and the file's path, never code: so one from a stranger cannot run
anything, and one of one's own is opened where `TOMOSCRIBE_TRUST` names its file.
"""

from __future__ import annotations

import contextlib
import runpy
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from tomoscribe.errors import TomoscribeError
from tomoscribe.nets.trust import VARIABLE, is_trusted

if TYPE_CHECKING:
    from torch import Tensor

MULTIPLE = 16
"""Windows are multiples of this, whatever the network halves inside."""

_RUNNING = threading.Lock()
"""One file at a time: the current folder and the modules are those of the whole process."""
_RAN: dict[Path, set[str]] = {}
"""Folders of the files that were run, and the names of modules that there were before each."""


class TrustedNet(nn.Module):
    """The variable `model` of a file: logits (B, output, ...) of images (B, input, ...).

    While the file runs, its folder is the current one of the process, so that relative paths in it
    count from there.

    Parameters
    ----------
    dims : {2, 3}
        Sections (B, input, y, x) or volumes (B, input, z, y, x).
    inputs, outputs : int
        Channels that it must take, and logits that it must give.
    file : str
        Absolute path.
    options
        Of other networks; have no effect.

    Raises
    ------
    TomoscribeError
        If the file is not trusted, cannot be run, or builds no network that fits.
    """

    def __init__(self, dims: int, inputs: int, outputs: int, *, file: str, **options: Any) -> None:
        super().__init__()
        self.multiple_zyx = (1 if dims == 2 else MULTIPLE, MULTIPLE, MULTIPLE)
        self.model = _built(file)
        _check(self.model, dims, inputs, outputs, file)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of each voxel."""
        logits: Tensor = self.model(images)
        return logits


def _built(file: str) -> nn.Module:
    if not is_trusted(file):
        raise TomoscribeError(
            f"The network is code in {file}, which is executed only if you trust it: train with "
            f"--trust-config, and elsewhere set {VARIABLE}={file}."
        )
    try:
        with _RUNNING:
            model = _variables(file).get("model")
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise TomoscribeError(f"{file} could not be run ({reason}).") from error
    if not isinstance(model, nn.Module):
        raise TomoscribeError(f"{file} builds no network: its variable model is {model!r}.")
    return model


def _variables(file: str) -> dict[str, Any]:
    """Run a file in its folder, from which it also imports, and return its variables.

    The folder stays where modules are looked for, as a network may import when it is first used.
    What other files brought from their folders is forgotten, so that each gets its own of a name.
    """
    for ran, before in _RAN.items():
        later = [name for name in sys.modules if name.partition(".")[0] not in before]
        for name in [name for name in later if _is_within(name, ran)]:
            del sys.modules[name]
    folder = Path(file).parent
    _RAN[folder] = set(sys.modules)
    sys.path[:] = [str(folder), *(place for place in sys.path if place != str(folder))]
    with contextlib.chdir(folder):
        return runpy.run_path(file, run_name="config")


def _is_within(name: str, folder: Path) -> bool:
    """Return whether a module lies in a folder, and not in an environment there."""
    place = getattr(sys.modules[name], "__file__", None)
    if place is None or folder not in Path(place).parents:
        return False
    return not {"site-packages", "dist-packages"} & {*Path(place).parts}


def _check(model: nn.Module, dims: int, inputs: int, outputs: int, file: str) -> None:
    """Try the network on an empty window.

    Raises
    ------
    TomoscribeError
        If it does not give the logits that the classes need.
    """
    edge = 4 * MULTIPLE
    window = torch.zeros(1, inputs, *[edge] * dims)
    training = model.training
    try:
        with torch.no_grad():
            found = tuple(model.eval()(window).shape)
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise TomoscribeError(
            f"The model of {file} does not take windows of {tuple(window.shape)} ({error})."
        ) from error
    model.train(training)
    wanted = (1, outputs, *[edge] * dims)
    if found != wanted:
        raise TomoscribeError(
            f"The model of {file} gives {found} for a window of {tuple(window.shape)}, where the "
            f"{outputs} classes need {wanted}."
        )
