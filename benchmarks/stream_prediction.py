"""Memory of a streamed segmentation under a cap, for images up to four times as large as the cap.

`python benchmarks/stream_prediction.py` predicts images of 1, 2 and 4 times the cap (float32, MRC)
with the two maps of a small network of sections, into OME-Zarr. Each in a process of its own whose
memory the kernel limits (RLIMIT_DATA: all that is allocated; a larger request fails). Weights do
not matter for memory: they are random. `--device cuda` uses the same code with batches of windows.
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
import threading
import time
from pathlib import Path
from typing import Any

MEBI = 1 << 20
EDGE = 1024


def write_noise(path: Path, mebibytes: int) -> tuple[int, int, int]:
    """Write an image of noise, section by section."""
    import mrcfile
    import numpy as np

    shape = (mebibytes * MEBI // (4 * EDGE * EDGE), EDGE, EDGE)
    noise = np.random.default_rng(0).standard_normal((EDGE, EDGE), dtype=np.float32)
    with mrcfile.new_mmap(path, shape=shape, mrc_mode=2, overwrite=True) as file:
        for z in range(shape[0]):
            file.data[z] = np.roll(noise, 7 * z, axis=z % 2)
        file.voxel_size = 40.0
    return shape


def predictor_of(device_name: str, reduction: int) -> Any:
    """Return a small network of sections with random weights: foreground and contour."""
    import torch

    from tomoscribe.segmentation.labels import LabelClass
    from tomoscribe.tasks.voxels import checkpoints
    from tomoscribe.tasks.voxels.plan import VoxelPlan

    torch.manual_seed(0)
    torch.set_num_threads(1)
    plan = VoxelPlan(
        dimension="2d", reduction_zyx=(1, reduction, reduction), voxel_size_zyx_nm=(4.0, 4.0, 4.0),
        window_zyx=(1, 256, 256), batch=4, net="unet", width=16, levels=5,
        steps_zyx=((1, 2, 2),) * 4, kinds=("foreground", "contour"), softmax=False,
        contour_width=1, contour_3d=False, distance_scale=4.0, learning_rate=1e-3,
        weight_decay=1e-4, precision="float32",
    )  # fmt: skip
    classes = [LabelClass("object")]
    state = {
        "plan": plan.model_dump(),
        "label_classes": [{"name": c.name, "color": c.color} for c in classes],
        "ema": checkpoints.network_of(classes, plan).state_dict(),
        "offsets": {},
        "decoder": {},
        "task": "instance",
    }
    return checkpoints.make_predictor(state, torch.device(device_name), bfloat16=False)


class Peak(threading.Thread):
    """Watches the memory that this process itself holds, without the pages of mapped files.

    Mapped pages of the image are the system's: it takes them back when it needs them.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.mebibytes, self.over = 0, threading.Event()

    def run(self) -> None:
        """Look ten times a second."""
        while not self.over.wait(0.1):
            lines = Path("/proc/self/status").read_text().splitlines()
            now = next(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
            self.mebibytes = max(self.mebibytes, now // 1024)


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """Predict one image in this process, under the cap."""
    if arguments.device == "cpu":
        resource.setrlimit(resource.RLIMIT_DATA, (arguments.cap * MEBI,) * 2)
    from tomoscribe.io.volumes import open_volume
    from tomoscribe.prediction.settings import PredictionSettings
    from tomoscribe.prediction.streamed import stream_maps

    predictor, volume = (
        predictor_of(arguments.device, arguments.reduction),
        open_volume(arguments.one),
    )
    peak = Peak()
    peak.start()
    begun, cpu = time.perf_counter(), time.process_time()
    settings = PredictionSettings(views=arguments.views)
    stream_maps(predictor, volume, Path(arguments.one).with_suffix(".zarr"), settings)
    peak.over.set()
    return {
        "peak of its own, MiB": peak.mebibytes,
        "CPU s": round(time.process_time() - cpu, 1),
        "s": round(time.perf_counter() - begun, 1),
    }


def main() -> None:
    """Measure all sizes and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cap", type=int, default=512, help="MiB that a process may allocate")
    parser.add_argument("--times", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--reduction", type=int, default=4, help="voxels averaged along y and x")
    parser.add_argument("--views", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--folder", type=Path, help="where the images lie meanwhile")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(arguments)))
        return
    print(
        "| image | MiB | of the cap | peak of its own, MiB | CPU s | s |\n|---|---|---|---|---|---|"
    )
    for times in arguments.times:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            path = Path(folder) / "noise.mrc"
            shape = write_noise(path, times * arguments.cap)
            command = [sys.executable, __file__, "--one", path, *sys.argv[1:]]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found = json.loads(done.stdout.splitlines()[-1])
        size = " × ".join(map(str, shape))
        cells = [size, times * arguments.cap, f"{times}×", *found.values()]
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)


if __name__ == "__main__":
    main()
