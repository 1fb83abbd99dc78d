"""Reading a checkpoint file of any task: plain data, so that loading one runs no code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.model import ParticleClass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from pydantic import BaseModel

FORMAT = 1


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint's plain data; code in it is refused.

    Raises
    ------
    TomoscribeError
        If it is no checkpoint.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise TomoscribeError(f"There is no checkpoint {path}.") from error
    except Exception as error:  # a damaged file fails in many ways
        raise TomoscribeError(
            f"{path} is no checkpoint, or it is damaged; choose a file that a training wrote."
        ) from error
    if not isinstance(state, dict):
        raise TomoscribeError(f"{path} is no checkpoint of tomoscribe.")
    return state


def pack(
    *,
    task: str,
    plan: BaseModel,
    classes: Sequence[ParticleClass],
    voxel_size_A: float,
    thresholds: dict[str, float],
    ema: dict[str, torch.Tensor],
    device: str,
    training: dict[str, Any],
    more: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return a checkpoint; tensors are copied, so that training may go on while it is written.

    `more` are fields of the task's own.
    """
    return {
        **(more or {}),
        "task": task,
        "format": FORMAT,
        "plan": plan.model_dump(),
        "classes": [
            {"name": c.name, "diameter_A": float(c.diameter_A), "color": c.color} for c in classes
        ],
        "voxel_size_A": float(voxel_size_A),
        "thresholds": {name: float(value) for name, value in thresholds.items()},
        "ema": to_cpu(ema),
        "device": device,
        "training": to_cpu(training),
    }


def check_kind(state: object, name: str, task: str) -> None:
    """Check that `state` is a checkpoint of `task`; `name` says what it is in the sentence.

    Raises
    ------
    TomoscribeError
        If it is none, or of another version.
    """
    if not isinstance(state, dict) or state.get("task") != task:
        other = state.get("task") if isinstance(state, dict) else None
        what = f": it is one of the {other} task" if isinstance(other, str) else ""
        raise TomoscribeError(
            f"{name} is not a checkpoint of the {task} task{what}; choose one of that task, or "
            "train from the start."
        )
    if state.get("format") != FORMAT:
        raise TomoscribeError(
            f"{name} was written in format {state.get('format')}, this version reads {FORMAT}; "
            "use the version that wrote it, or train again."
        )


def classes_of(state: dict[str, Any]) -> tuple[ParticleClass, ...]:
    """Return the classes of a checkpoint, in the order of its output maps."""
    return tuple(ParticleClass(c["name"], c["diameter_A"], c["color"]) for c in state["classes"])


def check_goes_on(
    state: dict[str, Any],
    plan: BaseModel,
    of_the_network: Sequence[str],
    classes: Sequence[ParticleClass],
    voxel_size_A: float,
) -> None:
    """Check that a training with `plan` can go on from a checkpoint.

    Raises
    ------
    TomoscribeError
        If voxel size, classes or one of the plan's fields `of_the_network` differ.
    """
    theirs = state["voxel_size_A"]
    if abs(voxel_size_A / theirs - 1) > 0.05:
        raise TomoscribeError(
            f"The checkpoint was trained on voxels of {theirs:g} Å, these tomograms have "
            f"{voxel_size_A:g} Å; train from the start, or resample the tomograms."
        )
    names, given = [c["name"] for c in state["classes"]], [c.name for c in classes]
    if names != given:
        raise TomoscribeError(
            f"The checkpoint knows the classes {', '.join(names)}, the data have "
            f"{', '.join(given)}; "
            "train from the start."
        )
    for key in of_the_network:
        if state["plan"][key] != getattr(plan, key):
            raise TomoscribeError(
                f"The checkpoint's network has {key} {state['plan'][key]}, "
                f"this plan {getattr(plan, key)}; "
                "leave it to the plan, or train from the start."
            )


def rng_state(rng: np.random.Generator) -> dict[str, Any]:
    """Return the state of a generator as numbers and strings; large integers as text."""
    state: dict[str, Any] = dict(rng.bit_generator.state)
    return {
        "kind": str(state["bit_generator"]),
        "state": {key: str(value) for key, value in state["state"].items()},
        "has_uint32": int(state["has_uint32"]),
        "uinteger": int(state["uinteger"]),
    }


def set_rng_state(rng: np.random.Generator, state: dict[str, Any]) -> None:
    """Set a generator to what `rng_state` returned."""
    rng.bit_generator.state = {
        "bit_generator": state["kind"],
        "state": {key: int(value) for key, value in state["state"].items()},
        "has_uint32": state["has_uint32"],
        "uinteger": state["uinteger"],
    }


def to_cpu(value: Any) -> Any:
    """Return plain data with its tensors copied to the CPU, so that training may go on."""
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().clone()
    if isinstance(value, dict):
        return {key: to_cpu(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_cpu(part) for part in value]
    return value
