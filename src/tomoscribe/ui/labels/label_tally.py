"""What is labelled in all tomograms of a project: that in view from the brush, others from disk."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from psygnal import Signal

from tomoscribe.project.painted import PaintedLabels, is_painted
from tomoscribe.project.painted_samples import complete_boxes
from tomoscribe.ui.background import Background, sentence_of
from tomoscribe.ui.labels.label_counts import LabelCounts, Labelled
from tomoscribe.ui.labels.painter import LabelPainter
from tomoscribe.ui.session_bound import SessionBound

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from tomoscribe.project.model import TomogramEntry
    from tomoscribe.segmentation.painted_values import Box
    from tomoscribe.ui.session import Session

ByClass = dict[int, Labelled]
"""What is labelled, by the value of the class."""


class LabelTally(SessionBound):
    """Counts labels by tomogram. Get it with `LabelTally.of(session)`."""

    changed = Signal()

    def __init__(self, session: Session) -> None:
        self._session = session
        self._painter = LabelPainter.of(session)
        self._thread = Background(reads_only=True)
        self._read: dict[str, ByClass] = {}
        session.project_changed.connect(self._on_project)
        session.closed.connect(self._thread.close)
        self._painter.changed.connect(self._on_painter)
        self._on_project()

    def of_tomogram(self, name: str) -> ByClass:
        """Return what is labelled in a tomogram, as far as it was counted."""
        return self._read.get(name, {})

    def total(self, names: Iterable[str]) -> ByClass:
        """Return what is labelled in several tomograms together."""
        result: ByClass = {}
        for name in names:
            for value, found in self.of_tomogram(name).items():
                had = result.get(value, Labelled())
                result[value] = Labelled(
                    had.voxels + found.voxels,
                    had.sections + found.sections,
                    had.objects + found.objects,
                )
        return result

    def tells_background(self, entry: TomogramEntry, *, objects: bool) -> bool:
        """Tell whether what is declared fully labelled in a tomogram is background somewhere.

        Objects told apart may fill all of it, for their outlines teach. Of a tomogram that is not
        in view every declared box is believed.

        Parameters
        ----------
        entry : TomogramEntry
        objects : bool
            Objects are told apart.
        """
        copy = self._painter.copy
        if objects or copy is None or copy.name != entry.name:
            return bool(entry.regions)
        painted = sum(found.voxels for found in self.of_tomogram(entry.name).values())
        boxes = {
            box
            for label in self._painter.classes
            for box in complete_boxes(entry.regions, label.name, copy.values.shape)
        }
        # Counts tell it nearly always: looking at all voxels of a large box takes long.
        return any(_volume_of(box) > painted or _is_bare(copy.values, box) for box in boxes)

    def _on_project(self) -> None:
        project = self._session.project
        self._read = {}
        if project is None:
            self._thread.drop()
            return
        folder, names = project.path, list(project.tomograms)
        self._thread.run(lambda: _count_all(folder, names), self._take, self._failed)

    def _take(self, counted: dict[str, ByClass]) -> None:
        self._read = counted | self._read  # what the brush has counted meanwhile is newer
        self.changed.emit()

    def _failed(self, error: BaseException) -> None:
        self._session.status_message.emit(sentence_of(error))

    def _on_painter(self) -> None:
        copy = self._painter.copy
        if copy is not None:
            now = self._painter.labelled()
            if self._read.get(copy.name) != now:
                self._read[copy.name] = now
                self.changed.emit()


def _is_bare(values: NDArray[np.uint16], box: Box) -> bool:
    """Return whether anything in a box, lo <= voxel < hi, is not painted."""
    (z0, y0, x0), (z1, y1, x1) = box
    return not all(values[z, y0:y1, x0:x1].all() for z in range(z0, z1))


def _volume_of(box: Box) -> int:
    """Return the voxels of a box."""
    return math.prod(b - a for a, b in zip(*box, strict=True))


def _count_all(folder: Path, names: list[str]) -> dict[str, ByClass]:
    counted = {}
    for name in names:
        if is_painted(folder, name):
            store = PaintedLabels(folder, name, read_only=True)
            counts = LabelCounts()
            for lo, hi in store.boxes():
                counts.keep(lo, store.read(lo, hi))
            counted[name] = counts.by_class(store.objects)
    return counted
