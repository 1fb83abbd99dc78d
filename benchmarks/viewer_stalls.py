"""How long the viewer's loop waits in each flow, and on whose account.

`xvfb-run -a -s "-screen 0 1600x1000x24" python benchmarks/viewer_stalls.py` plays what a user does,
with real mouse and key events in the real viewer, on two tomograms of 200×464×464 with 300 picks
each, runs with seven whole previews and a membrane of 50,000 vertices. A worker is played from the
record. It prints CPU milliseconds of the viewer's thread for the worst turn of its event loop.
"""

from __future__ import annotations

import gc
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import napari
import typer
from qtpy.QtCore import QEvent, QEventLoop, Qt
from qtpy.QtGui import QKeySequence
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget

from compare_switch import SLAB, scores
from open_project import click as click_row
from open_project import scroll
from stall_watch import CALLED, DRAWING, OTHERS, OURS, StallWatch
from tomoscribe.training.events import Finished
from tomoscribe.ui.app import add_docks
from tomoscribe.ui.compare.compare_dock import CompareDock
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.demo_hands import Hands
from tomoscribe.ui.project.project_dock import ProjectDock
from tomoscribe.ui.runs import starter
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.runs_dock import RunsDock
from tomoscribe.ui.runs.train_dock import TrainDock
from viewer_stalls_case import SHAPE_ZYX, PlayedRun, ended_run, make_project
from viewer_start import docks_ms, import_ms

if TYPE_CHECKING:
    from collections.abc import Callable

    from stall_watch import Turn
    from tomoscribe.ui.export_dialog import ExportDialog

WINDOW = (1600, 1000)
IDLE_MS = 1
WAIT_S = 150.0

FLOWS = (
    "open_project", "switch_tomogram", "scroll_slices", "click_to_pick", "undo_redo",
    "switch_class", "membrane_3d", "train", "live_blocks", "compare_shown", "checkpoints",
    "a_b", "blink", "side_by_side", "difference", "threshold", "review", "uncertainty",
    "label_next", "how_good", "table_sort", "project_panel", "role", "runs_table", "sweep_row",
    "export_dialog", "keys", "close_project",
)  # fmt: skip

W = TypeVar("W", bound=QWidget)


