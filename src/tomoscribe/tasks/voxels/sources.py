"""An image with its labels as a training holds it: the working grid, what judges, what is where."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.tasks.voxels.holdout import Held, Profile, hold_out, long_axis

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from tomoscribe.project.model import TrainingSample
    from tomoscribe.segmentation.labels import SampleLabels
    from tomoscribe.tasks.tomogram.scaled import ScaledVolume

    Triple = tuple[int, int, int]
    Box = tuple[Triple, Triple]

_MOST_PLACES = 20_000
"""Voxels of a class in a box whose places are remembered, to centre windows on."""
_MOST_IN_ALL, _LEAST_PLACES = 1_000_000, 100
"""Fewer a box where there are very many, as where whole volumes are labelled."""
_PIECE = 64_000_000
"""Label values that are read at once."""


@dataclass(frozen=True)
class Places:
    """Where labels of an image are, on its working grid.

    Parameters
    ----------
    of_class : tuple of (N, 3) arrays
        Voxels that train and are of each class; a sample of them where they are many.
    anywhere : (N, 3) array
        Voxels that train, of whatever.
    known, held : int
        Labelled voxels: that train, and that judge.
    positive : (class,) array
        Voxels of each class that train.
    positive_held : (class,) array
        And that judge.
    """

    of_class: tuple[NDArray[np.int32], ...]
    anywhere: NDArray[np.int32]
    known: int
    held: int
    positive: NDArray[np.int64]
    positive_held: NDArray[np.int64]


@dataclass(frozen=True)
class Source:
    """An image with its labels.

    Parameters
    ----------
    sample : TrainingSample
        What it is from.
    image : ScaledVolume
        As the network sees it.
    held : Held
        What of it only judges.
    places : Places
        Where its labels are.
    """

    sample: TrainingSample
    image: ScaledVolume
    held: Held
    places: Places = field(repr=False)

    @property
    def labels(self) -> SampleLabels:
        """Its labels."""
        assert self.sample.labels is not None
        return self.sample.labels

    @property
    def boxes(self) -> tuple[Box, ...]:
        """Where its labels are, on the working grid."""
        return working_boxes(self.labels, self.image)

    def read_labels(self, lo: Triple, hi: Triple) -> NDArray[np.int32]:
        """Return the labels (class, z, y, x) of a box of working voxels."""
        return read_labels(self.labels, self.image, lo, hi)

    @property
    def dense(self) -> bool:
        """Whether what judges is labelled whole, so that objects can be counted."""
        return bool(self.held.blocks) or (self.held.share >= 1 and self._density() > 0.5)

    def _density(self) -> float:
        return (self.places.known + self.places.held) / max(1, volume_of(self.boxes))


def read_labels(
    labels: SampleLabels, image: ScaledVolume, lo: Triple, hi: Triple
) -> NDArray[np.int32]:
    """Return the labels (class, z, y, x) of a box of working voxels: those at their middles."""
    steps = _steps(image)
    first = tuple(a * n for a, n in zip(lo, steps, strict=True))
    last = tuple(b * n for b, n in zip(hi, steps, strict=True))
    values = labels.reader.read(first, last)  # type: ignore[arg-type]
    return values[(slice(None), *(slice(n // 2, None, n) for n in steps))]


def working_boxes(labels: SampleLabels, image: ScaledVolume) -> tuple[Box, ...]:
    """Return the boxes of labels on the working grid, cut to the image."""
    steps, shape = _steps(image), image.shape_zyx
    boxes = []
    for lo, hi in labels.boxes:
        first = tuple(min(max(0, a // n), s - 1) for a, n, s in zip(lo, steps, shape, strict=True))
        last = tuple(min(-(-b // n), s) for b, n, s in zip(hi, steps, shape, strict=True))
        if all(a < b for a, b in zip(first, last, strict=True)):
            boxes.append((first, last))
    return tuple(boxes)  # type: ignore[arg-type]


def volume_of(boxes: tuple[Box, ...]) -> int:
    """Return the voxels of some boxes."""
    return sum(int(np.prod([b - a for a, b in zip(lo, hi, strict=True)])) for lo, hi in boxes)


def make_source(
    sample: TrainingSample, image: ScaledVolume, classes: int, share: float, before: Source | None
) -> Source:
    """Return an image with its labels, `share` of which only judges; 1: all.

    What judged `before` still does, unless the labels became dense or sparse.
    """
    if before is not None and before.labels.version == sample.labels.version:  # type: ignore[union-attr]
        same = before.labels.reader is sample.labels.reader  # type: ignore[union-attr]
        if same or before.labels.source == sample.labels.source:  # type: ignore[union-attr]
            return replace(before, sample=sample)
    assert sample.labels is not None
    boxes = working_boxes(sample.labels, image)
    if share >= 1:
        held = Held(share=1.0)
    else:
        labels = sample.labels
        held = hold_out([_profile(labels, image, box, classes) for box in boxes], share)
    places = _find(sample.labels, image, boxes, held, classes)
    if share < 1 and bool(((places.positive == 0) & (places.positive_held > 0)).any()):
        # So little is labelled that all of a class would only judge.
        held = Held()
        places = _find(sample.labels, image, boxes, held, classes)
    return Source(sample, image, held, places)


def _profile(labels: SampleLabels, image: ScaledVolume, box: Box, classes: int) -> Profile:
    axis = long_axis(box)
    across = tuple(a for a in range(3) if a != axis)
    counts = np.zeros((1 + classes, box[1][axis] - box[0][axis]), np.int64)
    for lo, hi in _pieces((box,)):
        values = read_labels(labels, image, lo, hi)
        counts[0] += (values != UNKNOWN).any(0).sum(across)
        for k in range(classes):
            counts[1 + k] += (values[k] > 0).sum(across)
    return Profile(box, counts)


def _find(
    labels: SampleLabels, image: ScaledVolume, boxes: tuple[Box, ...], held: Held, classes: int
) -> Places:
    rng = np.random.default_rng(0)
    places: list[list[NDArray[np.int32]]] = [[] for _ in range(classes + 1)]
    known = judged = 0
    positive, positive_held = np.zeros(classes, np.int64), np.zeros(classes, np.int64)
    pieces = list(_pieces(boxes))
    most = min(_MOST_PLACES, max(_LEAST_PLACES, _MOST_IN_ALL // max(1, len(pieces))))
    for lo, hi in pieces:
        values, judges = read_labels(labels, image, lo, hi), held.mask(lo, hi)
        told = (values != UNKNOWN).any(0)
        known += int((told & ~judges).sum())
        judged += int((told & judges).sum())
        of_class = [values[k] > 0 for k in range(classes)]
        positive += [int((mine & ~judges).sum()) for mine in of_class]
        positive_held += [int((mine & judges).sum()) for mine in of_class]
        for index, mask in enumerate([*of_class, told]):
            found = np.flatnonzero(mask & ~judges)
            if len(found) > most:
                found = rng.choice(found, most, replace=False)
            zyx = np.stack(np.unravel_index(found, mask.shape), 1) + lo
            places[index].append(zyx.astype(np.int32))
    joined = [np.concatenate(p) if p else np.empty((0, 3), np.int32) for p in places]
    return Places(tuple(joined[:-1]), joined[-1], known, judged, positive, positive_held)


def _pieces(boxes: tuple[Box, ...]) -> Iterator[Box]:
    """Yield boxes, the large ones section by section or a few at once."""
    for lo, hi in boxes:
        section = (hi[1] - lo[1]) * (hi[2] - lo[2])
        depth = max(1, _PIECE // max(1, section))
        for z in range(lo[0], hi[0], depth):
            yield (z, lo[1], lo[2]), (min(z + depth, hi[0]), hi[1], hi[2])


def _steps(image: ScaledVolume) -> Triple:
    return (image.bin,) * 3 if isinstance(image.bin, int) else image.bin
