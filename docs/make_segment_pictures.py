"""Drives the real viewer through *Segmentations* in `docs/compare.md` and takes its pictures.

`python docs/make_segment_pictures.py` (with a display, or under `xvfb-run`) makes an EM volume,
trains on its objects for a short and a longer time, and writes `docs/images/segments_*.png`.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from qtpy.QtWidgets import QScrollArea

import tomoscribe
from tomoscribe.training.checkpoint_ref import CheckpointRef
from tomoscribe.ui.app import open_viewer
from tomoscribe.ui.compare.compare_dock import CompareDock
from tomoscribe.ui.compare.sides import Sides
from tomoscribe.ui.demo_hands import Hands
from tomoscribe.ui.runs.monitor import RunMonitor
from tomoscribe.ui.segments.segment_judge import SegmentJudge
from tomoscribe.ui.segments.segments import Segments

WINDOW = (1400, 1000)
STEP_S = 120.0


def main(
    out: Annotated[Path, typer.Option(help="Folder of the pictures.")] = Path(__file__).parent
    / "images",
    max_minutes: Annotated[float, typer.Option(help="Time of the longer training.")] = 1.0,
    project: Annotated[Path | None, typer.Option(help="Made and trained before.")] = None,
) -> None:
    """Take the pictures."""
    with tempfile.TemporaryDirectory() as folder:
        place = project or Path(folder) / "sample"
        if not place.exists():
            make(place, max_minutes)
        viewer = open_viewer()
        hands = Hands(viewer, out, numbered=False)
        hands.window.resize(*WINDOW)
        try:
            show(hands, place)
        finally:
            RunMonitor.of(hands.session).close()
            hands.session.close_project()
            viewer.close()


def make(place: Path, max_minutes: float) -> None:
    """Make a volume whose mitochondria are painted, and train on it twice."""
    with tomoscribe.sample_project(place, "labels", clicks=0) as sample:
        truth = place / "truth" / "objects.tif"
        tomoscribe.import_labels(
            sample, "em_volume", truth, classes=["mitochondrion"], objects=True
        )
        for name, share in (("short", 0.3), ("longer", 1.0)):
            tomoscribe.train(sample, task="instance", name=name, max_minutes=share * max_minutes)


def show(hands: Hands, place: Path) -> None:
    """Compare the two trainings."""
    session = hands.session
    session.open_project(place)
    session.run = tomoscribe.open_run(place / "runs" / "longer").folder
    sides, judge = Sides.of(session), SegmentJudge.of(session)
    hands.raise_dock("Compare")
    runs = [tomoscribe.open_run(place / "runs" / name) for name in ("short", "longer")]
    for letter, run in zip("ab", runs, strict=True):
        sides.choose(letter, CheckpointRef.of_file(run.best_checkpoint))
    segments = Segments.of(session)
    hands.wait(lambda: segments.objects is not None, "the objects", STEP_S)
    hands.viewer.reset_view()
    dock = hands.window.findChild(CompareDock)
    panel = dock.judgement_panel
    hands.raise_dock("Compare")
    panel.fold.setChecked(True)
    hands.wait(lambda: judge.found is not None and len(judge.found.sides) == 2, "figures", STEP_S)
    panel.errors.coloured.setChecked(True)
    panel.errors.step(+1)
    hands.settle(1.0)
    hands.viewer.reset_view()
    dock.findChild(QScrollArea).ensureWidgetVisible(panel.errors)
    hands.settle(1.0)
    hands.screenshot("segments_judged")
    panel.errors.coloured.setChecked(False)
    hands.viewer.layers["labels"].visible = False
    sides.set_mode("side_by_side")
    hands.settle(4.0)
    hands.screenshot("segments_side_by_side")


if __name__ == "__main__":
    typer.run(main)
