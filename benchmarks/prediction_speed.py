"""What predicting a tomogram costs: CPU-seconds of one thread, seconds of one slice, memory.

`python benchmarks/prediction_speed.py` prints a table for 200x464x464 voxels of 10 Å and
particles of 150 and 300 Å, in float32 and bfloat16, and for a tomogram eight times larger.
Each row runs in its own process, so that its peak memory is its own. Weights do not matter for
time: they are random.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SHAPE = (200, 464, 464)
LARGE = (400, 928, 928)
VOXEL_SIZE_A = 10.0


def write_noise(path: Path, shape: tuple[int, int, int]) -> None:
    """Write a tomogram of noise, slab by slab."""
    import mrcfile
    import numpy as np

    rng = np.random.default_rng(0)
    with mrcfile.new_mmap(path, shape=shape, mrc_mode=2, overwrite=True) as file:
        for plane in range(shape[0]):
            file.data[plane] = rng.standard_normal(shape[1:], dtype=np.float32)
        file.voxel_size = VOXEL_SIZE_A


def measure(path: Path, diameter_A: float, *, bfloat16: bool) -> dict[str, Any]:
    """Predict one tomogram and one slice of it in this process."""
    import torch

    from tomoscribe.io.volumes import open_volume
    from tomoscribe.nets.unet import UNet3d
    from tomoscribe.project.model import ParticleClass
    from tomoscribe.tasks.base import Focus
    from tomoscribe.tasks.settings import TrainingSettings
    from tomoscribe.tasks.tomogram import checkpoints
    from tomoscribe.tasks.tomogram.plan import DataSummary, DeviceInfo, make_plan

    torch.set_num_threads(1)
    data = DataSummary(VOXEL_SIZE_A, diameter_A, diameter_A, 20, SHAPE)
    plan = make_plan(data, TrainingSettings(), DeviceInfo())
    net = UNet3d(1, plan.width, levels=plan.levels, stem=plan.stem)
    state = checkpoints.pack(
        plan=plan,
        classes=(ParticleClass("p", diameter_A),),
        voxel_size_A=VOXEL_SIZE_A,
        thresholds={"p": 0.5},
        ema=net.state_dict(),
        training={},
        device="cpu",
    )
    predictor = checkpoints.make_predictor(state, torch.device("cpu"), bfloat16=bfloat16)
    volume = open_volume(path)
    base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    z, y, x = volume.shape_zyx
    focus = Focus((z / 2, y / 2, x / 2), (z / 2, 0, 0), (z / 2, y, x))
    predictor.slice_first(volume, focus)  # the first one reads statistics and warms up
    cpu, wall = time.process_time(), time.perf_counter()
    predictor.slice_first(volume, focus)
    row = {"slice_cpu_s": time.process_time() - cpu, "slice_wall_s": time.perf_counter() - wall}
    cpu = time.process_time()
    blocks = sum(1 for _ in predictor.blocks(volume))
    row["predict_cpu_s"] = time.process_time() - cpu
    row["blocks"] = blocks
    row["memory_added_MB"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base) / 1024
    return row


def main() -> None:
    """Measure every row in a process of its own and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--one", nargs=3, metavar=("PATH", "DIAMETER_A", "PRECISION"))
    parser.add_argument("--skip-large", action="store_true")
    options = parser.parse_args()
    if options.one:
        path, diameter, precision = options.one
        row = measure(Path(path), float(diameter), bfloat16=precision == "bfloat16")
        sys.stdout.write(json.dumps(row) + "\n")
        return
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(
            "| voxels | diameter | precision | predict CPU-s | slice CPU-s | slice wall s | "
            "memory added MB |\n|---|---|---|---|---|---|---|\n"
        )
        for shape in (SHAPE,) if options.skip_large else (SHAPE, LARGE):
            path = Path(folder) / "noise.mrc"
            write_noise(path, shape)
            for diameter in (150, 300):
                for precision in ("float32", "bfloat16"):
                    command = [sys.executable, __file__, "--one", str(path)]
                    command += [str(diameter), precision]
                    done = subprocess.run(command, check=True, capture_output=True, text=True)
                    row = json.loads(done.stdout.splitlines()[-1])
                    sys.stdout.write(
                        f"| {'x'.join(map(str, shape))} | {diameter} Å | {precision} | "
                        f"{row['predict_cpu_s']:.1f} | {row['slice_cpu_s']:.2f} | "
                        f"{row['slice_wall_s']:.2f} | {row['memory_added_MB']:.0f} |\n"
                    )
                    sys.stdout.flush()


if __name__ == "__main__":
    main()
