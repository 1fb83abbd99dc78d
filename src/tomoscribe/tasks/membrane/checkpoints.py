"""Reading checkpoints of the membrane task, and the predictor that one holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomoscribe.tasks.checkpoint import check_kind, classes_of, read_checkpoint
from tomoscribe.tasks.membrane.architecture import make_net
from tomoscribe.tasks.membrane.plan import MembranePlan
from tomoscribe.tasks.membrane.predictor import MembranePredictor

if TYPE_CHECKING:
    from pathlib import Path

    import torch

TASK = "membrane"


def read(path: Path) -> dict[str, Any]:
    """Read a checkpoint file, with `weights_only`.

    Raises
    ------
    TomoscribeError
        If the file is no checkpoint of this task.
    """
    state = read_checkpoint(path)
    check_kind(state, str(path), TASK)
    return state


def make_predictor(state: dict[str, Any], device: torch.device) -> MembranePredictor:
    """Return the predictor of a checkpoint on a device."""
    plan = MembranePlan(**state["plan"])
    classes = classes_of(state)
    net = make_net(plan, len(classes))
    net.load_state_dict(state["ema"])
    net.eval().requires_grad_(False)
    net.to(device)
    return MembranePredictor(
        net, plan, classes, dict(state["thresholds"]), state["voxel_size_A"], device
    )
