"""One preview: a frozen model on one sample, block by block into its log, each block announced."""

from __future__ import annotations

import itertools
import math
import time
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.coords import voxels_to_binned
from tomoscribe.project.default_task import INSTANCE
from tomoscribe.tasks.base import (
    Focus,
    SegmentingPredictor,
    SlicePredictor,
    TurnablePredictor,
)
from tomoscribe.training.events import Block, Preview, Segmented
from tomoscribe.training.previews import BlockLog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tomoscribe.tasks import base
    from tomoscribe.training.file_stamp import FileStamp
    from tomoscribe.training.reporter import Reporter


PART_VOXELS = 80
"""Edge of a part of a slice in heatmap voxels: a tenth of a second of a small network."""

_THIN = 1.5
"""Thickness in tomogram voxels up to which what is in view is a slice."""


class PreviewJob:
    """Predicts a sample piecemeal.

    Parameters
    ----------
    reporter : Reporter
        Where blocks are announced; its run is where they are written.
    predictor : Predictor
        Frozen weights.
    name, step : str, int
        The checkpoint that these weights are or would be.
    sample : str
        Name of the sample.
    subject : Subject
        What the predictor opened for it.
    focus : Focus or None
        Where to begin; by default the middle slice of a tomogram, anywhere on a membrane.
    file : FileStamp, optional
        What is predicted, for whoever finds the preview later.

    Attributes
    ----------
    grid : Grid
        Of the prediction.
    """

    def __init__(
        self,
        reporter: Reporter,
        predictor: base.Predictor,
        *,
        name: str,
        step: int,
        sample: str,
        subject: base.Subject,
        focus: Focus | None,
        file: FileStamp | None = None,
    ) -> None:
        self.name, self.sample = name, sample
        self.began = time.monotonic()
        self.finished = False
        self._reporter, self._predictor, self._step = reporter, predictor, step
        self._subject = subject
        self._log = BlockLog(reporter.run.preview_path(name, sample))
        self._blocks: Iterator[base.Block] | None = None
        self._filled: list[tuple[tuple[int, int, int], tuple[int, ...]]] = []
        self.grid = grid = predictor.grid(subject)
        self._focus = _middle_slice(grid) if focus is None and grid.kind == "volume" else focus
        # An empty log at least: whoever reads the event finds the file.
        self._log.create()
        reporter.emit(
            Preview(
                time=time.time(),
                step=step,
                checkpoint=name,
                sample=sample,
                path=reporter.run.relative(self._log.path),
                shape_zyx=list(grid.shape_zyx),
                bin=grid.bin,
                class_names=list(predictor.maps),
                kind=grid.kind,
                file=file,
                segmented=segmented_by(predictor),
            )
        )

    @property
    def is_whole(self) -> bool:
        """Whether all of the sample is in view wherever the user looks: a membrane is."""
        return self.grid.kind == "mesh"

    @property
    def progress(self) -> float:
        """Share of the grid that is predicted, slices in view not counted; 0..1."""
        done = sum(math.prod(b - a for a, b in zip(lo, hi, strict=True)) for lo, hi in self._filled)
        return done / max(math.prod(self.grid.shape_zyx), 1)

    def look(self, focus: Focus) -> None:
        """Have `parts_in_view` be of another place, and blocks go on outward from there.

        Blocks of a predictor that cannot turn go on outward from the first place.
        """
        self._focus = focus
        if self._blocks is not None and isinstance(self._predictor, TurnablePredictor):
            done = {lo for lo, _ in self._filled}
            self._blocks = self._predictor.blocks_left(self._subject, focus, done)

    def parts_in_view(self) -> list[Focus]:
        """Return what is in view in parts, the middle one first; none where nobody waits for it.

        Parts that blocks have reached are left out. Each of the others is predicted by
        `part_in_view`, so that the first one is there soon, and the rest can be left out when the
        user has moved on. A membrane is one part.
        """
        if self._focus is None:
            return []
        if isinstance(self._predictor, SlicePredictor):
            parts = split_slice(self._focus, PART_VOXELS * self.grid.bin)
            return [part for part in parts if not self._is_filled(part)]
        return [self._focus]

    def part_in_view(self, part: Focus) -> None:
        """Predict a part of the slice in view, or the nearest block of a membrane."""
        if isinstance(self._predictor, SlicePredictor):
            self.write(self._predictor.slice_first(self._subject, part))
        else:
            self.next_block()

    def next_block(self) -> base.Block | None:
        """Predict the next block outward from the focus; None where there is none."""
        if self._blocks is None:
            self._blocks = self._predictor.blocks(self._subject, self._focus)
        block = next(self._blocks, None)
        if block is None:
            self.finished = True
        else:
            hi = tuple(lo + n for lo, n in zip(block.lo_zyx, block.scores.shape[1:], strict=True))
            self._filled.append((block.lo_zyx, hi))
            self.write(block)
        return block

    def _is_filled(self, part: Focus) -> bool:
        """Return whether blocks, which do not overlap, cover all of a part."""
        if not self._filled:
            return False
        lo, hi = box_of(part, self.grid)
        boxes = np.array(self._filled)
        common = np.minimum(boxes[:, 1], hi) - np.maximum(boxes[:, 0], lo)
        return bool(np.maximum(common, 0).prod(axis=1).sum() >= (hi - lo).prod())

    def fits(self, lo_zyx: tuple[int, int, int], shape: tuple[int, ...]) -> bool:
        """Return whether a block of that shape (class, z, y, x) is one of this preview."""
        inside = all(
            lo + size <= edge
            for lo, size, edge in zip(lo_zyx, shape[1:], self.grid.shape_zyx, strict=True)
        )
        return inside and shape[0] == len(self._predictor.maps)

    def write(self, block: base.Block) -> None:
        """Append a block to the log and announce it."""
        offset = self._log.append(block.lo_zyx, block.scores)
        self._reporter.emit(
            Block(
                time=time.time(),
                step=self._step,
                checkpoint=self.name,
                sample=self.sample,
                offset=offset,
                lo_zyx=list(block.lo_zyx),
                shape_zyx=list(block.scores.shape[1:]),
            )
        )


