"""Drives the real viewer through `docs/membranes.md` and takes its pictures.

`python docs/make_membrane_tutorial.py` (with a display, or under `xvfb-run`) makes the sample
project, clicks, trains, reviews and exports, and writes `docs/images/membrane_*.png`.
"""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from qtpy.QtCore import QPoint, Qt
from qtpy.QtWidgets import QApplication, QWidget

from tomoscribe.simulate.membrane_project import make_membrane_project
from tomoscribe.ui.app import open_viewer
from tomoscribe.ui.compare.compare_dock import CompareDock
from tomoscribe.ui.demo_hands import Hands, QTest
from tomoscribe.ui.membranes.membrane_panel import MembranePanel
from tomoscribe.ui.membranes.mesh_paint import MeshPaint
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.starter import Starter

WINDOW = (1600, 1000)
CLICKS = 12
"""On each of the two membranes that train."""
PREVIEWS = 3
"""Of the membrane in view, before its picture is taken."""

STEP_S, TRAINING_S = 60.0, 600.0


class Tutorial:
    """The steps of the page, in its order."""

    def __init__(self, folder: Path, out: Path, max_minutes: float) -> None:
        self.project = folder / "sample"
        make_membrane_project(self.project).close()
        self.viewer = open_viewer()
        self.hands = Hands(self.viewer, out, numbered=False)
        self.session = self.hands.session
        self.folder, self.out, self.max_minutes = folder, out, max_minutes
        self.hands.window.resize(*WINDOW)
        self.hands.settle()
        self.session.open_project(self.project)
        with (self.project / "truth.csv").open() as file:
            self.truth = list(csv.DictReader(file))

    def run(self) -> None:
        """Do everything and take the pictures."""
        names = [m.name for m in self.session.project.membranes.values()]
        self.hands.wait(
            lambda: len(self.session.surfaces.loaded()) == len(names), "membranes", STEP_S
        )
        self.session.set_membrane(names[0])
        self.viewer.reset_view()
        self.show("slices")
        self.mesh()
        self.density()
        for name in names[:2]:
            self.click(name)
        self.session.set_membrane(names[0])
        self.show("clicks", wait=3.0)
        self.train(names[2])
        self.compare()
        self.export()

    def show(self, name: str, widget: QWidget | None = None, wait: float = 1.0) -> None:
        """Write one picture."""
        self.hands.settle(wait)
        self.hands.screenshot_of(widget or self.hands.window, f"membrane_{name}")

    def mesh(self) -> None:
        """Look at the segmentation in the dialog that meshes it."""
        panel = self.hands.window.findChild(MembranePanel)
        form = panel.show_meshing()
        form.choose_file(self.project / "tomograms" / "vesicles_labels.mrc")
        self.hands.wait(form.make.isEnabled, "what is in the segmentation", STEP_S)
        self.show("meshing", form)
        form.close()

    def density(self) -> None:
        """Show the membrane in 3D with the density outside of it."""
        self.session.actions["toggle_plane"]()
        MeshPaint.of(self.session).set_depth(50.0)
        self.show("density")

    def click(self, membrane: str) -> None:
        """Click particles of the first class on the mesh, each turned to the viewer."""
        self.session.set_membrane(membrane)
        self.hands.wait(lambda: self.session.membrane is not None, "the membrane", STEP_S)
        number = membrane.rpartition("_")[2]
        target = self.session.classes[0].name
        rows = [r for r in self.truth if r["membrane"] == number and r["class"] == target]
        picks = self.session.entry.picks
        for r in rows[:CLICKS]:
            place = np.array([float(r[axis]) for axis in "zyx"])
            point = self.session.surfaces.shelved.locator.closest(place)
            self.session.surfaces.view.face(point.zyx, point.normal_zyx)
            before = len(picks)
            self._press(point.zyx)
            self.hands.wait(lambda: len(picks) > before, "a click to become a pick", 5)  # noqa: B023

    def _press(self, zyx: np.ndarray) -> None:
        self.hands.settle(0.05)
        canvas = self.viewer.window._qt_viewer.canvas
        z, y, x = self.session.layer.data_to_world(tuple(float(v) for v in zyx))
        mapped = canvas.view.scene.transform.map((x, y, z, 1))
        at = QPoint(round(mapped[0] / mapped[3]), round(mapped[1] / mapped[3]))
        QTest.mouseMove(canvas.native, at)
        QTest.mouseClick(canvas.native, Qt.MouseButton.LeftButton, pos=at)

    def train(self, look_at: str) -> None:
        """Train, and look at a membrane that nobody clicked on."""
        starter, monitor = Starter.of(self.session), RunMonitor.of(self.session)
        self.session.set_membrane(look_at)
        starter.settings = starter.settings.model_copy(update={"max_minutes": self.max_minutes})
        self.hands.raise_dock("Train")
        starter.start()

        def ended() -> bool:
            return monitor.update is not None and monitor.run is not None and not monitor.alive

        def seen() -> int:
            return sum(key[1] == look_at for key in monitor.record.block_counts)

        self.hands.wait(lambda: seen() >= PREVIEWS or ended(), "scores", TRAINING_S)
        self.show("training", wait=2.0)
        self.hands.wait(ended, "the end", TRAINING_S)

    def compare(self) -> None:
        """Show proposals and answer the least sure one."""
        self.hands.raise_dock("Compare")
        dock = self.hands.window.findChild(CompareDock)
        self.hands.wait(lambda: dock.review.comparison is not None, "proposals", STEP_S)
        self.show("compare", wait=2.0)
        self.session.actions["next_uncertain"]()
        self.show("review")
        self.hands.click(dock.proposals_panel.accept_all)

    def export(self) -> None:
        """Write a STAR, and show the statistics of the membrane."""
        dock = self.hands.window.findChild(CompareDock)
        dialog = dock.actions_row.show_export()
        dialog.folder.setText(str(self.folder / "export"))
        self.hands.click(dialog.write)
        self.show("export", dialog)
        dialog.close()
        window = self.hands.window.findChild(MembranePanel).show_statistics()
        self.hands.wait(lambda: not window.busy, "statistics", STEP_S)
        self.show("statistics", window)
        window.close()

    def close(self) -> None:
        """Close project and window."""
        RunMonitor.of(self.session).close()
        self.session.close_project()
        self.viewer.close()
        QApplication.processEvents()


def main(
    out: Annotated[Path, typer.Option(help="Folder of the pictures.")] = Path(__file__).parent
    / "images",
    max_minutes: Annotated[float, typer.Option(help="Training time in minutes.")] = 2.0,
) -> None:
    """Take the pictures of the tutorial on membranes."""
    with tempfile.TemporaryDirectory() as folder:
        tutorial = Tutorial(Path(folder), out, max_minutes)
        try:
            tutorial.run()
        finally:
            tutorial.close()


if __name__ == "__main__":
    typer.run(main)
