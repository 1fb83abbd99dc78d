"""What a checkpoint of the tomogram task holds: plain data, so that loading one runs no code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from tomoscribe.errors import TomoscribeError
from tomoscribe.nets.tiled import TiledNet
from tomoscribe.nets.unet import UNet3d
from tomoscribe.project.model import ParticleClass
from tomoscribe.tasks.checkpoint import read_checkpoint
from tomoscribe.tasks.tomogram.plan import TomogramPlan
from tomoscribe.tasks.tomogram.predictor import TomogramPredictor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np

TASK = "tomogram"
FORMAT = 1


def pack(
    *,
    plan: TomogramPlan,
    classes: Sequence[ParticleClass],
    voxel_size_A: float,
    thresholds: dict[str, float],
    ema: dict[str, torch.Tensor],
    device: str,
    training: dict[str, Any],
) -> dict[str, Any]:
    """Return a checkpoint; tensors are copied, so that training may go on while it is written."""
    return {
        "task": TASK,
        "format": FORMAT,
        "plan": plan.model_dump(),
        "classes": [
            {"name": c.name, "diameter_A": float(c.diameter_A), "color": c.color} for c in classes
        ],
        "voxel_size_A": float(voxel_size_A),
        "thresholds": {name: float(value) for name, value in thresholds.items()},
        "ema": _to_cpu(ema),
        "device": device,
        "training": _to_cpu(training),
    }


def read(path: Path) -> dict[str, Any]:
    """Read a checkpoint file, with `weights_only`.

    Raises
    ------
    TomoscribeError
        If the file is no checkpoint of this task.
    """
    state = read_checkpoint(path)
    check_kind(state, str(path))
    return state


def check_kind(state: object, name: str) -> None:
    """Check that `state` is a checkpoint of this task; `name` says what it is in the sentence.

    Raises
    ------
    TomoscribeError
        If it is none, or of another version.
    """
    if not isinstance(state, dict) or state.get("task") != TASK:
        raise TomoscribeError(f"{name} is not a checkpoint of the tomogram task.")
    if state.get("format") != FORMAT:
        raise TomoscribeError(
            f"{name} was written in format {state.get('format')}, this version reads {FORMAT}; "
            "use the version that wrote it, or train again."
        )


def classes_of(state: dict[str, Any]) -> tuple[ParticleClass, ...]:
    """Return the classes of a checkpoint, in the order of its output maps."""
    return tuple(ParticleClass(c["name"], c["diameter_A"], c["color"]) for c in state["classes"])


def make_predictor(
    state: dict[str, Any], device: torch.device, *, bfloat16: bool
) -> TomogramPredictor:
    """Return the predictor of a checkpoint on a device."""
    plan = TomogramPlan(**state["plan"])
    classes = classes_of(state)
    net = UNet3d(len(classes), plan.width, levels=plan.levels, stem=plan.stem)
    net.load_state_dict(state["ema"])
    net.eval().requires_grad_(False)
    net.place(device)
    if bfloat16:
        net.to_bfloat16()
    return TomogramPredictor(
        TiledNet(net, plan.stem, 2 ** (plan.levels - 1), bfloat16, device),
        classes,
        dict(state["thresholds"]),
        state["voxel_size_A"],
        plan.bin,
        plan.stem,
    )


def check_fits(
    state: dict[str, Any],
    plan: TomogramPlan,
    classes: Sequence[ParticleClass],
    voxel_size_A: float,
) -> None:
    """Check that a training with `plan` can go on from a checkpoint.

    Raises
    ------
    TomoscribeError
        If voxel size, classes or network differ.
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
    for key in ("bin", "stem", "width", "levels"):
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


def _to_cpu(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().cpu().clone()
    if isinstance(value, dict):
        return {key: _to_cpu(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_to_cpu(part) for part in value]
    return value
