"""What switching checkpoints in Compare costs the viewer's own thread.

`xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/compare_switch.py FOLDER` makes a project
with a run of a few checkpoints on a large tomogram, or with `--mesh` on a membrane, and prints
CPU-ms of the GUI thread from the choice to the pixels, and the longest turn of its event loop.
What drawing itself takes where there is no graphics card is left out.
"""

from __future__ import annotations

import time
from pathlib import Path  # noqa: TC003  (typer reads it)
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer
from qtpy.QtWidgets import QApplication
from vispy.gloo import gl  # type: ignore[import-untyped]  # it has no types

from mesh_paint import sphere
from tomoscribe.io.volumes import write_mrc
from tomoscribe.membranes.membrane import make_membrane, save_membrane
from tomoscribe.project.model import ParticleClass
from tomoscribe.project.source import DataSource
from tomoscribe.project.store import Project
from tomoscribe.training import events as ev
from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.training.config import RunConfig
from tomoscribe.training.previews import BlockLog
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import State, Status
from tomoscribe.ui.app import open_viewer
from tomoscribe.ui.compare.compare_dock import CompareDock
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    import napari
    from napari._vispy.canvas import VispyCanvas

SHAPE_ZYX = (200, 464, 464)
MESH_SHAPE = (128, 128, 128)
CHECKPOINTS = 4
ROUNDS = 6
WINDOW = (1600, 1000)
VOXEL_SIZE_A = 10.0
SLAB = 40
"""Slices of the grid in one block."""


def tomogram_project(folder: Path) -> Project:
    """Return a project with a tomogram of noise."""
    volume = np.random.default_rng(0).normal(size=SHAPE_ZYX).astype(np.float32)
    write_mrc(folder / "t.mrc", volume, VOXEL_SIZE_A)
    project = Project.create(folder / "project")
    project.add_class(ParticleClass("particle", 150.0))
    project.add_tomogram(folder / "t.mrc")
    return project


def mesh_project(folder: Path, vertices: int) -> Project:
    """Return a project with a sphere in noise."""
    volume = np.random.default_rng(0).normal(size=MESH_SHAPE).astype(np.float32)
    write_mrc(folder / "t.mrc", volume, VOXEL_SIZE_A)
    membrane = make_membrane(
        "ball", sphere(vertices), volume, VOXEL_SIZE_A, tomogram=str(folder / "t.mrc")
    )
    save_membrane(folder / "ball.h5", membrane)
    project = Project.create(folder / "project")
    project.add_class(ParticleClass("particle", 100.0))
    project.add_tomogram(folder / "t.mrc")
    project.add_membrane(folder / "ball.h5", "t")
    return project


