"""Optimizer, scheduler, criterion and value transforms of a configuration as settings of ours."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from tomoscribe.errors import TomoscribeError
from tomoscribe.tasks.named_calls import OPTIMIZERS, SCHEDULERS, NamedCall, read_call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomoscribe.training.cellmap_keys import CellMapConfig

CRITERIA: dict[str, dict[str, object]] = {
    "BCEWithLogitsLoss": {"loss": "bce"},
    "CellMapLossWrapper": {"loss": "bce"},
    "CrossEntropyLoss": {"loss": "bce", "overlap": False},
    "DiceLoss": {"loss": "dice"},
    "FocalLoss": {"loss": "focal"},
}
"""Losses by name; each is a mean over the labelled voxels."""

_DONE_ANYWAY = {"ToDtype", "ConvertImageDtype", "NaNtoNum", "Identity", "Compose", "ToImage"}
_NORMALISE = {"Normalize"}
_VARY = {"RandomContrast", "RandomGamma", "GaussianNoise", "GaussianBlur", "ColorJitter"}
_TARGET = {*_DONE_ANYWAY, "Binarize"}
_FIRST = {
    "StepLR": "step_size", "MultiStepLR": "milestones", "ExponentialLR": "gamma",
    "CosineAnnealingLR": "T_max", "CosineAnnealingWarmRestarts": "T_0", "OneCycleLR": "max_lr",
    "CyclicLR": "base_lr", "LinearLR": "start_factor", "ConstantLR": "factor",
    "PolynomialLR": "total_iters",
}  # fmt: skip
"""What a scheduler's first argument after the optimizer is called."""
POSITION = "_{}"
"""Name of an argument that was given by its place."""


def optimization(config: CellMapConfig, notes: list[str]) -> tuple[dict[str, Any], Any]:
    """Return our settings for optimizer and scheduler, and the learning rate, not checked yet.

    Raises
    ------
    TomoscribeError
        If there is none of that name here.
    """
    found: dict[str, Any] = {}
    rate: Any = config.learning_rate
    if config.optimizer is not None:
        call = read_call(config.optimizer, OPTIMIZERS, "optimizer")
        options = _named(call, ("", "lr"))
        rate = options.pop("lr", rate)
        found["optimizer"] = str(NamedCall(call.name, options))
    if config.scheduler is not None:
        call = read_call(config.scheduler, SCHEDULERS, "scheduler")
        options = _named(call, ("", _FIRST[call.name])) | config.scheduler_kwargs
        found["scheduler"] = str(NamedCall(call.name, options))
    else:
        _tell_unused("scheduler", config.scheduler_kwargs, notes)
    return found, rate


def loss(config: CellMapConfig, notes: list[str]) -> dict[str, Any]:
    """Return our settings for the criterion.

    Raises
    ------
    TomoscribeError
        If there is none like it here.
    """
    if config.criterion is None:
        _tell_unused("criterion", config.criterion_kwargs, notes)
        return {}
    call = read_call(config.criterion, tuple(CRITERIA), "criterion")
    options = {**call.options, **config.criterion_kwargs}
    weights = options.pop("pos_weight", [])
    found = dict(CRITERIA[call.name])
    found["positive_weights"] = _numbers(weights, "pos_weight")
    options.pop("reduction", None)
    if options:
        notes.append(f"{', '.join(options)} of the criterion {call.name} have no effect.")
    return found


def variation(config: CellMapConfig, notes: list[str]) -> dict[str, Any]:
    """Return our settings for the value transforms; sentences tell what has no effect."""
    found: dict[str, Any] = {}
    raw, target = config.train_raw_value_transforms, config.target_value_transforms
    if raw is not None:
        names = _names(raw)
        found["intensity"] = bool(_VARY & {*names})
        if found["intensity"]:
            varied = ", ".join(n for n in names if n in _VARY)
            notes.append(
                f"{varied}: contrast, brightness and noise are varied, by amounts of our own."
            )
        _say_unknown("train_raw_value_transforms", names, _DONE_ANYWAY | _VARY, notes)
    if config.val_raw_value_transforms is not None:
        names = _names(config.val_raw_value_transforms)
        _say_unknown("val_raw_value_transforms", names, _DONE_ANYWAY, notes)
    if target is not None:
        for name in _names(target):
            if name not in _TARGET:
                notes.append(
                    f"{name} of target_value_transforms has no effect: labels are read as objects "
                    "of their class (distances: --set voxels.distance=yes)."
                )
    return found


def _tell_unused(key: str, options: dict[str, Any], notes: list[str]) -> None:
    if options:
        notes.append(f"{key}_kwargs has no effect: no {key} is named.")


def _say_unknown(key: str, names: Sequence[str], known: set[str], notes: list[str]) -> None:
    for name in names:
        if name in _NORMALISE:
            notes.append(
                f"{name} of {key} has no effect: images are normalised by their own spread."
            )
        elif name not in known:
            notes.append(f"{name} of {key} has no effect: it is not made here.")


def _names(transforms: Sequence[str]) -> list[str]:
    return [text.partition("(")[0].strip() for text in transforms]


def _named(call: NamedCall, places: Sequence[str]) -> dict[str, Any]:
    """Return arguments by name; those by place are what torch calls them, the first is left out.

    Raises
    ------
    TomoscribeError
        If there are more by place.
    """
    options = dict(call.options)
    for index, name in enumerate(places):
        value = options.pop(POSITION.format(index), None)
        if value is not None and name:
            options[name] = value
    if any(key.startswith("_") for key in options):
        raise TomoscribeError(f"{call.name} has arguments without names: write them as name=value.")
    return options


def _numbers(value: object, name: str) -> list[float]:
    values = value if isinstance(value, (list, tuple)) else [value]
    try:
        return [float(v) for v in values]  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise TomoscribeError(f"{name} must be numbers, one a class, not {value!r}.") from None


def call_text(node: ast.expr, value: Any) -> str | None:
    """Return a call or a name in a Python file as text: its last name, and arguments as values.

    Parameters
    ----------
    node : ast.expr
        Such as `torch.optim.SGD(model.parameters(), lr=learning_rate)`.
    value : callable
        Returns the value of an expression, or raises ValueError where it has none.

    Returns
    -------
    str or None
        Such as `SGD(lr=0.01)`; None where it is no such thing.
    """
    if isinstance(node, (ast.Name, ast.Attribute)):
        return node.id if isinstance(node, ast.Name) else node.attr
    if not isinstance(node, ast.Call) or not isinstance(node.func, (ast.Name, ast.Attribute)):
        return None
    name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
    options = {}
    for key, argument in [
        *((POSITION.format(i), a) for i, a in enumerate(node.args)),
        *((k.arg or "", k.value) for k in node.keywords),
    ]:
        if not key:
            return None
        try:
            options[key] = value(argument)
        except ValueError:
            # The network's parameters, and the optimizer of a scheduler, come from here.
            if key != POSITION.format(0):
                return None
    return str(NamedCall(name, options))
