"""Optimizers and schedulers of torch by the name and the values that a user gave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from tomoscribe.errors import TomoscribeError
from tomoscribe.tasks.named_calls import OPTIMIZERS, SCHEDULERS, read_call

if TYPE_CHECKING:
    from collections.abc import Iterable

    from torch.nn import Parameter
    from torch.optim import Optimizer

    from tomoscribe.tasks.settings import TrainingSettings

_WRONG_VALUE = (TypeError, ValueError, RuntimeError, ArithmeticError, LookupError)
"""What torch raises where an argument is unknown, or its value makes no sense."""
_MOST_EPOCHS = 10_000
"""That are tried before a training; each takes a few µs."""


def make_optimizer(
    named: str | None, parameters: Iterable[Parameter], learning_rate: float, weight_decay: float
) -> Optimizer:
    """Return an optimizer.

    Parameters
    ----------
    named : str or None
        Such as `SGD(momentum=0.9)`; None: AdamW.
    parameters : iterable of Parameter
    learning_rate : float
        Unless `lr` is among the arguments.
    weight_decay : float
        Of AdamW where nothing is named; a named one has its own default.

    Raises
    ------
    TomoscribeError
        If there is none of that name, or it takes other arguments.
    """
    if named is None:
        return torch.optim.AdamW(parameters, lr=learning_rate, weight_decay=weight_decay)
    call = read_call(named, OPTIMIZERS, "optimizer")
    kind: Any = getattr(torch.optim, call.name)
    try:
        made: Optimizer = kind(parameters, **{"lr": learning_rate, **call.options})
    except _WRONG_VALUE as error:
        raise TomoscribeError(f"The optimizer {call} cannot be: {error}.") from error
    return made


class EpochSchedule:
    """A scheduler of torch that makes a step after each so many steps of the training.

    Parameters
    ----------
    named : str
        Such as `StepLR(step_size=10, gamma=0.5)`.
    optimizer : Optimizer
        Whose learning rate it sets.
    every : int or None
        Steps of an epoch; kept as `every`.

    Raises
    ------
    TomoscribeError
        If there is none of that name, it takes other arguments, or no epoch is told.
    """

    def __init__(self, named: str, optimizer: Optimizer, every: int | None) -> None:
        call = read_call(named, SCHEDULERS, "scheduler")
        if every is None:
            raise TomoscribeError(
                f"The scheduler {call} makes a step an epoch: say with validate_every_steps how "
                "many steps that is."
            )
        kind: Any = getattr(torch.optim.lr_scheduler, call.name)
        try:
            self._scheduler = kind(optimizer, **call.options)
        except _WRONG_VALUE as error:
            raise TomoscribeError(f"The scheduler {call} cannot be: {error}.") from error
        self.every = every
        self._call, self._made = call, 0

    def follow(self, steps: int) -> None:
        """Set the learning rate of a training that has made so many steps."""
        while self._made < steps // self.every:
            self._made += 1
            try:
                self._scheduler.step()
            except _WRONG_VALUE as error:  # a value, or more epochs than it was made for
                raise TomoscribeError(
                    f"The scheduler {self._call} cannot go on in epoch {self._made + 1}: {error}."
                ) from error

    def state(self) -> dict[str, Any]:
        """Return its state as plain data."""
        return {"made": self._made, "scheduler": dict(self._scheduler.state_dict())}

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        self._made = int(state["made"])
        self._scheduler.load_state_dict(state["scheduler"])


def optimizer_steps(settings: TrainingSettings) -> int | None:
    """Return the optimizer's steps of an epoch; None where no epoch is told."""
    every = settings.validate_every_steps
    return None if every is None else max(1, every // settings.accumulate)


def check_optimization(settings: TrainingSettings) -> None:
    """Try the named optimizer and scheduler on one number, before a training takes time.

    Raises
    ------
    TomoscribeError
        If an argument of theirs is unknown, or a value cannot be in one of the epochs.
    """
    named, scheduler = settings.voxels.optimizer, settings.voxels.scheduler
    if named is None and scheduler is None:
        return
    number = torch.nn.Parameter(torch.zeros(1))
    optimizer = make_optimizer(named, [number], settings.learning_rate or 1.0, 0.0)
    if scheduler is None:
        return
    schedule = EpochSchedule(scheduler, optimizer, optimizer_steps(settings))
    optimizer.step()  # schedulers warn where none was made
    steps = (settings.max_steps or 0) // settings.accumulate
    # The last epoch ends the training; no step of the scheduler comes behind it.
    epochs = min(max(steps // schedule.every - 1, 1), _MOST_EPOCHS)
    schedule.follow(epochs * schedule.every)
