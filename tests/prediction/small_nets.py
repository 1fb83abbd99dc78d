"""Segmentations whose network is a filter that is known, so that their maps are known too."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tomoscribe.io.mrc_write import write_mrc
from tomoscribe.nets.voxel_nets import VoxelNet
from tomoscribe.segmentation.labels import LabelClass
from tomoscribe.tasks.checkpoint import pack
from tomoscribe.tasks.voxels import checkpoints
from tomoscribe.tasks.voxels.maps import map_specs
from tomoscribe.tasks.voxels.plan import VoxelPlan
from tomoscribe.tasks.voxels.predictor import VoxelPredictor

CPU = torch.device("cpu")


class Filter(nn.Module):
    """Logits are the image smoothed by a small kernel, which may lean to one side."""

    multiple_zyx = (1, 4, 4)

    def __init__(self, dims: int, outputs: int, *, lean: float) -> None:
        super().__init__()
        self.outputs, self.dims = outputs, dims
        kernel = torch.ones((3,) * dims)
        kernel[..., 0] += lean
        self.register_buffer("kernel", kernel / kernel.sum())

    def forward(self, boxes: Tensor) -> Tensor:
        convolve = functional.conv3d if self.dims == 3 else functional.conv2d
        padded = functional.pad(boxes, (1, 1) * self.dims, mode="replicate")
        smooth = convolve(padded.mean(1, keepdim=True), self.kernel[None, None])
        return torch.cat([smooth * (1 - 0.5 * i) for i in range(self.outputs)], 1)


def predictor_of(
    dimension: Literal["2d", "2.5d", "3d"] = "2d",
    *,
    reduction_zyx: tuple[int, int, int] = (1, 1, 1),
    lean: float = 0.0,
) -> VoxelPredictor:
    """Return a predictor of instances of one class: foreground and contour, voxels of 4 nm."""
    deep = dimension == "3d"
    net = Filter(3 if deep else 2, 2, lean=lean)
    plan = VoxelPlan(
        dimension=dimension, reduction_zyx=reduction_zyx, voxel_size_zyx_nm=(4.0, 4.0, 4.0),
        window_zyx=(16 if deep else 1, 32, 32), batch=1, net="unet", width=8, levels=3,
        steps_zyx=((1, 2, 2), (1, 2, 2)), kinds=("foreground", "contour"), softmax=False,
        contour_width=1, contour_3d=deep, distance_scale=4.0, learning_rate=1e-3,
        weight_decay=1e-4, precision="float32",
    )  # fmt: skip
    context = 1 if dimension == "2.5d" else 0
    return VoxelPredictor(
        VoxelNet(net, sections=not deep, context=context).eval(),
        map_specs(["mito"], plan.kinds),
        (LabelClass("mito"),),
        plan,
        {},
        {},
        "instance",
        CPU,
        bfloat16=False,
    )


def write_checkpoint(path: Path, ball: float = 20.0, **plan_of: object) -> Path:
    """Write an untrained checkpoint of one class, which calls everything a ball, or nothing."""
    small = {"levels": 2, "steps_zyx": ((1, 2, 2),)}
    plan = predictor_of().plan.model_copy(update=small | plan_of)
    classes, offsets = [LabelClass("ball")], {"ball": ball, "ball contour": -20.0}
    state = pack(
        task="instance", plan=plan, classes=(), voxel_size_A=40.0, thresholds={},
        ema=checkpoints.network_of(classes, plan).state_dict(), device="cpu", training={},
        more=checkpoints.fields_of(classes, plan, offsets, {}),
    )  # fmt: skip
    torch.save(state, path)
    return path


def write_image(path: Path, shape_zyx: tuple[int, int, int]) -> Path:
    """Write an image of bright balls on noise, in voxels of 4 nm."""
    rng = np.random.default_rng(1)
    values = rng.normal(0, 0.3, shape_zyx).astype(np.float32)
    grid = np.indices(shape_zyx, sparse=True)
    for center in rng.uniform(0, 1, (40, 3)) * shape_zyx:
        away = sum((g - c) ** 2 for g, c in zip(grid, center, strict=True))
        values[np.asarray(away < 64)] += 3
    write_mrc(path, values, 40.0)
    return path
