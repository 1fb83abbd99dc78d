"""What a training learns from the paintings of a project."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.picks import journal
from tomoscribe.picks.journal import Journal
from tomoscribe.project.annotations import regions_of
from tomoscribe.project.file import journal_path, read_project_file
from tomoscribe.project.labelled_volume import volume_facts
from tomoscribe.project.model import Role, TrainingData, TrainingSample
from tomoscribe.project.painted import CHUNK, PaintedLabels, is_painted
from tomoscribe.segmentation.labels import SampleLabels
from tomoscribe.segmentation.painted_values import (
    BACKGROUND,
    FIRST_OBJECT,
    inside,
    labels_of_values,
)

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.project.file import ProjectFile
    from tomoscribe.project.model import Region, TomogramEntry
    from tomoscribe.segmentation.labels import LabelClass, Triple
    from tomoscribe.segmentation.painted_values import Box


class PaintedReader:
    """Reads a painting in the form of all trainings.

    Parameters
    ----------
    painted : PaintedLabels or None
        None where only boxes are declared fully labelled.
    classes : tuple of LabelClass
        What is learned, with their values.
    complete : tuple of tuple of boxes
        For each class the boxes in which what is not labelled is background.
    """

    def __init__(
        self,
        painted: PaintedLabels | None,
        classes: tuple[LabelClass, ...],
        complete: tuple[tuple[Box, ...], ...],
    ) -> None:
        self._painted = painted
        self._objects = {} if painted is None else painted.objects
        self._values = [c.value for c in classes]
        self._complete = complete

    def read(self, lo_zyx: Triple, hi_zyx: Triple) -> NDArray[np.int32]:
        """Return the labels of a box as (class, z, y, x); see `labels.LabelReader`."""
        if self._painted is None:
            values = np.zeros([b - a for a, b in zip(lo_zyx, hi_zyx, strict=True)], np.uint16)
        else:
            values = self._painted.read(lo_zyx, hi_zyx)
        complete = np.stack([inside(boxes, lo_zyx, hi_zyx) for boxes in self._complete])
        return labels_of_values(values, self._values, self._objects, complete)


def load_painted(folder: Path, revision: int) -> TrainingData:
    """Read what is painted in a project.

    Tomograms in which nothing is painted are samples without labels: they teach nothing, and
    can be predicted on. All classes are learned, also those that are not painted yet, so that
    they may come while a training runs.

    Raises
    ------
    TomoscribeError
        If there is no class, or nothing to tell apart is painted.
    """
    content = read_project_file(folder)
    if not content.tomograms:
        raise TomoscribeError(f"The project {folder} holds no image: add one first.")
    classes = tuple(item.to_class() for item in content.label_classes)
    if not classes:
        raise TomoscribeError(
            f"The project {folder} has no class of voxels: make one, and paint it and background."
        )
    warnings: list[str] = []
    known = _Known()
    samples = _samples(folder, content, classes, known)
    _check(content, folder, classes, known, warnings)
    return TrainingData(
        samples, (), revision, tuple(warnings), label_classes=classes, exclusive=True
    )


def painted_of(folder: Path, names: Collection[str] | None = None) -> TrainingData:
    """Return what is painted in a project, whatever there is: enough to judge by, not to learn.

    Parameters
    ----------
    folder : Path
        The project's.
    names : collection of str or None
        Of the images that are asked for, also those that are not used; None: all.

    Raises
    ------
    TomoscribeError
        If the project or a painting cannot be read.
    """
    content = read_project_file(folder)
    classes = tuple(item.to_class() for item in content.label_classes)
    samples = _samples(folder, content, classes, _Known(), names, unused=True)
    return TrainingData(samples, (), label_classes=classes, exclusive=True)


def judging_images(folder: Path) -> set[str]:
    """Return the names of a project's images that validate and have labels; it opens no image.

    Raises
    ------
    TomoscribeError
        If the project or a painting cannot be read.
    """
    entries = [item.to_entry(folder) for item in read_project_file(folder).tomograms]
    names = [entry.name for entry in entries if entry.role == Role.VALIDATE]
    return {name for name in names if _is_labelled(folder, name)}


def _is_labelled(folder: Path, name: str) -> bool:
    painted = is_painted(folder, name) and PaintedLabels(folder, name, read_only=True).chunks()
    return bool(painted or regions_of(Journal.replay(journal_path(folder, name))))


def _samples(
    folder: Path,
    content: ProjectFile,
    classes: tuple[LabelClass, ...],
    known: _Known,
    names: Collection[str] | None = None,
    *,
    unused: bool = False,
) -> tuple[TrainingSample, ...]:
    """Return the images with their labels; those of images that are not used only if `unused`."""
    samples = []
    for item in content.tomograms:
        if names is not None and item.name not in names:
            continue
        entry = item.to_entry(folder)
        contents = Journal.replay(journal_path(folder, item.name))
        wanted = bool(classes) and (unused or entry.role != Role.UNUSED)
        samples.append(_sample(folder, entry, classes, regions_of(contents), known, wanted))
    return tuple(samples)


class _Known:
    """What is labelled in the images that train."""

    def __init__(self) -> None:
        self.voxels: dict[int, int] = {}
        """Voxels by class value, and of background."""
        self.boxes = 0
        """Boxes that are fully labelled."""

    def add(self, painted: PaintedLabels) -> None:
        objects = painted.objects
        for value, count in painted.counts().items():
            of_class = objects.get(value, 0) if value >= FIRST_OBJECT else value
            self.voxels[of_class] = self.voxels.get(of_class, 0) + count


def _sample(
    folder: Path,
    entry: TomogramEntry,
    classes: tuple[LabelClass, ...],
    regions: list[Region],
    known: _Known,
    wanted: bool,
) -> TrainingSample:
    plain = TrainingSample(
        entry.name,
        entry.address,
        entry.voxel_size_A,
        entry.role,
        regions=tuple(regions),
        voxel_sizes_zyx_A=entry.voxel_sizes_zyx_A,
    )
    painted_here = is_painted(folder, entry.name)
    if not wanted or not (painted_here or regions):
        return plain
    facts = volume_facts(entry.address, entry.size)
    complete = tuple(complete_boxes(regions, c.name, facts.shape_zyx) for c in classes)
    painted = None
    if painted_here:
        painted = PaintedLabels(folder, entry.name, facts.shape_zyx, read_only=True)
    # Taken before anything is read: what changes meanwhile is news once more.
    stamps = {} if painted is None else painted.stamps()
    boxes = _labelled_boxes(stamps, facts.shape_zyx, {b for own in complete for b in own})
    if not boxes:
        return plain
    if entry.role == Role.TRAIN:
        known.boxes += sum(map(len, complete))
        if painted is not None:
            known.add(painted)
    version = journal.revision(journal_path(folder, entry.name))
    labels = SampleLabels(
        PaintedReader(painted, classes, complete),
        tuple(boxes.values()),
        str(folder if painted is None else painted.path),
        version + (0 if painted is None else painted.revision),
        tuple(
            (stamps.get(index), tuple(_parts(own, box) for own in complete))
            for index, box in boxes.items()
        ),
        frozenset() if painted is None else painted.whole,
    )
    return TrainingSample(
        entry.name,
        entry.address,
        entry.voxel_size_A,
        entry.role,
        regions=tuple(regions),
        labels=labels,
        voxel_sizes_zyx_A=None if facts.cubes_assumed else facts.voxel_sizes_zyx_A,
    )


def complete_boxes(regions: list[Region], class_name: str, shape_zyx: Triple) -> tuple[Box, ...]:
    """Return the boxes, in whole voxels, in which a class is fully labelled."""
    result: list[Box] = []
    for region in regions:
        if region.class_names and class_name not in region.class_names:
            continue
        lo = [max(math.ceil(v), 0) for v in region.lo_zyx]
        hi = [min(math.ceil(v), n) for v, n in zip(region.hi_zyx, shape_zyx, strict=True)]
        if all(a < b for a, b in zip(lo, hi, strict=True)):
            result.append(((lo[0], lo[1], lo[2]), (hi[0], hi[1], hi[2])))
    return tuple(result)


def _parts(complete: tuple[Box, ...], box: Box) -> tuple[Box, ...]:
    """Return which fully labelled boxes reach into a box."""
    lo, hi = box
    return tuple(
        (first, last)
        for first, last in complete
        if all(a < e and f < b for a, b, f, e in zip(lo, hi, first, last, strict=True))
    )


def _labelled_boxes(
    painted: Collection[Triple], shape_zyx: Triple, complete: set[Box]
) -> dict[Triple, Box]:
    """Return boxes that share no voxel and hold all that is labelled, by index of their chunk.

    A box is a chunk, where it is painted, or a part of it. Without that, a voxel in two of them
    would teach twice as often as its neighbours.
    """
    found: dict[Triple, Box] = {}
    for lo, hi in complete:
        first = [a // c for a, c in zip(lo, CHUNK, strict=True)]
        last = [(b - 1) // c for b, c in zip(hi, CHUNK, strict=True)]
        for offset in np.ndindex(*(b - a + 1 for a, b in zip(first, last, strict=True))):
            z, y, x = (f + o for f, o in zip(first, offset, strict=True))
            begin = [i * c for i, c in zip((z, y, x), CHUNK, strict=True)]
            a = [max(p, q) for p, q in zip(lo, begin, strict=True)]
            b = [min(p, q + c) for p, q, c in zip(hi, begin, CHUNK, strict=True)]
            before = found.get((z, y, x), ((a[0], a[1], a[2]), (b[0], b[1], b[2])))
            a = [min(p, q) for p, q in zip(a, before[0], strict=True)]
            b = [max(p, q) for p, q in zip(b, before[1], strict=True)]
            found[z, y, x] = ((a[0], a[1], a[2]), (b[0], b[1], b[2]))
    for index in painted:
        a = [i * c for i, c in zip(index, CHUNK, strict=True)]
        b = [min(p + c, n) for p, c, n in zip(a, CHUNK, shape_zyx, strict=True)]
        found[index] = ((a[0], a[1], a[2]), (b[0], b[1], b[2]))
    return {index: found[index] for index in sorted(found)}


def _check(
    content: ProjectFile,
    folder: Path,
    classes: tuple[LabelClass, ...],
    known: _Known,
    warnings: list[str],
) -> None:
    painted = [c for c in classes if known.voxels.get(c.value)]
    if not painted:
        if all(item.role == Role.UNUSED for item in content.tomograms):
            raise TomoscribeError(f"No image trains in {folder}: set the role of one to 'train'.")
        names = ", ".join(f"'{c.name}'" for c in classes)
        raise TomoscribeError(
            f"No voxel of {names} is painted on an image that trains in {folder}: paint a few "
            "strokes of it, and of background."
        )
    background = known.voxels.get(BACKGROUND) or known.boxes
    if not background and len(painted) == 1:
        raise TomoscribeError(
            f"Only '{painted[0].name}' is painted in {folder}: paint background too, or declare a "
            "box fully labelled."
        )
    if not background:
        warnings.append(
            "No background is painted: every voxel will be taken for one of the classes; paint "
            "some, or declare a box fully labelled."
        )
    warnings += [
        f"'{c.name}' is not painted yet and cannot be learned until it is."
        for c in classes
        if c not in painted
    ]
