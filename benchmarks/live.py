"""How live a training is: the real worker, the real viewer, a tomogram of 200 x 464 x 464 voxels.

Prints seconds to the first preview, from disk to pixels, after a jump and after Stop, the stalls
of the viewer's event loop and whose they were, and the previews' share of the training time.
Wall time counts what other programs do meanwhile; CPU time of the viewer's thread does not.

    OMP_NUM_THREADS=1 xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/live.py
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from filelock import FileLock
from qtpy.QtTest import QTest
from rich.console import Console
from rich.table import Table

from cases import DEFAULT_ROOT
from live_probe import Jump, Probe
from tomoscribe.io.volumes import write_mrc
from tomoscribe.project.model import ParticleClass, Role
from tomoscribe.project.store import Project
from tomoscribe.simulate.case import read_truth, write_truth
from tomoscribe.simulate.sample import make_sample
from tomoscribe.tasks.settings import TrainingSettings
from tomoscribe.training import events as ev
from tomoscribe.training import launch, process
from tomoscribe.ui.app import open_viewer
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.starter import Starter
from tomoscribe.ui.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari

    from tomoscribe.training.run import RunFolder

SHAPE_ZYX = (200, 464, 464)
TARGET, DIAMETER_A, VOXEL_A = "ribosome", 250.0, 10.0
WINDOW = (1600, 1000)
WORKER_S = 180.0
JUMP_EVERY_S = 6.0
SETTLE_S = 15.0
"""Of training without a jump, before the first one."""

console = Console(width=130)


class Row(NamedTuple):
    """A line of the table."""

    what: str
    ask: str
    measured: str


def make_tomogram(folder: Path) -> Path:
    """Return the simulated tomogram, made on first use (about two minutes); its truth is beside."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "big.mrc"
    with FileLock(folder / "live.lock"):
        if not (folder / "big.csv").exists():
            sample = make_sample(0, "particles", SHAPE_ZYX)
            write_mrc(path, sample.volume, sample.voxel_size_A)
            write_truth(sample, folder, "big")
    return path


def make_project(folder: Path, tomogram: Path, clicks: int) -> None:
    """Make a project with one tomogram and some of its particles clicked."""
    truth = read_truth(tomogram.with_suffix(".csv"))[TARGET]
    chosen = truth[np.random.default_rng(0).permutation(len(truth))[:clicks]]
    project = Project.create(folder)
    project.add_class(ParticleClass(TARGET, DIAMETER_A))
    entry = project.add_tomogram(tomogram, name="big", voxel_size_A=VOXEL_A, role=Role.TRAIN)
    project.edit("big", entry.picks.make_add(chosen, TARGET))
    project.close()


class LiveRun:
    """One training in the viewer, measured."""

    def __init__(self, viewer: napari.Viewer, probe: Probe, settings: TrainingSettings) -> None:
        self.viewer, self.probe = viewer, probe
        self.session = Session.of(viewer)
        self.monitor = RunMonitor.of(self.session)
        self.starter = Starter.of(self.session)
        self.starter.settings = settings
        self.load: list[float] = []

    def wait(self, condition: Callable[[], object], what: str, seconds: float) -> None:
        """Let Qt work until the condition holds.

        Raises
        ------
        TimeoutError
            If it does not in time.
        """
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError(f"waited {seconds:.0f} s in vain for {what}")
            QTest.qWait(20)

    def train(self, seconds: float) -> RunFolder:
        """Start, look around for a while, and leave the training running."""
        self.starter.start()
        self.wait(lambda: self.monitor.record.block_counts, "the first block", WORKER_S)
        run = self.monitor.run
        assert run is not None
        self.wait(lambda: self.probe.flushes, "its pixels", 20)
        self.probe.watch_loop()
        generator = np.random.default_rng(1)
        end = time.monotonic() + seconds
        QTest.qWait(int(1000 * min(SETTLE_S, seconds / 4)))
        while time.monotonic() < end and self.monitor.alive:
            self.jump(generator)
            # Not in step with the training's steps or validations.
            QTest.qWait(int(1000 * JUMP_EVERY_S * generator.uniform(0.7, 1.3)))
            self.load.append(os.getloadavg()[0])
        self.probe.loop.stop()
        return run

    def jump(self, generator: np.random.Generator) -> None:
        """Show another slice, as the slider does."""
        z = int(generator.integers(10, SHAPE_ZYX[0] - 10))
        self.probe.jumps.append(Jump(z, time.time()))
        self.viewer.dims.set_point(0, z * VOXEL_A)

    def stop(self, run: RunFolder) -> float:
        """Return the seconds from the wish to stop to the end of the process."""
        began = time.monotonic()
        launch.request_stop(run)
        self.wait(lambda: is_gone(run), "the worker's end", 60)
        return time.monotonic() - began


def is_gone(run: RunFolder) -> bool:
    """Tell whether a run's process has ended."""
    status = run.status()
    return status is not None and not status.state.alive and process.is_gone(status)


def stop_while_validating(live: LiveRun, run: RunFolder) -> float:
    """Resume a run and stop it just before a validation ends: the worst moment."""
    child = launch.resume_as_child(run)
    live.session.run = child

    def validated() -> bool:
        return any(isinstance(e, ev.Validation) for e in child.events())

    live.wait(validated, "a validation", WORKER_S)
    # The next one begins when its pause is over; be early by nothing that we know of.
    seen = len([e for e in child.events() if isinstance(e, ev.Validation)])
    interval = live.starter.settings.validate_every_s
    QTest.qWait(int(1000 * interval) + 300)
    assert len([e for e in child.events() if isinstance(e, ev.Validation)]) >= seen
    return live.stop(child)


