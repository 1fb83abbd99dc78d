"""What a background prediction costs whom: seconds to the slice in view, after a jump, to the end.

`OMP_NUM_THREADS=1 python benchmarks/background_prediction.py` predicts a tomogram of 200x464x464
voxels of 10 Å, particles of 150 Å, with one thread: from a cold start, with the process prepared,
after jumps to other slices, and with two checkpoints on the same slice. Weights do not matter for
time: they are random.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import torch

from prediction_speed import SHAPE, VOXEL_SIZE_A, write_noise
from tomoscribe.nets.unet import UNet3d
from tomoscribe.project.model import ParticleClass
from tomoscribe.tasks.checkpoint import pack
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.tasks.tomogram.plan import DataSummary, DeviceInfo, make_plan
from tomoscribe.training import events as ev
from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.control import FocusBox
from tomoscribe.training.event_log import EventReader
from tomoscribe.training.prediction_request import PredictionRequest
from tomoscribe.training.predictions import PredictionService

if TYPE_CHECKING:
    from collections.abc import Callable

DIAMETER_A = 150.0
JUMPS = (20, 180, 60, 140)
POLL_S = 0.01


def main() -> None:
    """Print seconds as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--whole", action="store_true", help="also wait for the whole tomogram")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), whole=options.whole)))


def measure(project: Path, *, whole: bool) -> dict[str, object]:
    """Return seconds from a wish or a jump to its first block, by what was asked."""
    write_noise(project / "noise.mrc", SHAPE)
    one, other = (request(project, name) for name in ("one", "other"))
    service = PredictionService(project, device="cpu", threads=1)
    found: dict[str, object] = {}
    try:
        look(service, 100)
        found["cold_s"] = seconds(lambda: service.want([one]), lambda: blocks(service))
        found["jumps_s"] = [jump(service, plane) for plane in JUMPS]
        before = loaded(service)
        found["second_checkpoint_s"] = seconds(
            lambda: service.want([one, other]), lambda: loaded(service) > before
        )
        if whole:
            service.want([one])
            wait(lambda: scores(service), 3600)
            worker = psutil.Process(service.folder.status().pid)
            found["whole_cpu_s"] = round(sum(worker.cpu_times()[:2]), 1)
            found["memory_mb"] = round(worker.memory_info().rss / 2**20)
    finally:
        service.close()
    return found


def request(project: Path, name: str) -> PredictionRequest:
    """Return the wish for a new checkpoint on the tomogram."""
    plan = make_plan(
        DataSummary(VOXEL_SIZE_A, DIAMETER_A, DIAMETER_A, 20, SHAPE),
        TrainingSettings(),
        DeviceInfo(),
    ).model_copy(update={"precision": "float32"})
    net = UNet3d(1, plan.width, levels=plan.levels, stem=plan.stem)
    state = pack(
        task="tomogram",
        plan=plan,
        classes=(ParticleClass("particle", DIAMETER_A),),
        voxel_size_A=VOXEL_SIZE_A,
        thresholds={"particle": 0.5},
        ema=net.state_dict(),
        training={},
        device="cpu",
    )
    path = project / f"{name}.pt"
    torch.save(state, path)
    return PredictionRequest(CheckpointRef.of_file(path), "noise", str(project / "noise.mrc"))


def look(service: PredictionService, plane: int) -> None:
    """Look at a slice."""
    _, y, x = SHAPE
    service.look(
        FocusBox(
            sample="noise", center_zyx=(plane, y / 2, x / 2), lo_zyx=(plane, 0, 0),
            hi_zyx=(plane, y, x),
        )
    )  # fmt: skip


def jump(service: PredictionService, plane: int) -> float:
    """Return the seconds from a look elsewhere to a block there."""

    def answered() -> bool:
        thin = [b for b in blocks(service) if b.shape_zyx[0] <= 3]
        bins = [e.bin for e in events(service) if isinstance(e, ev.Preview)]
        return any(b.lo_zyx[0] - 1 <= plane / bins[0] <= b.lo_zyx[0] + b.shape_zyx[0] for b in thin)

    return seconds(lambda: look(service, plane), answered)


def events(service: PredictionService) -> list[ev.Event]:
    """Return all that the process said."""
    folder = service.folder
    return [] if folder is None else EventReader(folder.events_path).read_new()


def blocks(service: PredictionService) -> list[ev.Block]:
    """Return the blocks so far."""
    return [event for event in events(service) if isinstance(event, ev.Block)]


def loaded(service: PredictionService) -> int:
    """Return of how many checkpoints there are blocks."""
    return len({block.checkpoint for block in blocks(service)})


def scores(service: PredictionService) -> bool:
    """Return whether a tomogram is predicted whole."""
    return any(isinstance(event, ev.Scores) for event in events(service))


def seconds(action: Callable[[], object], answered: Callable[[], object]) -> float:
    """Return the seconds from an action to its answer."""
    began = time.monotonic()
    action()
    wait(answered, 600)
    return round(time.monotonic() - began, 2)


def wait(condition: Callable[[], object], timeout_s: float) -> None:
    """Wait until something holds."""
    never, deadline = threading.Event(), time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("waited in vain")
        never.wait(POLL_S)


if __name__ == "__main__":
    main()
