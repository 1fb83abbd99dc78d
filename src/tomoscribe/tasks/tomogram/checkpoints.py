"""What a checkpoint of the tomogram task holds: plain data, so that loading one runs no code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tomoscribe.nets.tiled import TiledNet
from tomoscribe.nets.unet import UNet3d
from tomoscribe.tasks.checkpoint import check_kind, classes_of, read_checkpoint
from tomoscribe.tasks.tomogram.plan import TomogramPlan
from tomoscribe.tasks.tomogram.predictor import TomogramPredictor

if TYPE_CHECKING:
    from pathlib import Path

    import torch

TASK = "tomogram"
OF_THE_NETWORK = ("bin", "stem", "width", "levels")
"""What of a plan the weights depend on."""


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
