"""How long a project of hundreds takes to open, and what going through it costs the viewer.

`xvfb-run -a python benchmarks/open_project.py` makes a project of 300 tomograms with 100 picks
each, entries of 900 membranes and 50 runs, opens it in the real viewer, then types, scrolls and
clicks in the dock Project. It prints wall and CPU milliseconds of the viewer's own thread.
"""

from __future__ import annotations

import gc
import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import numpy as np
import typer
from qtpy.QtCore import QEvent, QEventLoop, QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QDockWidget

from tomoscribe.io.volumes import write_mrc
from tomoscribe.project.model import MembraneEntry, ParticleClass
from tomoscribe.project.source import DataSource
from tomoscribe.project.store import Project
from tomoscribe.training import events as ev
from tomoscribe.training.config import RunConfig
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import State, Status
from tomoscribe.ui.app import open_viewer
from tomoscribe.ui.project.project_dock import ProjectDock
from tomoscribe.ui.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

SHAPE = (100, 232, 232)
VOXEL_A = 13.7
STEPS = 400
"""Step events of a run; one of five minutes has some 1,200."""

AFTER_S = 8.0
"""Seconds after opening in which the longest block is sought: runs are listed, pictures made."""


@dataclass
class Cost:
    """Milliseconds of the viewer's thread, one a time that something was done."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def measure(self, act: Callable[[], object]) -> None:
        """Do something and let Qt finish it."""
        wall, cpu = time.perf_counter(), time.thread_time()
        act()
        QApplication.sendPostedEvents()
        QApplication.processEvents()
        self.wall.append(1000 * (time.perf_counter() - wall))
        self.cpu.append(1000 * (time.thread_time() - cpu))

    def line(self, what: str) -> str:
        """Return a line of the table."""
        wall, cpu = np.array(self.wall), np.array(self.cpu)
        return (
            f"{what:34} wall {np.median(wall):7.1f} worst {wall.max():7.1f}   "
            f"CPU {np.median(cpu):7.1f} worst {cpu.max():7.1f} ms"
        )


def make_project(folder: Path, tomograms: int, picks: int, membranes: int, runs: int) -> Path:
    """Write the project; its tomograms are links to one file, which is read as many."""
    rng = np.random.default_rng(0)
    volume = rng.normal(size=SHAPE).astype(np.float32)
    write_mrc(folder / "0.mrc", volume, VOXEL_A)
    for number in range(1, tomograms):
        os.link(folder / "0.mrc", folder / f"{number}.mrc")
    project = Project.create(folder / "project")
    project.set_classes([ParticleClass("a", 250.0), ParticleClass("b", 150.0, "#56b4e9")])
    entries = project.add_opened((str(folder / f"{n}.mrc"), VOXEL_A) for n in range(tomograms))
    for number, entry in enumerate(entries):
        places = rng.uniform(0, 1, (picks, 3)) * SHAPE
        project.edit(entry.name, entry.picks.make_add(places, "ab"[number % 2]))
        for part in range(membranes):
            name = f"{entry.name}_m{part}"
            path = project.membranes_dir / f"{name}.h5"
            project.membranes[name] = MembraneEntry(name, path, entry.name)
    project.set_role(entries[-1].name, project.tomograms[entries[-1].name].role)
    for number in range(runs):
        make_run(project, f"run_{number:03d}")
    project.close()
    return project.path


def make_run(project: Project, name: str) -> None:
    """Write an ended run with a curve and ten checkpoints without weights."""
    data = DataSource(kind="project", path=project.path)
    run = RunFolder.create(project.runs_dir, RunConfig(data=data), name)
    now, lines = time.time(), []
    for step in range(STEPS):
        lines.append(ev.Step(time=now, step=step, loss=1 / (step + 1), learning_rate=1e-3,
                             elapsed_s=float(step), budget_s=float(STEPS)))  # fmt: skip
        if step % 40 == 39:
            path = run.checkpoint_path(f"step_{step:06d}")
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(b"weights")
            metrics = {"f1": 0.8, "threshold": 0.5}
            lines.append(ev.Validation(time=now, step=step, score=0.8, metrics=metrics))
            lines.append(ev.Checkpoint(time=now, step=step, name=path.stem,
                                       path=run.relative(path), score=0.8))  # fmt: skip
    lines.append(ev.Finished(time=now, step=STEPS, reason="time", best="step_000399"))
    run.events_path.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    status = Status(state=State.FINISHED, pid=1, process_started=now, host="elsewhere",
                    device="cpu", heartbeat=now, step=STEPS, control_revision=0)  # fmt: skip
    run.write_status(status)


def longest_block(seconds: float) -> tuple[float, float]:
    """Let Qt work; return wall and CPU ms of the longest time that it did not come back."""
    worst_wall = worst_cpu = 0.0
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        wall, cpu = time.perf_counter(), time.thread_time()
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, 1)
        worst_wall = max(worst_wall, 1000 * (time.perf_counter() - wall))
        worst_cpu = max(worst_cpu, 1000 * (time.thread_time() - cpu))
        time.sleep(0.001)
    return worst_wall, worst_cpu


def scroll(dock: ProjectDock) -> None:
    """Turn the wheel by one notch over the list."""
    view = dock.list.viewport()
    at = QPointF(100, 100)
    event = QWheelEvent(at, QPointF(view.mapToGlobal(at.toPoint())), QPoint(), QPoint(0, -120),
                        Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
                        Qt.ScrollPhase.NoScrollPhase, False)  # fmt: skip
    QApplication.sendEvent(view, event)


def click(dock: ProjectDock, *, role: bool) -> None:
    """Click the fourth row in view, or its button for the role."""
    rows = dock.list.rows_in_view()
    row = rows[min(3, len(rows) - 1)]
    rect = dock.list.visualRect(dock.model.place(row.name))
    at = dock.list.painter_of_rows.button_rect(rect).center() if role else rect.center()
    QTest.mouseClick(dock.list.viewport(), Qt.MouseButton.LeftButton, pos=at)


def main(
    tomograms: Annotated[int, typer.Option(help="Tomograms.")] = 300,
    picks: Annotated[int, typer.Option(help="Picks in each.")] = 100,
    membranes: Annotated[int, typer.Option(help="Membranes of each.")] = 3,
    runs: Annotated[int, typer.Option(help="Runs.")] = 50,
) -> None:
    """Make the project, open it, and go through it."""
    with tempfile.TemporaryDirectory() as name:
        os.environ["TOMOSCRIBE_STATE_DIR"] = f"{name}/state"
        path = make_project(Path(name), tomograms, picks, membranes, runs)
        viewer = open_viewer()
        longest_block(3.0)
        gc.collect()
        gc.freeze()  # as `tomoscribe open` does
        session = Session.of(viewer)
        opening = Cost()
        opening.measure(lambda: session.open_project(path))
        assert session.layer is not None
        typer.echo(opening.line("open, to the first picture"))
        wall, cpu = longest_block(AFTER_S)
        typer.echo(f"{'longest block in the next ' + f'{AFTER_S:.0f} s':34} wall {wall:7.1f}"
                   f"{'':18}CPU {cpu:7.1f} ms")  # fmt: skip
        window = viewer.window._qt_window
        dock = window.findChild(ProjectDock)
        next(d for d in window.findChildren(QDockWidget) if d.windowTitle() == "Project").raise_()
        longest_block(2.0)
        go_through(dock)
        dock.list.verticalScrollBar().setValue(0)
        again = Cost()
        again.measure(lambda: session.open_project(path))
        typer.echo(again.line("open again"))
        viewer.close()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def go_through(dock: ProjectDock) -> None:
    """Type, scroll, click roles, and show tomograms, with pictures being made meanwhile."""
    scrolling, typing, roles, showing = Cost(), Cost(), Cost(), Cost()
    for _ in range(60):
        scrolling.measure(lambda: scroll(dock))
    typer.echo(scrolling.line("a notch of the wheel"))
    for letter in "29\b\b1\b":
        key = Qt.Key.Key_Backspace if letter == "\b" else letter
        typing.measure(lambda key=key: QTest.keyClick(dock.search, key))  # type: ignore[misc]
    typer.echo(typing.line("a letter in the search field"))
    for _ in range(6):
        roles.measure(lambda: click(dock, role=True))
    typer.echo(roles.line("a click on a role"))
    for _ in range(5):
        scroll(dock)
        showing.measure(lambda: click(dock, role=False))
        wall, cpu = longest_block(1.0)
        showing.wall[-1] = max(wall, showing.wall[-1])
        showing.cpu[-1] = max(cpu, showing.cpu[-1])
    typer.echo(showing.line("another tomogram, longest block"))


if __name__ == "__main__":
    typer.run(main)
