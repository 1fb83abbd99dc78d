"""Whether brush and scrolling stay smooth while a segmentation trains, and how long it takes.

`xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/painting_stalls.py` paints and scrolls
with real mouse events in the real viewer on the simulated EM volume of 48×192×192 voxels, presses
Train, waits for the first overlay while it goes on painting, and presses Stop: before, during and
after. The worker is a real one. It prints CPU milliseconds of the viewer's thread for the worst
turns of its event loop, every turn above 50 ms on this program's account, and seconds from Train to
the first overlay in the viewer and from Stop to the end of the worker.
"""

from __future__ import annotations

import gc
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import napari
import numpy as np
import typer
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent, QWheelEvent
from qtpy.QtWidgets import QApplication

from stall_watch import OURS, StallWatch
from tomoscribe.simulate.labels import SHAPE_ZYX
from tomoscribe.simulate.labels_files import make_labels_project
from tomoscribe.training.events import Block, Finished, Started
from tomoscribe.ui.app import add_docks
from tomoscribe.ui.labels.mode import LabelMode
from tomoscribe.ui.labels.painter import LabelPainter
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.run_strip import RunStrip
from tomoscribe.ui.runs.train_dock import TrainDock
from tomoscribe.ui.segments.segments import Segments
from viewer_stalls import WINDOW, TimedHands, line

if TYPE_CHECKING:
    from collections.abc import Callable

    from stall_watch import Turn

STALL_S = 0.05
FLOWS = ("before", "press Train", "starting", "training", "press Stop", "after")
MOVES = 12
"""Of the mouse, in a stroke."""
BRUSH = 8
WAIT_S = 180.0
SETTLE_S = 0.02
"""After each event; a mouse sends some fifty a second."""

LEFT, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton


class PaintingHands(TimedHands):
    """Hands with a brush and a wheel; each event is an act of its own.

    Attributes
    ----------
    look : callable
        Called after each turn of the loop.
    """

    look: Callable[[], None] = staticmethod(lambda: None)

    def spin(self) -> None:
        """Let the loop turn once, and look."""
        super().spin()
        self.look()

    def pixel(self, z: float, y: float, x: float) -> QPoint:
        """Return where on the canvas a voxel is."""
        assert self.session.layer is not None
        world = self.session.layer.data_to_world((z, y, x))
        mapped = self._canvas.view.scene.transform.map((world[-1], world[-2], 0, 1))
        return QPoint(round(mapped[0] / mapped[3]), round(mapped[1] / mapped[3]))

    def mouse(self, kind: QEvent.Type, at: QPoint, held: Qt.MouseButton) -> None:
        """Send a mouse event to the canvas."""
        native = self._canvas.native
        button = NONE if kind == QEvent.Type.MouseMove else LEFT
        event = QMouseEvent(kind, QPointF(at), QPointF(native.mapToGlobal(at)), button, held,
                            Qt.KeyboardModifier.NoModifier)  # fmt: skip
        self.act(lambda: QApplication.sendEvent(native, event), SETTLE_S)

    def stroke(self, start_yx: tuple[float, float], end_yx: tuple[float, float]) -> None:
        """Draw a stroke on the section in view."""
        z = float(self.viewer.dims.current_step[-3])
        start, end = self.pixel(z, *start_yx), self.pixel(z, *end_yx)
        self.mouse(QEvent.Type.MouseMove, start, NONE)
        self.mouse(QEvent.Type.MouseButtonPress, start, LEFT)
        for share in np.linspace(0, 1, MOVES)[1:]:
            self.mouse(QEvent.Type.MouseMove, start + (end - start) * float(share), LEFT)
        self.mouse(QEvent.Type.MouseButtonRelease, end, NONE)
        self.settle(0.2)

    def scroll(self, sections: int) -> None:
        """Turn the wheel with Ctrl, which goes through sections, a notch each."""
        native = self._canvas.native
        at = native.rect().center()
        for _ in range(abs(sections)):
            event = QWheelEvent(
                QPointF(at), QPointF(native.mapToGlobal(at)), QPoint(),
                QPoint(0, 120 if sections > 0 else -120), NONE,
                Qt.KeyboardModifier.ControlModifier, Qt.ScrollPhase.NoScrollPhase, False,
            )  # fmt: skip
            self.act(lambda e=event: QApplication.sendEvent(native, e), SETTLE_S)  # type: ignore[misc]