def report(live: LiveRun, run: RunFolder, stops: list[float]) -> list[Row]:
    """Return the table's lines."""
    probe, events = live.probe, run.events()
    started = next(e for e in events if isinstance(e, ev.Started))
    first = next(e.time for e in events if isinstance(e, ev.Block))
    steps = [e for e in events if isinstance(e, ev.Step)]
    pixels = np.array(probe.latencies)
    rows = [
        Row("first preview block after the worker is up", "10 s", f"{first - started.time:.1f} s"),
        Row(
            "block on disk to pixels",
            "median 250 ms",
            f"median {np.median(pixels) * 1000:.0f} ms, p90 {np.percentile(pixels, 90) * 1000:.0f}"
            f" ms, {len(pixels)} blocks",
        ),
        *loop_rows(probe),
        *jump_rows(probe, run, events),
        Row("Stop to process gone", "10 s", ", ".join(f"{s:.1f} s" for s in stops)),
    ]
    share = steps[-1].previews_s / max(steps[-1].elapsed_s, 1e-9)
    rows.append(Row("previews, share of the training time", "10 %", f"{share:.1%}"))
    gaps = np.diff([e.time for e in steps])
    each = gaps / np.maximum(np.diff([e.step for e in steps]), 1)
    rows.append(
        Row(
            "seconds a training step",
            "",
            f"median {np.median(each):.2f}, longest gap {gaps.max():.1f}",
        )
    )
    rows.append(
        Row(
            "the worker",
            "",
            f"{started.device}, {started.precision}, batch {started.plan['batch']}",
        )
    )
    load = np.array(live.load)
    rows.append(
        Row(
            "load average meanwhile",
            "",
            f"{load.mean():.1f} ({load.min():.1f}-{load.max():.1f}) on {os.cpu_count()} cores",
        )
    )
    return rows


def loop_rows(probe: Probe) -> list[Row]:
    """Return how long the event loop stood still, and for whom."""
    beats = np.array(probe.loop.late) * 1000
    rows = [
        Row(
            "event loop: a 10 ms timer comes late by",
            "",
            f"median {np.median(beats):.0f} ms, p99 {np.percentile(beats, 99):.0f} ms, "
            f"max {beats.max():.0f} ms, {len(beats)} beats",
        )
    ]
    for name, calls in probe.calls.items():
        wall, cpu = np.array(calls).T * 1000
        rows.append(
            Row(
                f"  {name}",
                "50 ms" if name.startswith("ours") else "",
                f"CPU p99 {np.percentile(cpu, 99):.0f} ms, max {cpu.max():.0f} ms; "
                f"wall p99 {np.percentile(wall, 99):.0f} ms, max {wall.max():.0f} ms; "
                f"{len(wall)} calls",
            )
        )
    return rows


def jump_rows(probe: Probe, run: RunFolder, events: list[ev.Event]) -> list[Row]:
    """Return what became of the jumps; all times from the moment the slider moved."""
    answers = [probe.answer(jump, run, events) for jump in probe.jumps[:-1]]
    answered = [a for a in answers if a is not None]
    if not answered:
        return [Row("jumps", "1 s", f"none of {len(answers)} answered")]

    def line(values: list[float]) -> str:
        array = np.array(values)
        return (
            f"median {np.median(array):.2f} s, p90 {np.percentile(array, 90):.2f} s, "
            f"max {array.max():.2f} s"
        )

    return [
        Row("jump: to the control file", "", line([a.written for a in answered])),
        Row("jump: first block of the slice on disk", "1 s", line([a.first for a in answered])),
        Row("jump: whole visible slice on disk", "1 s", line([a.whole for a in answered])),
        Row("jump: its first pixels", "", line([a.first_pixels for a in answered])),
        Row("jump: all its pixels", "", line([a.pixels for a in answered])),
        Row("jumps answered", "all", f"{len(answered)} of {len(answers)}"),
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, default=DEFAULT_ROOT / "live")
    parser.add_argument("--seconds", type=float, default=90.0, help="of live training")
    parser.add_argument("--clicks", type=int, default=22)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    tomogram = make_tomogram(options.cache)
    with tempfile.TemporaryDirectory(prefix="tomoscribe-live-") as folder:
        project = Path(folder) / "project"
        make_project(project, tomogram, options.clicks)
        probe = Probe()
        viewer = open_viewer()
        viewer.window._qt_window.resize(*WINDOW)
        Session.of(viewer).open_project(project)
        QTest.qWait(1000)
        viewer.reset_view()
        live = LiveRun(viewer, probe, TrainingSettings(max_minutes=15, device=options.device))
        try:
            run = live.train(options.seconds)
            stops = [live.stop(run)]
            stops.append(stop_while_validating(live, run))
            rows = report(live, run, stops)
        finally:
            for info in launch.list_runs(project / "runs"):
                launch.kill(info.run)
            RunMonitor.of(live.session).close()
            viewer.close()
            QTest.qWait(200)
    table = Table("", "ask", "measured", title="Live training", title_justify="left")
    for row in rows:
        table.add_row(*row)
    console.print(table)


if __name__ == "__main__":
    main()
