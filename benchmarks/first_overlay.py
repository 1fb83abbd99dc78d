"""Seconds from Train to the first block of a segmentation on disk, and from Stop to the end.

`python benchmarks/first_overlay.py` paints eight strokes a class on two sections of a simulated EM
volume of 48×192×192 voxels and starts a real worker, as the viewer's button does. Nobody looks, so
the block is of the middle section. The viewer itself is not part of it.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.project.source import DataSource
from tomoscribe.simulate.labels_files import make_labels_project
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.training import launch
from tomoscribe.training.config import RunConfig
from tomoscribe.training.events import Block, Started

if TYPE_CHECKING:
    from tomoscribe.training.run import RunFolder

LOOK_S = 0.05


def seconds_until(run: RunFolder, kind: type, began: float) -> float:
    """Return when a run told an event of that kind, in seconds since `began`."""
    while not any(isinstance(event, kind) for event in run.events()):
        time.sleep(LOOK_S)
    return time.perf_counter() - began


def main() -> None:
    """Measure each task as often as asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=3)
    asked = parser.parse_args()
    print("| task | worker trains after, s | first block after, s | stop to end, s |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "project"
        make_labels_project(folder, 0, strokes=8)
        for task in ("semantic", "instance"):
            for _ in range(asked.times):
                config = RunConfig(
                    task=task,
                    data=DataSource(kind="project", path=folder),
                    settings=TrainingSettings(max_minutes=2),
                )
                began = time.perf_counter()
                run = launch.launch(config, folder / "runs")
                trains = seconds_until(run, Started, began)
                block = seconds_until(run, Block, began)
                stop = time.perf_counter()
                launch.stop(run)
                ended = time.perf_counter() - stop
                print(f"| {task} | {trains:.1f} | {block:.1f} | {ended:.1f} |", flush=True)


if __name__ == "__main__":
    main()