class Painting:
    """A user who paints and scrolls on, whatever the training does."""

    def __init__(self, viewer: napari.Viewer, watch: StallWatch, seed: int) -> None:
        self.hands = PaintingHands(viewer, watch)
        self.watch = watch
        self.session = self.hands.session
        self.monitor = RunMonitor.of(self.session)
        self.segments = Segments.of(self.session)
        self.painter = LabelPainter.of(self.session)
        self.rng = np.random.default_rng(seed)
        self.seconds: dict[str, float] = {}

    def open(self, folder: Path) -> None:
        """Open the project, ready to paint."""
        self.hands.act(lambda: self.session.open_project(folder))
        self.hands.wait(lambda: self.painter.copy is not None, "the labels")
        self.painter.choose(1)
        assert self.painter.layer is not None
        self.painter.layer.brush_size = BRUSH
        self.hands.settle(3.0)

    def round(self) -> None:
        """Paint two strokes of some class, and scroll there and back."""
        for _ in range(2):
            self.hands.act(lambda: self.painter.choose(int(self.rng.integers(0, 3))))
            start = self.rng.uniform(20, np.array(SHAPE_ZYX[1:]) - 60)
            end = start + self.rng.uniform(10, 40, 2)
            self.hands.stroke(tuple(start), tuple(end))
        self.hands.scroll(4)
        self.hands.scroll(-4)

    def overlaid(self) -> bool:
        """Tell whether a prediction of the section in view is drawn."""
        layer = self.monitor.feed.volume.layer
        objects = self.segments.layer.layer
        z = self.hands.viewer.dims.current_step[-3]
        scores = layer is not None and layer.visible and _any_at(layer.data, z)
        return scores or (objects is not None and objects.visible and _any_at(objects.data, z))

    def play(self, rounds: int, train_s: float) -> None:
        """Paint before, during and after a training."""
        self.watch.flow = "before"
        assert self.painter.copy is not None
        painted = self.painter.copy.values.copy()
        for _ in range(rounds):
            self.round()
        if np.array_equal(painted, self.painter.copy.values):
            raise RuntimeError("no stroke has painted anything")
        self.hands.raise_dock("Train")
        button = self.dock(TrainDock).train
        self.hands.wait(button.isEnabled, "the button Train")
        self.watch.flow = "press Train"
        pressed = time.time()
        self.hands.act(lambda: self.hands.click(button))
        self.watch.flow = "starting"
        self._until_overlay(pressed)
        self.watch.flow = "training"
        end = time.monotonic() + train_s
        while time.monotonic() < end:
            self.round()
        self.watch.flow = "press Stop"
        self._stop()
        self.watch.flow = "after"
        for _ in range(rounds):
            self.round()
        self.watch.flow = ""

    def dock(self, kind: type[TrainDock | RunStrip]) -> TrainDock | RunStrip:
        """Return a widget of the window."""
        found = self.hands.window.findChild(kind)
        assert found is not None, kind
        return found

    def _until_overlay(self, pressed: float) -> None:
        """Paint and look: what is awaited is the overlay of the section in view."""

        def look() -> None:
            if "Train to overlay" not in self.seconds and self.overlaid():
                self.seconds["Train to overlay"] = time.time() - pressed

        self.hands.look = look
        while "Train to overlay" not in self.seconds:
            if time.time() - pressed > WAIT_S:
                raise TimeoutError("waited in vain for an overlay")
            self.hands.stroke((40.0, 40.0), (60.0, 60.0))
        for what, kind in (("the worker trains", Started), ("its first block", Block)):
            told = next(e for e in self._events() if isinstance(e, kind))
            self.seconds[f"Train to {what}"] = told.time - pressed

    def _stop(self) -> None:
        pressed = time.time()
        strip = self.dock(RunStrip)
        self.hands.act(lambda: self.hands.click(strip.stop), 0.0)
        self.hands.wait(lambda: not self.monitor.alive, "the end of the worker")
        self.seconds["Stop to stopped in the viewer"] = time.time() - pressed
        finished = next(e for e in self._events() if isinstance(e, Finished))
        self.seconds["Stop to the worker's last word"] = finished.time - pressed

    def _events(self) -> list[object]:
        run = self.monitor.run
        assert run is not None
        return list(run.events())


def _any_at(values: np.ndarray, z: int) -> bool:
    return z < values.shape[0] and bool(values[z].any())


def stalls(turns: list[Turn]) -> list[str]:
    """Return what is to be said of each turn above 50 ms on this program's account."""
    told = []
    for turn in turns:
        if turn.blamed > STALL_S:
            lines = ", ".join(f"{n} {1e3 * s:.0f}" for n, s in turn.lines.most_common(5))
            told.append(f"  {turn.flow}: {1e3 * turn.blamed:.0f} ms: {lines}")
    return told


def main(
    rounds: Annotated[int, typer.Option(help="Of strokes and scrolling, before and after.")] = 4,
    train_s: Annotated[float, typer.Option(help="Seconds of painting while it trains.")] = 20.0,
    lines: Annotated[bool, typer.Option("--lines", help="Print the worst turn's lines.")] = False,
) -> None:
    """Make the project, play, print."""
    typer.echo(f"load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        os.environ["TOMOSCRIBE_STATE_DIR"] = f"{name}/state"
        folder = Path(name) / "project"
        make_labels_project(folder, 0, strokes=4).close()
        viewer = napari.Viewer(show=True)
        add_docks(viewer)
        viewer.window._qt_window.resize(*WINDOW)
        viewer.window._qt_window.activateWindow()
        watch = StallWatch()
        painting = Painting(viewer, watch, seed=0)
        LabelMode.of(painting.session).set(on=True)
        painting.open(folder)
        gc.collect()
        gc.freeze()  # as `tomoscribe open` does
        painting.play(rounds, train_s)
        watch.close()
        viewer.close()
    typer.echo(f"{'flow':16}{'worst':>7}{'ours':>7} >50   {OURS:>6}  called  n,Qt    drawing  ms")
    for flow in FLOWS:
        typer.echo(line(flow, [t for t in watch.turns if t.flow == flow], lines=lines))
    typer.echo("\n".join(stalls(watch.turns)) or f"no turn above {1e3 * STALL_S:.0f} ms of ours")
    for what, seconds in painting.seconds.items():
        typer.echo(f"{what}: {seconds:.1f} s")
    typer.echo(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    typer.run(main)
