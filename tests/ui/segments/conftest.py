"""A run that segments two classes in the small project, played by the test; Compare beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import SimpleNamespace

import numpy as np
import pytest
from tests.ui.conftest import SHAPE_ZYX, FakeWorker

from tomoscribe.project.source import DataSource
from tomoscribe.segmentation.labels import LabelClass
from tomoscribe.training import events as ev
from tomoscribe.training.config import RunConfig
from tomoscribe.training.run import RunFolder
from tomoscribe.training.status import State
from tomoscribe.ui.compare.compare_dock import CompareDock
from tomoscribe.ui.segments.segments import Segments

CLASSES = ["mito", "vesicle"]
INSTANCE_MAPS = ["mito", "vesicle", "mito contour", "vesicle contour"]
MITO_BOXES = ((8, 6, 20, 16), (8, 26, 20, 36), (30, 8, 44, 24))
"""y0, x0, y1, x1 of what is clearly mitochondria, in all sections."""
VESICLE = (50, 30, 58, 38)
FAINT = (49, 2, 61, 14)
"""A mitochondrion of score 0.4."""
VOXEL_NM = 1.0


def made_up_maps(names: list[str]) -> np.ndarray:
    """Return maps (map, z, y, x) of a few boxes, with contours where these are asked for."""
    maps = np.full((len(names), *SHAPE_ZYX), 0.02, np.float32)
    for name, boxes, score in (
        ("mito", MITO_BOXES, 0.95), ("mito", (FAINT,), 0.4), ("vesicle", (VESICLE,), 0.9)
    ):  # fmt: skip
        for y0, x0, y1, x1 in boxes:
            maps[names.index(name), :, y0:y1, x0:x1] = score
            if f"{name} contour" in names:
                rim = maps[names.index(f"{name} contour")]
                inner = rim[:, y0 + 2 : y1 - 2, x0 + 2 : x1 - 2].copy()
                rim[:, y0:y1, x0:x1] = 0.9
                rim[:, y0 + 2 : y1 - 2, x0 + 2 : x1 - 2] = inner
    return maps


class SegmentingWorker(FakeWorker):
    """Writes the run folder of a segmentation."""

    def __init__(self, project, name: str = "seg", *, instances: bool) -> None:
        config = RunConfig(
            data=DataSource(kind="project", path=project.path),
            task="instance" if instances else "semantic",
        )
        self.run = RunFolder.create(project.runs_dir, config, name)
        self.step, self.state = 0, State.RUNNING
        self.instances = instances
        self.maps = INSTANCE_MAPS if instances else CLASSES
        self.decoder: dict[str, dict[str, object]] = {}
        self.beat()

    def announce(self, sample: str = "one") -> None:
        path = self.run.preview_path(self.name, sample)
        path.parent.mkdir(parents=True, exist_ok=True)
        segmented = ev.Segmented(CLASSES, True, self.instances, self.decoder)
        self.emit(
            ev.Preview, checkpoint=self.name, sample=sample, path=self.run.relative(path),
            shape_zyx=list(SHAPE_ZYX), bin=1, class_names=self.maps, segmented=segmented,
        )  # fmt: skip

    def validate(self, iou: float) -> None:
        metrics = {f"{c}/{m}": iou for c in CLASSES for m in ("iou", "dice")} | {"iou": iou}
        if self.instances:
            metrics["ap50"] = iou - 0.1
        self.emit(ev.Validation, score=iou, metrics=metrics)

    def preview(self, scores: np.ndarray, sample: str = "one") -> None:
        self.announce(sample)
        half = SHAPE_ZYX[1] // 2
        self.block(scores[:, :, :half], (0, 0, 0), sample)
        self.block(scores[:, :, half:], (0, half, 0), sample)


def segmenting_run(project, name: str = "seg", *, instances: bool) -> SegmentingWorker:
    """Return a run with two checkpoints that has ended."""
    worker = SegmentingWorker(project, name, instances=instances)
    worker.begin()
    for share in (0.6, 1.0):
        worker.train(10)
        worker.validate(0.8 * share)
        worker.keep(0.8 * share)
        worker.preview(share * made_up_maps(worker.maps))
    worker.beat(State.FINISHED)
    return worker


@contextmanager
def show_compare(session) -> Iterator[CompareDock]:
    """Show the dock Compare for a while."""
    dock = CompareDock(session)
    dock.resize(360, 900)
    dock.show()
    yield dock
    with suppress(RuntimeError):
        dock.close()
        dock.deleteLater()


@pytest.fixture
def segmented(session, project, process_until: Callable[..., None]) -> Iterator[SimpleNamespace]:
    """An instance segmentation that has ended, in view with its objects."""
    project.set_label_classes([LabelClass("mito", "#e69f00"), LabelClass("vesicle", "#56b4e9")])
    worker = segmenting_run(project, instances=True)
    segments = Segments.of(session)
    with show_compare(session) as dock:
        session.run = worker.run
        process_until(lambda: segments.objects is not None, "the objects")
        yield SimpleNamespace(
            dock=dock, panel=dock.decoder_panel, segments=segments, worker=worker, session=session
        )