class TimedHands(Hands):
    """Hands whose every act, and every turn of the loop between, is measured."""

    def __init__(self, viewer: napari.Viewer, watch: StallWatch) -> None:
        super().__init__(viewer, Path())
        self.watch = watch

    def spin(self) -> None:
        """Let the loop turn once."""
        with self.watch.turn():
            QApplication.processEvents(QEventLoop.ProcessEventsFlag.AllEvents)
            QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        time.sleep(IDLE_MS / 1000)

    def settle(self, seconds: float = 0.3) -> None:
        """Let the loop turn for a while."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.spin()

    def wait(self, condition: Callable[[], object], what: str, timeout: float = WAIT_S) -> float:
        """Let the loop turn until the condition holds; return the seconds that it took."""
        start = time.monotonic()
        while not condition():
            if time.monotonic() - start > timeout:
                raise TimeoutError(f"waited in vain for {what}")
            self.spin()
        return time.monotonic() - start

    def act(self, act: Callable[[], object], settle: float = 0.2) -> None:
        """Do something as one turn, and let the loop work it off."""
        with self.watch.turn():
            act()
        self.settle(settle)

    def press(self, key: str, settle: float = 0.5) -> None:
        """Press a key over the canvas."""
        self.act(lambda: QTest.keySequence(self._canvas.native, QKeySequence(key)), settle)


class Play:
    """What a user does, flow by flow."""

    def __init__(self, viewer: napari.Viewer, watch: StallWatch, folder: Path) -> None:
        self.hands = TimedHands(viewer, watch)
        self.watch = watch
        self.session = self.hands.session
        self.monitor = RunMonitor.of(self.session)
        self.sides = Sides.of(self.session)
        self.folder = folder
        self.compare = self.dock(CompareDock)
        self.worker: PlayedRun | None = None

    def dock(self, kind: type[W]) -> W:
        """Return a dock of the window."""
        found = self.hands.window.findChild(kind)
        assert found is not None, kind
        return found

    def play(self, flow: str) -> None:
        """Play a flow; what is measured goes on its account."""
        self.hands.settle(0.5)
        self.watch.flow = flow
        getattr(self, flow)()
        self.hands.settle(0.5)
        self.watch.flow = ""

    def open_project(self) -> None:
        """Open the project, up to its tomogram and run."""
        self.hands.act(lambda: self.session.open_project(self.folder / "project"))
        self.hands.wait(lambda: self.session.layer is not None, "the tomogram")
        self.hands.wait(lambda: len(self.sides.side("b").stops) > 2, "the run")
        self.hands.settle(2.0)

    def switch_tomogram(self) -> None:
        """Show another tomogram, and come back."""
        for name in ("two", "one", "two", "one"):
            self.hands.act(lambda name=name: self.session.show(name))  # type: ignore[misc]
            self.hands.wait(lambda: self.session.current == name, name)  # noqa: B023
            self.hands.settle(1.0)

    def scroll_slices(self) -> None:
        """Go through slices."""
        dims = self.hands.viewer.dims
        for z in range(90, 110):
            self.hands.act(lambda z=z: dims.set_current_step(0, z), 0.05)  # type: ignore[misc]

    def click_to_pick(self) -> None:
        """Click six particles."""
        self.hands.raise_dock("Annotate")
        self.hands.settle(1.0)
        entry = self.session.entry
        assert entry is not None
        for number in range(6):
            before = len(entry.picks)
            voxel = (100, 60.0 + 50 * number, 100)
            self.hands.act(lambda voxel=voxel: self.hands.click_voxel(voxel), 1.0)  # type: ignore[misc]
            self.hands.wait(lambda: len(entry.picks) > before, "a pick")  # noqa: B023

    def undo_redo(self) -> None:
        """Take clicks back and bring them again."""
        for key in ("Ctrl+Z", "Ctrl+Z", "Ctrl+Shift+Z", "Ctrl+Shift+Z"):
            self.hands.press(key)

    def switch_class(self) -> None:
        """Choose another class."""
        self.session.picks.select([])
        for key in ("Shift+2", "Shift+1"):
            self.hands.press(key)

    def membrane_3d(self) -> None:
        """Go to the membrane and back, twice."""
        self.hands.wait(lambda: self.session.membrane is not None, "the membrane")
        for _ in range(4):
            self.hands.press("W", 1.5)

    def train(self) -> None:
        """Press Train; the worker is played."""
        self.hands.raise_dock("Train")
        self.hands.settle()
        project = self.session.project
        assert project is not None
        self.worker = PlayedRun(project, "live")
        runs = [self.worker.run]
        starter.sweep.launch_all = lambda *_: runs
        self.hands.act(lambda: self.hands.click(self.dock(TrainDock).train))
        self.hands.wait(lambda: self.monitor.run == runs[0], "the run")
        self.worker.begin()
        self.hands.settle(1.0)

    def live_blocks(self) -> None:
        """Let three previews arrive in slabs."""
        assert self.worker is not None
        made = scores(SHAPE_ZYX, 2)
        for _ in range(3):
            self.worker.train(20)
            self.worker.keep(0.5)
            self.worker.announce()
            for z in range(0, SHAPE_ZYX[0], SLAB // 4):
                self.worker.train(2)
                self.worker.beat()
                self.worker.block(made, z, SLAB // 4)
                self.hands.settle(0.15)

    def compare_shown(self) -> None:
        """Bring Compare to the front, and end the run."""
        self.hands.act(lambda: self.hands.raise_dock("Compare"), 1.0)
        self.hands.wait(lambda: self.compare.review.comparison is not None, "the proposals")
        assert self.worker is not None
        self.worker.emit(Finished, reason="time", best=self.worker.name)
        self.worker.beat(starter.State.FINISHED)
        self.hands.wait(lambda: not self.monitor.alive, "the end of the run")
        self.hands.wait(lambda: not self.compare.review.busy, "the proposals")

    def checkpoints(self) -> None:
        """Step through the checkpoints."""
        for key in ("J", "J", "K", "K", "J", "K"):
            self.hands.press(key, 0.6)
        self.hands.wait(lambda: self.sides.why_not_two is None, "two sides")

    def a_b(self) -> None:
        """Look at A and B in turn."""
        for mode in ("a", "b", "a", "b"):
            self.hands.act(lambda mode=mode: self.sides.set_mode(mode), 1.0)  # type: ignore[misc]

    def blink(self) -> None:
        """Blink."""
        self.hands.press("U", 2.5)
        self.hands.press("U")

    def side_by_side(self) -> None:
        """Look at A and B side by side, and go through slices."""
        for _ in range(2):
            self.hands.press("Shift+U", 2.0)
            self.scroll_slices()
            self.hands.press("Shift+U", 1.0)

    def difference(self) -> None:
        """Look at the difference, twice."""
        for _ in range(4):
            self.hands.press("I", 1.5)

    def threshold(self) -> None:
        """Drag the threshold."""
        histogram = self.compare.proposals_panel.histogram
        self.hands.wait(lambda: self.compare.review.comparison is not None, "the proposals")
        suggested = histogram.threshold
        for number in range(12):
            value = 0.3 + 0.04 * number
            self.hands.act(lambda value=value: histogram.set_threshold(value), 0.1)  # type: ignore[misc]
        self.hands.act(lambda: histogram.set_threshold(suggested))

    def review(self) -> None:
        """Answer proposals by keys."""
        for key in ("N", "N", "G", "H", "G", "H", "N"):
            self.hands.press(key, 1.0)

    def uncertainty(self) -> None:
        """Switch the uncertainty on and off, twice."""
        box = self.compare.review_panel.show_unsure
        for _ in range(4):
            self.hands.act(box.click, 2.0)

    def label_next(self) -> None:
        """Fly to where a label tells most."""
        for _ in range(3):
            self.hands.press("L", 2.0)

    def how_good(self) -> None:
        """Unfold the judgement, fold it, unfold it."""
        fold = self.compare.judgement_panel.fold
        self.hands.act(fold.click, 3.0)
        self.hands.act(fold.click, 1.0)
        self.hands.act(fold.click, 2.0)

    def table_sort(self) -> None:
        """Sort the checkpoints."""
        table = self.compare.judgement_panel.table.view
        for column in (1, 2, 3, 2):
            self.hands.act(lambda c=column: table.sortByColumn(c, Qt.SortOrder.AscendingOrder))  # type: ignore[misc]
        self.hands.act(self.compare.judgement_panel.fold.click)

    def project_panel(self) -> None:
        """Scroll and search in Project."""
        self.hands.act(lambda: self.hands.raise_dock("Project"), 1.0)
        dock = self.dock(ProjectDock)
        for _ in range(3):
            self.hands.act(lambda: scroll(dock))
        for letter in "on":
            self.hands.act(lambda letter=letter: QTest.keyClick(dock.search, letter))  # type: ignore[misc]
        self.hands.act(dock.search.clear)

    def role(self) -> None:
        """Change a role by click."""
        for _ in range(3):
            self.hands.act(lambda: click_row(self.dock(ProjectDock), role=True), 1.0)

    def runs_table(self) -> None:
        """Open the table of runs, select and sort."""
        self.hands.raise_dock("Train")
        self.hands.settle(1.0)
        self.hands.act(lambda: self.hands.click(self.dock(TrainDock).runs.all), 3.0)
        view = self.dock(RunsDock).view
        self.hands.act(lambda: view.selectRow(0))
        self.hands.act(lambda: view.sortByColumn(2, Qt.SortOrder.AscendingOrder))

    def sweep_row(self) -> None:
        """Choose what a sweep varies."""
        row = self.dock(TrainDock).sweep
        for number in range(row.key.count()):
            self.hands.act(lambda n=number: row.key.setCurrentIndex(n))  # type: ignore[misc]
        self.hands.act(lambda: row.key.setCurrentIndex(0))

    def export_dialog(self) -> None:
        """Open the export and choose a format."""
        self.hands.raise_dock("Compare")
        self.hands.settle(1.0)
        shown: list[ExportDialog] = []
        self.hands.act(lambda: shown.append(self.compare.actions_row.show_export()), 1.0)
        self.hands.act(lambda: shown[0].format.setCurrentIndex(2))
        self.hands.act(shown[0].close)

    def keys(self) -> None:
        """Show the keys."""
        self.hands.press("?", 1.0)
        self.hands.press("Esc", 0.5)

    def close_project(self) -> None:
        """Close the project."""
        self.hands.act(self.session.close_project, 2.0)


def line(flow: str, turns: list[Turn], *, lines: bool) -> str:
    """Return a row of the table."""
    worst = max(turns, key=lambda t: t.total)
    ours = max(turns, key=lambda t: t.blamed)
    split = "  ".join(f"{1e3 * ours.by[a]:6.0f}" for a in (OURS, CALLED, OTHERS, DRAWING))
    over = sum(t.blamed > 0.05 for t in turns)
    text = (
        f"{flow:16}{1e3 * worst.total:7.0f}{1e3 * ours.blamed:7.0f} {over:4d}   {split}   "
        f"{ours.culprit}"
    )
    if lines:
        for name, seconds in ours.lines.most_common(12):
            text += f"\n{'':56}{1e3 * seconds:6.0f} {name}"
    return text


def main(
    only: Annotated[str, typer.Option(help="Flows to print, by comma; all are played.")] = "",
    lines: Annotated[bool, typer.Option("--lines", help="Print the worst turn's lines.")] = False,
) -> None:
    """Make the case, play the flows, print the table."""
    typer.echo(f"load {os.getloadavg()[0]:.1f}")
    typer.echo("import: " + ", ".join(f"{ms:.0f}" for ms in import_ms()) + " CPU-ms")
    with tempfile.TemporaryDirectory() as name:
        os.environ["TOMOSCRIBE_STATE_DIR"] = f"{name}/state"
        folder = Path(name)
        project = make_project(folder)
        for run, previews in (("first", 3), ("second", 4)):
            ended_run(project, run, previews)
        project.close()
        play_all(folder, set(filter(None, only.split(","))), lines=lines)


def play_all(folder: Path, only: set[str], *, lines: bool) -> None:
    """Play all flows, and print those that are asked for."""
    viewer = napari.Viewer(show=True)
    typer.echo("docks: " + ", ".join(f"{n} {ms:.0f}" for n, ms in docks_ms(viewer)) + " CPU-ms")
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    add_docks(viewer)
    viewer.window._qt_window.resize(*WINDOW)
    viewer.window._qt_window.activateWindow()  # keys reach the active window only
    for _ in range(100):
        QApplication.processEvents()
        time.sleep(0.02)
    gc.collect()
    gc.freeze()  # as `tomoscribe open` does
    watch = StallWatch()
    play = Play(viewer, watch, folder)
    typer.echo(f"{'flow':16}{'worst':>7}{'ours':>7} >50   {OURS:>6}  called  n,Qt    drawing  ms")
    for flow in FLOWS:
        try:
            play.play(flow)
        except (TimeoutError, AssertionError) as error:
            typer.echo(f"{flow}: {error!r}")
        if not only or flow in only:
            found = [turn for turn in watch.turns if turn.flow == flow]
            typer.echo(line(flow, found, lines=lines))
    watch.close()
    viewer.close()
    typer.echo(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    typer.run(main)