def scores(shape: tuple[int, int, int], step: int) -> np.ndarray:
    """Return scores (1, z, y, x) with bumps that grow with the step."""
    rng = np.random.default_rng(step)
    found = rng.random(shape, dtype=np.float32) ** 8 * 0.3
    if shape[0] == 1:
        found[..., :: max(shape[2] // 200, 1)] = 0.2 * step
        return found[None]
    z, y, x = np.ogrid[-7:8, -7:8, -7:8]
    bump = np.exp(-(z**2 + y**2 + x**2) / 20).astype(np.float32) * (0.2 * step)
    for place in np.random.default_rng(7).integers(8, np.array(shape) - 8, (400, 3)):
        region = tuple(slice(p - 7, p + 8) for p in place)
        found[region] = np.maximum(found[region], bump)
    return found[None]


def write_run(project: Project, sample: str, shape: tuple[int, int, int], kind: str) -> RunFolder:
    """Write a finished run with previews, as a worker does."""
    run = RunFolder.create(
        project.runs_dir, RunConfig(data=DataSource(kind="project", path=project.path)), "run"
    )
    now = time.time()
    for step in range(1, CHECKPOINTS + 1):
        name = f"step_{step:06d}"
        path, log = run.checkpoint_path(name), run.preview_path(name, sample)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"no weights")
        BlockLog(log).create()
        run.append_event(ev.Checkpoint(time=now, step=step, name=name, path=run.relative(path)))
        run.append_event(
            ev.Preview(
                time=now, step=step, checkpoint=name, sample=sample, path=run.relative(log),
                shape_zyx=list(shape), bin=1, class_names=["particle"], kind=kind,
            )
        )  # fmt: skip
        made = scores(shape, step)
        for lo in range(0, shape[0], SLAB):
            block = made[:, lo : lo + SLAB]
            offset = BlockLog(log).append((lo, 0, 0), block)
            run.append_event(
                ev.Block(
                    time=now, step=step, checkpoint=name, sample=sample, offset=offset,
                    lo_zyx=[lo, 0, 0], shape_zyx=list(block.shape[1:]),
                )
            )  # fmt: skip
    run.append_event(ev.Finished(time=now, step=CHECKPOINTS, reason="steps"))
    run.write_status(Status(state=State.FINISHED, host="benchmark", heartbeat=now))
    return run


class Watch:
    """Times turns of the event loop in the GUI thread, by its own CPU time.

    Without a graphics card the GUI thread draws, too; that share is counted apart.
    """

    def __init__(self, viewer: napari.Viewer) -> None:
        self.painted = 0
        self.drawing = 0.0
        for name in ("glDrawArrays", "glDrawElements", "glFinish", "glFlush"):
            setattr(gl, name, self._timed(getattr(gl, name)))
        self.look_at(viewer.window._qt_viewer.canvas)

    def look_at(self, canvas: VispyCanvas) -> None:
        """Count what is painted on this canvas, too."""
        canvas._scene_canvas.events.draw.connect(self._on_draw, position="last")

    def _timed(self, draw: Callable[..., object]) -> Callable[..., object]:
        def timed(*arguments: object) -> object:
            start = time.thread_time()
            try:
                return draw(*arguments)
            finally:
                self.drawing += time.thread_time() - start

        return timed

    def _on_draw(self, _: object) -> None:
        self.painted += 1

    def until(self, condition: Callable[[], object], seconds: float = 120.0) -> list[float]:
        """Let Qt work until the condition holds; return the CPU-ms of each turn."""
        end, turns = time.monotonic() + seconds, []
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("waited in vain")
            start = time.thread_time() - self.drawing
            QApplication.processEvents()
            turns.append(1e3 * (time.thread_time() - self.drawing - start))
            time.sleep(0.002)
        return turns

    def switch(self, act: Callable[[], None], shown: Callable[[], object]) -> tuple[float, float]:
        """Return the CPU-ms from an action to its pixels, and of the longest turn among them."""
        before = self.painted
        start = time.thread_time() - self.drawing
        act()
        first = 1e3 * (time.thread_time() - self.drawing - start)
        turns = self.until(lambda: shown() and self.painted > before)
        return first + sum(turns), max(first, *turns)


class Case:
    """A window on a project whose run has been predicted at all its checkpoints."""

    def __init__(self, folder: Path, mesh: int) -> None:
        project = mesh_project(folder, mesh) if mesh else tomogram_project(folder)
        self.viewer = open_viewer()
        window = self.viewer.window._qt_window
        window.resize(*WINDOW)
        window.show()
        self.session, self.watch = Session.of(self.viewer), Watch(self.viewer)
        self.session.set_project(project)
        self.shape, sample = SHAPE_ZYX, "t"
        if mesh:
            self.watch.until(lambda: self.session.membrane is not None)
            self.session.actions["toggle_plane"]()
            assert self.session.membrane is not None
            self.shape, sample = (1, 1, len(self.session.membrane.mesh.vertices_zyx)), "ball"
        run = write_run(project, sample, self.shape, "mesh" if mesh else "volume")
        dock = window.findChild(CompareDock)
        assert dock is not None
        self.dock = dock
        self.dock.parentWidget().raise_()
        self.session.run = run
        self.sides, self.heat = Sides.of(self.session), RunMonitor.of(self.session).feed
        self.watch.until(lambda: len(self.sides.side("b").stops) == CHECKPOINTS)
        self.refs = [CheckpointRef.of_run(run, f"step_{i:06d}") for i in range(1, CHECKPOINTS + 1)]

    def shows(self, ref: CheckpointRef) -> Callable[[], bool]:
        """Return a function that tells whether a checkpoint is in view."""
        return lambda: self.heat.layer.shown == ref.source

    def choose(self, refs: list[CheckpointRef]) -> list[tuple[float, float]]:
        """Look at checkpoints in turn, each once the proposals of the one before are there."""
        found = []
        for ref in refs:
            found.append(
                self.watch.switch(lambda r=ref: self.sides.choose("b", r), self.shows(ref))
            )
            self.watch.until(lambda: not self.dock.review.busy)
        return found

    def blink(self) -> list[tuple[float, float]]:
        """Blink between the first and the last checkpoint."""
        self.sides.choose("a", self.refs[0])
        self.sides.choose("b", self.refs[-1])
        self.sides.set_mode("a")
        self.watch.until(self.shows(self.refs[0]))
        found = [self.watch.switch(lambda: self.sides.set_mode("blink"), self.shows(self.refs[-1]))]
        for i in range(2 * ROUNDS):
            shown = self.shows(self.refs[0 if i % 2 == 0 else -1])
            found.append(self.watch.switch(self.sides.flip, shown))
        return found

    def differ(self) -> tuple[float, float]:
        """Show the difference, and go back to B."""
        self.show_b()
        found = self.watch.switch(
            lambda: self.sides.set_mode("difference"), lambda: self.heat.layer.shows_difference
        )
        self.show_b()
        return found

    def show_b(self) -> None:
        """Show the last checkpoint, alone."""
        self.sides.set_mode("b")
        self.watch.until(self.shows(self.refs[-1]))

    def part(self) -> tuple[tuple[float, float], float]:
        """Open the second canvas; return what it took and the longest turn after it was seen."""
        panel = self.dock.sides_panel
        found = self.watch.switch(
            lambda: self.sides.set_mode("side_by_side"),
            lambda: (view := panel.second_canvas.view) and view.isVisible(),
        )
        settled = self.watch.until(
            lambda: panel.showing.scores("b") is not None and not self.dock.review.busy
        )
        return found, max(settled, default=0.0)

    def move(self) -> list[tuple[float, float]]:
        """Move B on the second canvas."""
        second = self.dock.sides_panel.second_canvas.view
        assert second is not None
        self.watch.look_at(second.canvas)
        refs = (self.refs * ROUNDS)[: 2 * ROUNDS]
        return [
            self.watch.switch(lambda r=ref: self.sides.choose("b", r), lambda: True) for ref in refs
        ]


def main(
    folder: Annotated[Path, typer.Argument(help="New folder for the case.")],
    mesh: Annotated[int, typer.Option(help="Vertices of a membrane instead of a tomogram.")] = 0,
) -> None:
    """Measure."""
    folder.mkdir(parents=True, exist_ok=True)
    case = Case(folder, mesh)
    first, again = case.choose(case.refs), case.choose(case.refs * ROUNDS)
    flips, differ = case.blink(), case.differ()
    beside, settled = case.part()
    moves = case.move()
    what = f"{case.shape[2]} vertices" if mesh else "x".join(map(str, case.shape))
    print(f"{what}: CPU-ms of the GUI thread to the pixels (longest turn of the event loop)")
    for name, found in (
        ("first look, read from disk", first), ("switching again", again), ("blinking", flips),
        ("difference", [differ]), ("side by side, first time", [beside]),
        ("moving B side by side", moves),
    ):  # fmt: skip
        total, longest = np.median([f[0] for f in found]), max(f[1] for f in found)
        print(f"{name:28s} median {total:6.1f}   worst {max(f[0] for f in found):6.1f}"
              f"   longest turn {longest:6.1f}")  # fmt: skip
    print(f"after side by side, longest turn {settled:.1f}")
    case.session.close_project()
    case.viewer.close()


if __name__ == "__main__":
    typer.run(main)