def segmented_by(predictor: base.Predictor) -> Segmented | None:
    """Return what the maps of a predictor are of; None where it picks particles."""
    if not isinstance(predictor, SegmentingPredictor):
        return None
    return Segmented(
        classes=[c.name for c in predictor.label_classes],
        exclusive=predictor.exclusive,
        instances=predictor.task == INSTANCE,
        decoder=predictor.decoder,
    )


def _middle_slice(grid: base.Grid) -> Focus:
    z, y, x = (float(edge * grid.bin) for edge in grid.shape_zyx)
    return Focus((z / 2, y / 2, x / 2), (z / 2, 0.0, 0.0), (z / 2, y, x))


def box_of(part: Focus, grid: base.Grid) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the first voxel (3,) of the grid that a part shows, and the one after the last."""
    lo, hi, center = (
        voxels_to_binned(np.array(edge), grid.bin)
        for edge in (part.lo_zyx, part.hi_zyx, part.center_zyx)
    )
    thin = (hi - lo) * grid.bin <= _THIN
    first = np.where(thin, np.rint(center), np.floor(lo + 0.5))
    last = np.where(thin, np.rint(center) + 1, np.ceil(hi + 0.5))
    shape = np.array(grid.shape_zyx)
    first = np.clip(first, 0, shape - 1).astype(np.int64)
    return first, np.clip(last, first + 1, shape).astype(np.int64)


def split_slice(focus: Focus, edge: int) -> list[Focus]:
    """Return a slice cut in an odd number of parts along each axis in view, nearest first.

    Parameters
    ----------
    focus : Focus
        What is in view, in tomogram voxels.
    edge : int
        About the edge of a part in tomogram voxels.

    Returns
    -------
    list of Focus
        Empty where `focus` is no slice.
    """
    spans = [hi - lo for lo, hi in zip(focus.lo_zyx, focus.hi_zyx, strict=True)]
    if min(spans) > _THIN:
        return []
    cuts = []
    for lo, span in zip(focus.lo_zyx, spans, strict=True):
        count = max(1, math.ceil(span / edge))
        count += 1 - count % 2
        cuts.append([(lo + span * i / count, lo + span * (i + 1) / count) for i in range(count)])
    parts = [
        Focus(_middle(spans, focus, box), *zip(*box, strict=True))  # type: ignore[arg-type]
        for box in itertools.product(*cuts)
    ]
    return sorted(parts, key=lambda part: math.dist(part.center_zyx, focus.center_zyx))


def _middle(
    spans: list[float], focus: Focus, box: tuple[tuple[float, float], ...]
) -> tuple[float, ...]:
    """Return the middle of a part; across the slice it is the slice itself."""
    return tuple(
        middle if span <= _THIN else (lo + hi) / 2
        for span, middle, (lo, hi) in zip(spans, focus.center_zyx, box, strict=True)
    )
