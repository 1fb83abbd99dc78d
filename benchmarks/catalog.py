"""What the catalogue of scores costs: opening a project of many runs, then following them.

    python benchmarks/catalog.py

50 runs of 5,000 events each, as a training writes them (steps, previews of 40 checkpoints in 60
blocks, validations, checkpoints), and 200 background predictions.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from tomoscribe.project.source import DataSource
from tomoscribe.training import events as ev
from tomoscribe.training.catalog import Catalog
from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.config import RunConfig
from tomoscribe.training.file_stamp import FileStamp
from tomoscribe.training.prediction_folder import PredictionControl, PredictionFolder
from tomoscribe.training.run import RunFolder

if TYPE_CHECKING:
    from collections.abc import Callable

SHAPE = [100, 232, 232]
CHECKPOINTS = 40
BLOCKS = 60
KEPT = 5
SIZE = 32


def main() -> None:
    """Print CPU-seconds of the first poll, and CPU-ms of what comes after."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=50)
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--predictions", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        runs = [write_run(project, i, options.events) for i in range(options.runs)]
        write_predictions(project, runs[0], options.predictions)
        print(json.dumps(measure(project, runs)))


def measure(project: Path, runs: list[RunFolder]) -> dict[str, float]:
    """Return what each part costs."""
    catalog = Catalog(project)
    found = {"first_poll_s": _seconds(catalog.poll)}
    found["idle_poll_ms"] = 1e3 * float(np.median([_seconds(catalog.poll) for _ in range(50)]))
    news = []
    for i in range(50):
        runs[-1].append_event(_block("step_000039", i))
        news.append(_seconds(catalog.poll))
    found["poll_with_news_ms"] = 1e3 * float(np.median(news))
    ref = CheckpointRef.of_run(runs[0], "step_000039")
    found["find_ms"] = 1e3 * _seconds(lambda: catalog.find(ref, "sample"))
    found["find_again_ms"] = 1e3 * _seconds(lambda: catalog.find(ref, "sample"))
    found["checkpoints_of_a_run_ms"] = 1e3 * _seconds(lambda: catalog.checkpoints(runs[0].path))
    found["all_checkpoints_ms"] = 1e3 * _seconds(catalog.checkpoints)
    found["all_checkpoints_again_ms"] = 1e3 * _seconds(catalog.checkpoints)
    catalog._checked = -np.inf
    found["poll_with_check_of_files_ms"] = 1e3 * _seconds(catalog.poll)
    return {key: round(value, 3) for key, value in found.items()}


def write_run(project: Path, number: int, count: int) -> RunFolder:
    """Write a run of `count` events, most of them steps and blocks."""
    run = RunFolder.create(
        project / "runs", RunConfig(data=DataSource(path=project)), f"run_{number:03d}"
    )
    run.checkpoint_path("").parent.mkdir()
    lines: list[ev.Event] = []
    for i in range(CHECKPOINTS):
        name = f"step_{i:06d}"
        path = run.checkpoint_path(name)
        if i >= CHECKPOINTS - KEPT:
            path.write_bytes(b"weights")
        lines.append(ev.Validation(time=i, step=i, score=0.5, metrics={"f1": 0.5}))
        lines.append(ev.Checkpoint(time=i, step=i, name=name, path=run.relative(path), score=0.5))
        lines.append(
            ev.Preview(
                time=i, step=i, checkpoint=name, sample="sample",
                path=run.relative(run.preview_path(name, "sample")), shape_zyx=SHAPE, bin=2,
                class_names=["ribosome"],
            )
        )  # fmt: skip
        lines += [_block(name, b) for b in range(BLOCKS)]
    steps = max(count - len(lines), 0)
    step = ev.Step(time=0, step=1, loss=0.1, learning_rate=1e-3, elapsed_s=1.0, budget_s=60.0)
    encoded = [msgspec.json.encode(event) for event in [step] * steps + lines]
    run.events_path.write_bytes(b"\n".join(encoded) + b"\n")
    return run


def write_predictions(project: Path, run: RunFolder, count: int) -> None:
    """Write predictions of one checkpoint after the other, as one viewer leaves them."""
    folder = PredictionFolder.make(project, PredictionControl())
    for i in range(count):
        name = f"x{i}"
        weights = run.checkpoint_path(f"step_{CHECKPOINTS - 1 - i % KEPT:06d}")
        log = folder.preview_path(name, f"s{i}")
        log.parent.mkdir(parents=True)
        log.write_bytes(b"scores")
        folder.append_event(
            ev.Loaded(
                time=0, checkpoint=name, wish="w", file=FileStamp.of(weights, project),
                task="tomogram", kind="volume", voxel_size_A=10.0, class_names=["ribosome"],
                diameters_A=[100.0], thresholds={"ribosome": 0.4},
            )
        )  # fmt: skip
        folder.append_event(
            ev.Preview(
                time=0, checkpoint=name, sample=f"s{i}", path=folder.relative(log),
                shape_zyx=SHAPE, bin=2, class_names=["ribosome"],
            )
        )  # fmt: skip


def _block(name: str, number: int) -> ev.Block:
    z, y, x = number // 64 % 4, number // 8 % 8, number % 8
    return ev.Block(
        time=0, step=1, checkpoint=name, sample="sample", offset=1 + number,
        lo_zyx=[z * SIZE, y * SIZE, x * SIZE], shape_zyx=[SIZE] * 3,
    )  # fmt: skip


def _seconds(action: Callable[[], object]) -> float:
    began = time.process_time()
    action()
    return time.process_time() - began


if __name__ == "__main__":
    main()
