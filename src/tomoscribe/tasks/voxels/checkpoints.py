"""What a checkpoint of a segmentation holds: plain data, so that loading one runs no code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomoscribe.errors import TomoscribeError
from tomoscribe.nets.voxel_nets import make_net
from tomoscribe.segmentation.labels import LabelClass
from tomoscribe.tasks.checkpoint import check_kind, read_checkpoint
from tomoscribe.tasks.voxels.maps import MapSpec, map_specs
from tomoscribe.tasks.voxels.plan import VoxelPlan
from tomoscribe.tasks.voxels.predictor import VoxelPredictor

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import torch

    from tomoscribe.nets.voxel_nets import VoxelNet


def read(path: Path, task: str) -> dict[str, Any]:
    """Read a checkpoint file, with `weights_only`.

    Raises
    ------
    TomoscribeError
        If the file is no checkpoint of this task.
    """
    state = read_checkpoint(path)
    check_kind(state, str(path), task)
    return state


def label_classes_of(state: dict[str, Any]) -> tuple[LabelClass, ...]:
    """Return the classes of a checkpoint, in the order of its maps."""
    return tuple(LabelClass(c["name"], c["color"]) for c in state["label_classes"])


def fields_of(
    classes: Sequence[LabelClass],
    plan: VoxelPlan,
    offsets: dict[str, float],
    decoder: dict[str, Any],
) -> dict[str, Any]:
    """Return what a checkpoint of a segmentation holds besides what all do."""
    return {
        "label_classes": [{"name": c.name, "color": c.color} for c in classes],
        "maps": [spec.name for spec in specs_of(classes, plan)],
        "voxel_size_zyx_nm": [float(size) for size in plan.voxel_size_zyx_nm],
        "offsets": {name: float(value) for name, value in offsets.items()},
        "decoder": dict(decoder),
    }


def specs_of(classes: Sequence[LabelClass], plan: VoxelPlan) -> tuple[MapSpec, ...]:
    """Return the maps that a plan has of some classes."""
    return map_specs([c.name for c in classes], plan.kinds)


def network_of(classes: Sequence[LabelClass], plan: VoxelPlan) -> VoxelNet:
    """Return the untrained network of a plan."""
    return make_net(
        plan.net,
        plan.dimension,
        len(specs_of(classes, plan)) + int(plan.softmax),
        width=plan.width,
        levels=plan.levels,
        steps=plan.steps_zyx,
        options=plan.net_options,
    )


def check_classes(state: dict[str, Any], classes: Sequence[LabelClass]) -> None:
    """Check that a training of `classes` can go on from a checkpoint.

    Raises
    ------
    TomoscribeError
        If it knows other classes.
    """
    names, given = [c.name for c in label_classes_of(state)], [c.name for c in classes]
    if names != given:
        raise TomoscribeError(
            f"The checkpoint knows the classes {', '.join(names)}, the labels have "
            f"{', '.join(given)}; train from the start."
        )


def make_predictor(
    state: dict[str, Any], device: torch.device, *, bfloat16: bool
) -> VoxelPredictor:
    """Return the predictor of a checkpoint on a device."""
    plan = VoxelPlan(**state["plan"])
    classes = label_classes_of(state)
    net = network_of(classes, plan)
    net.load_state_dict(state["ema"])
    net.eval().requires_grad_(False)
    net.place(device)
    return VoxelPredictor(
        net,
        specs_of(classes, plan),
        classes,
        plan,
        dict(state["offsets"]),
        dict(state["decoder"]),
        state["task"],
        device,
        bfloat16,
    )
