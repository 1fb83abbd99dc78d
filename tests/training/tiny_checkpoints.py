"""Checkpoints of untrained networks, made in milliseconds: they predict, whatever it may be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from tomoscribe.io.volumes import write_mrc
from tomoscribe.nets.unet import UNet3d
from tomoscribe.project.model import ParticleClass
from tomoscribe.tasks.checkpoint import pack
from tomoscribe.tasks.membrane import plan as membrane_plan
from tomoscribe.tasks.membrane.architecture import make_net
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.tomogram.plan import DataSummary, DeviceInfo, make_plan

VOXEL_SIZE_A = 10.0
SHAPE = (40, 100, 90)
CLASSES = (ParticleClass("ribosome", 120.0),)


def write_tomogram(path: Path, voxel_size_A: float = VOXEL_SIZE_A, seed: int = 0) -> str:
    """Write noise; a grid of 2 x 4 x 3 blocks of a `tomogram_checkpoint`."""
    values = np.random.default_rng(seed).normal(size=SHAPE).astype(np.float32)
    write_mrc(path, values, voxel_size_A)
    return str(path)


def tomogram_checkpoint(path: Path, seed: int = 0, score: float = 0.5) -> Path:
    """Write a checkpoint of the tomogram task."""
    torch.manual_seed(seed)
    summary = DataSummary(VOXEL_SIZE_A, 120.0, 120.0, 20, SHAPE)
    plan = make_plan(summary, TrainingSettings(width=4, bin=1), DeviceInfo())
    net = UNet3d(1, plan.width, levels=plan.levels, stem=plan.stem)
    torch.nn.init.normal_(net.head.weight, std=10.0)
    return _write(path, "tomogram", plan.model_copy(update={"precision": "float32"}), net, score)


def membrane_checkpoint(path: Path, score: float = 0.5) -> Path:
    """Write a checkpoint of the membrane task."""
    torch.manual_seed(0)
    summary = membrane_plan.DataSummary(VOXEL_SIZE_A, (120.0,), 20, (-20.0, 60.0), None, 30.0)
    plan = membrane_plan.make_plan(summary, TrainingSettings(width=8))
    return _write(path, "membrane", plan, make_net(plan, 1), score)


def _write(path: Path, task: str, plan: object, net: torch.nn.Module, score: float) -> Path:
    state = pack(
        task=task,
        plan=plan,
        classes=CLASSES,
        voxel_size_A=VOXEL_SIZE_A,
        thresholds={"ribosome": 0.4},
        ema=net.state_dict(),
        training={},
        device="cpu",
    )
    run = {"name": path.stem, "step": 120, "elapsed_s": 10.0, "score": score}
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.save({**state, "run": run}, path)
    return path
