"""An image with its labels as a training holds it: the working grid, what judges, what is where."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.segmentation.labels import UNKNOWN
from tomoscribe.segmentation.whole import mark_whole
from tomoscribe.tasks.voxels.places import look_at, together

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from tomoscribe.project.model import TrainingSample
    from tomoscribe.segmentation.labels import SampleLabels
    from tomoscribe.tasks.tomogram.scaled import ScaledVolume
    from tomoscribe.tasks.voxels.holdout import Held
    from tomoscribe.tasks.voxels.places import BoxFacts, Places

    Triple = tuple[int, int, int]
    Box = tuple[Triple, Triple]


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
    facts : mapping of box to BoxFacts
        What is in each box of labels.
    """

    sample: TrainingSample
    image: ScaledVolume
    held: Held
    places: Places = field(repr=False)
    facts: Mapping[Box, BoxFacts] = field(repr=False)

    @property
    def labels(self) -> SampleLabels:
        """Its labels."""
        assert self.sample.labels is not None
        return self.sample.labels

    @property
    def boxes(self) -> tuple[Box, ...]:
        """Where its labels are, on the working grid."""
        return tuple(self.facts)

    @property
    def classes(self) -> int:
        """How many its labels have."""
        return len(self.places.of_class)

    def read_labels(self, lo: Triple, hi: Triple) -> NDArray[np.int32]:
        """Return the labels (class, z, y, x) of a box of working voxels."""
        return read_labels(self.labels, self.image, lo, hi)

    def read_training(self, lo: Triple, hi: Triple) -> NDArray[np.int32]:
        """Return the labels (class, z, y, x) of a box of working voxels; what judges is unknown."""
        labels = self.read_labels(lo, hi)
        if self.held.blocks or self.held.share > 0:
            labels[:, self.held.mask(lo, hi)] = UNKNOWN
        return labels

    def changed_since(self, before: Source) -> tuple[list[Box], list[Box]]:
        """Return the boxes of which other labels train than `before`, and those that are gone."""

        def trains(facts: BoxFacts | None) -> object:
            return None if facts is None else (facts.stamp, facts.held)

        changed = [b for b, f in self.facts.items() if trains(f) != trains(before.facts.get(b))]
        return changed, [box for box in before.facts if box not in self.facts]

    @property
    def dense(self) -> bool:
        """Whether what judges is labelled whole, so that objects can be counted."""
        return bool(self.held.blocks) or (self.held.share >= 1 and self._density() > 0.5)

    def _density(self) -> float:
        return (self.places.known + self.places.held) / max(1, volume_of(self.boxes))


def read_labels(
    labels: SampleLabels, image: ScaledVolume, lo: Triple, hi: Triple
) -> NDArray[np.int32]:
    """Return the labels (class, z, y, x) of a box of working voxels: those at their middles.

    Whole objects are marked (`segmentation.whole`).
    """
    spans = list(zip(lo, hi, _steps(image), strict=True))
    first = tuple(a * n + n // 2 for a, _, n in spans)
    last = tuple((b - 1) * n + n // 2 + 1 for _, b, n in spans)
    values = labels.reader.read(first, last)  # type: ignore[arg-type]
    values = values[(slice(None), *(slice(None, None, n) for _, _, n in spans))]
    return mark_whole(values, labels.whole)


def labels_around(source: Source, lo: Triple, hi: Triple, margin: Triple) -> NDArray[np.int32]:
    """Return the labels (class, z, y, x) of a box with a margin, also those that judge."""
    return source.read_labels(
        tuple(a - m for a, m in zip(lo, margin, strict=True)),  # type: ignore[arg-type]
        tuple(b + m for b, m in zip(hi, margin, strict=True)),  # type: ignore[arg-type]
    )


def working_boxes(labels: SampleLabels, image: ScaledVolume) -> dict[Box, object]:
    """Return the boxes of labels on the working grid, cut to the image, with their stamps.

    A working voxel is in the box that its middle is in, so that boxes stay apart.
    """
    steps, shape = _steps(image), image.shape_zyx
    # What nobody stamps may have changed.
    stamps = labels.stamps or [object() for _ in labels.boxes]
    boxes: dict[Box, object] = {}
    for (lo, hi), stamp in zip(labels.boxes, stamps, strict=True):
        first = tuple(max(0, -((n // 2 - a) // n)) for a, n in zip(lo, steps, strict=True))
        ends = zip(hi, steps, shape, strict=True)
        last = tuple(min(-((n // 2 - b) // n), s) for b, n, s in ends)
        if all(a < b for a, b in zip(first, last, strict=True)):
            box: Box = (first, last)  # type: ignore[assignment]
            boxes[box] = (boxes[box], stamp) if box in boxes else stamp
    return boxes


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
    known = {} if before is None or before.image is not image else before.facts
    held, facts = _look(sample.labels, image, classes, share, known)
    return Source(sample, image, held, together(list(facts.values()), classes), facts)


def held_in(
    labels: SampleLabels, image: ScaledVolume, classes: int, share: float
) -> tuple[Held, Places]:
    """Return what of an image only judges, and where its labels are.

    Parameters
    ----------
    labels : SampleLabels
    image : ScaledVolume
        Only its grid is asked for.
    classes : int
        How many the labels have.
    share : float
        Of the labels that is to judge; 1: all.
    """
    held, facts = _look(labels, image, classes, share, {})
    return held, together(list(facts.values()), classes)


def _look(
    labels: SampleLabels,
    image: ScaledVolume,
    classes: int,
    share: float,
    before: Mapping[Box, BoxFacts],
) -> tuple[Held, dict[Box, BoxFacts]]:
    def read(lo: Triple, hi: Triple) -> NDArray[np.int32]:
        return read_labels(labels, image, lo, hi)

    return look_at(working_boxes(labels, image), read, classes, share, before)


def _steps(image: ScaledVolume) -> Triple:
    return (image.bin,) * 3 if isinstance(image.bin, int) else image.bin
