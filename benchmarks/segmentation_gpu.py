"""How fast segmentations train and predict on a device: steps, what they wait for, voxels.

`python benchmarks/segmentation_gpu.py` takes the cases of `segmentation.py` on a GPU; `--device
cpu --quick` tries the same in half a minute without one. A JSON line a case: steps a second; the
share of a step that its batch takes, measured in steps of its own that wait for the device; how
busy the driver says that a GPU was; and megavoxels of the image that are predicted a second.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import segmentation
from tomoscribe.io.volumes import open_volume
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.table import get_task

WARM_UP = 5
"""Steps before the clock: a GPU chooses its kernels in the first ones."""
WATCHED_STEPS = 20


class Busy(threading.Thread):
    """Asks the driver ten times a second how busy the GPU is."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.seen: list[int] = []
        self.over = threading.Event()

    def run(self) -> None:
        """Look until it is over."""
        while not self.over.wait(0.1):
            self.seen.append(torch.cuda.utilization())


def step(module: Any) -> None:
    """Make a step of the training."""
    loss = module.training_step(None, 0)
    module.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    module.optimizer.step()


def wait_for(device: torch.device) -> None:
    """Wait until a GPU has done all that it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def batch_share(module: Any, device: torch.device) -> float:
    """Return the share of a step that its batch takes."""
    make, spent = module._maker.make, 0.0

    def watched(*given: Any) -> Any:
        nonlocal spent
        wait_for(device)
        begun = time.perf_counter()
        made = make(*given)
        wait_for(device)
        spent += time.perf_counter() - begun
        return made

    module._maker.make = watched
    begun = time.perf_counter()
    for _ in range(WATCHED_STEPS):
        step(module)
    wait_for(device)
    whole = time.perf_counter() - begun
    module._maker.make = make
    return spent / whole


def measure(name: str, device: torch.device, seconds: float) -> dict[str, Any]:
    """Train and predict one case."""
    case = segmentation.strokes(0) if name == "strokes" else getattr(segmentation, name)()
    with tempfile.TemporaryDirectory() as folder:
        data = segmentation.training_data(case, Path(folder))
        module = get_task(case.task).build(data, TrainingSettings(max_minutes=1), device)
        for _ in range(WARM_UP):
            step(module)
        wait_for(device)
        busy = Busy() if device.type == "cuda" else None
        if busy is not None:
            torch.cuda.utilization(device)  # a missing nvidia-ml-py is told here
            busy.start()
        begun, steps = time.perf_counter(), 0
        while time.perf_counter() - begun < seconds:
            step(module)
            steps += 1
        wait_for(device)
        took = time.perf_counter() - begun
        if busy is not None:
            busy.over.set()
        share = batch_share(module, device)
        predictor = module.predictor()
        predictor.resident = {}
        volume = open_volume(data.samples[0].volume_path, case.voxel_size_zyx_A[2])
        begun, voxels = time.perf_counter(), 0
        for block in predictor.blocks(volume):
            voxels += block.scores[0].size
            if time.perf_counter() - begun > seconds:
                break
        predicted = voxels / (time.perf_counter() - begun) / 1e6
    shown = {key: module.plan[key] for key in segmentation.SHOWN}
    return {
        "case": name, "device": str(device), "steps_a_second": round(steps / took, 2),
        "batch_share": round(share, 3),
        "gpu_busy": None if busy is None else round(float(np.mean(busy.seen)) / 100, 2),
        "predicted_megavoxels_a_second": round(predicted, 2), "plan": shown,
    }  # fmt: skip


def main() -> None:
    """Measure the cases that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    every = ["plate", "chloroplast", "strokes", "neurons"]
    parser.add_argument("--cases", nargs="+", default=every, choices=every)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=15.0, help="of training a case")
    parser.add_argument("--quick", action="store_true", help="two seconds a case")
    asked = parser.parse_args()
    for name in asked.cases:
        seconds = 2.0 if asked.quick else asked.seconds
        print(json.dumps(measure(name, torch.device(asked.device), seconds)), flush=True)


if __name__ == "__main__":
    main()
