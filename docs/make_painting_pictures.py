"""Drives the real viewer through `docs/painting.md` and takes its pictures.

`python docs/make_painting_pictures.py` (with a display, or under `xvfb-run`) makes an EM volume
with some strokes, trains on them, and writes `docs/images/painting_*.png`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from tomoscribe.simulate.labels_files import make_labels_project
from tomoscribe.training import launch
from tomoscribe.ui.app import open_viewer
from tomoscribe.ui.demo_hands import Hands
from tomoscribe.ui.labels.painter import LabelPainter
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.runs.starter import Starter
from tomoscribe.ui.segments.segments import Segments

WINDOW = (1400, 880)
STROKES = 8
STEP_S, TRAINING_S = 60.0, 600.0


def main(
    out: Annotated[Path, typer.Option(help="Folder of the pictures.")] = Path(__file__).parent
    / "images",
    max_minutes: Annotated[float, typer.Option(help="Training time in minutes.")] = 0.7,
) -> None:
    """Take the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder) / "sample"
        make_labels_project(project, strokes=STROKES).close()
        viewer = open_viewer()
        hands = Hands(viewer, out, numbered=False)
        hands.window.resize(*WINDOW)
        session = hands.session
        session.open_project(project)
        painter, starter = LabelPainter.of(session), Starter.of(session)
        hands.raise_dock("Annotate")
        hands.wait(lambda: painter.copy is not None, "the labels", STEP_S)
        assert painter.copy is not None
        z = painter.copy.store.chunks()[0][0]
        session.fly_to((z, *(n / 2 for n in painter.copy.values.shape[1:])))
        viewer.reset_view()
        hands.screenshot("painting_strokes")
        hands.wait(lambda: starter.why_not() is None, "the counts", STEP_S)
        starter.settings = starter.settings.model_copy(update={"max_minutes": max_minutes})
        starter.start()
        hands.wait(lambda: session.run is not None, "the start", STEP_S)
        monitor = RunMonitor.of(session)
        try:
            hands.wait(
                lambda: monitor.update is not None and not monitor.alive, "the end", TRAINING_S
            )
            segments = Segments.of(session)
            hands.wait(lambda: segments.objects is not None, "the objects", STEP_S)
            hands.settle(1.0)
            hands.screenshot("painting_trained")
        finally:
            if session.run is not None:
                launch.kill(session.run)
        session.close_project()
        viewer.close()


if __name__ == "__main__":
    typer.run(main)
