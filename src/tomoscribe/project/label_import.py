"""Labels of a file become paint of a project: to go on from them with the brush."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.label_files import count_values
from tomoscribe.io.volumes import open_volume
from tomoscribe.project.classes import class_color
from tomoscribe.project.label_checks import check_shapes, meaning_of
from tomoscribe.project.labelled_volume import changed_us, volume_facts
from tomoscribe.project.painted import PaintedLabels
from tomoscribe.segmentation.labels import UNKNOWN, LabelClass
from tomoscribe.segmentation.painted_values import (
    BACKGROUND,
    DTYPE,
    FIRST_OBJECT,
    MAX_VALUE,
    UNLABELLED,
)
from tomoscribe.segmentation.value_labels import labels_of_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.project.labelled_volume import VolumeFacts
    from tomoscribe.project.model import TomogramEntry
    from tomoscribe.project.source import LabelFiles
    from tomoscribe.project.store import Project
    from tomoscribe.segmentation.value_labels import ValueMeaning


MOST_OBJECTS = MAX_VALUE - FIRST_OBJECT + 1
"""Numbers that a painting has for objects, ever."""


@dataclass(frozen=True)
class ReadLabels:
    """What a label file says of a tomogram, checked; nothing is painted yet.

    Parameters
    ----------
    tomogram, address : str
        Name of the tomogram, and what `open_volume` takes.
    image : VolumeFacts
        Of the tomogram.
    classes : tuple of LabelClass
        In the file.
    meaning : ValueMeaning
        Of its values.
    numbers : tuple of int
        Values that number objects; empty where values are classes.
    notes : tuple of str
        Sentences about how the values were read.
    """

    tomogram: str
    address: str
    image: VolumeFacts
    classes: tuple[LabelClass, ...]
    meaning: ValueMeaning
    numbers: tuple[int, ...]
    notes: tuple[str, ...]


def read_labels(
    entry: TomogramEntry, address: str, files: LabelFiles, *, objects: bool = False
) -> ReadLabels:
    """Read what a label file holds, and check that it fits the tomogram.

    Parameters
    ----------
    entry : TomogramEntry
        Tomogram whose voxels are labelled.
    address : str
        What `open_volume` takes.
    files : LabelFiles
        What the values mean; its image and labels are not looked at.
    objects : bool
        Values number objects, which stay apart.

    Raises
    ------
    TomoscribeError
        If the labels cannot be read, or do not fit.
    """
    image = volume_facts(entry.address, entry.size)
    check_shapes(entry.address, image.shape_zyx, address, open_volume(address).shape_zyx)
    counts = count_values(address, changed_us(address))
    classes, meaning, notes = meaning_of({address: counts}, files, objects=objects, trains=False)
    nothing = (meaning.background, meaning.unlabelled)
    numbers = tuple(v for v in counts.values if v not in nothing) if objects else ()
    if len(numbers) > MOST_OBJECTS:
        raise TomoscribeError(
            f"{address} numbers {len(numbers)} objects, and a painting holds {MOST_OBJECTS}: train "
            "on the file itself, or import a part of it."
        )
    return ReadLabels(entry.name, address, image, classes, meaning, numbers, tuple(notes))


def add_classes(project: Project, classes: Sequence[LabelClass]) -> list[int]:
    """Return the painted value of each class; those that are new are added to the project.

    Raises
    ------
    TomoscribeError
        If there are too many, or they cannot be saved.
    """
    there = {c.name for c in project.label_classes}
    count = len(there)
    new = [c.name for c in classes if c.name not in there]
    if new:
        added = [LabelClass(n, class_color(count + i)) for i, n in enumerate(new)]
        project.set_label_classes([*project.label_classes, *added])
    value_of = {c.name: c.value for c in project.label_classes}
    return [value_of[c.name] for c in classes]


def paint_labels(folder: Path, read: ReadLabels, values: Sequence[int]) -> None:
    """Paint what was read; what it leaves open keeps its paint.

    Parameters
    ----------
    folder : Path
        The project's.
    read : ReadLabels
    values : sequence of int
        The painted value of each of its classes.

    Raises
    ------
    TomoscribeError
        If it cannot be saved.
    """
    image = read.image
    painted = PaintedLabels(folder, read.tomogram, image.shape_zyx, image.voxel_sizes_zyx_A)
    numbers: dict[int, int] = {}
    if read.numbers:
        new = painted.add_objects(values[0], len(read.numbers))
        numbers = dict(zip(read.numbers, new, strict=True))
    data = open_volume(read.address).data
    for z in range(image.shape_zyx[0]):
        section = np.asarray(data[z : z + 1])
        known = labels_of_file(section, read.meaning, read.address)
        new_paint = _paint(known, section, values, numbers)
        old = painted.read((z, 0, 0), (z + 1, *image.shape_zyx[1:]))
        painted.write((z, 0, 0), np.where(new_paint == UNLABELLED, old, new_paint))


def import_labels(
    project: Project, name: str, address: str, files: LabelFiles, *, objects: bool = False
) -> tuple[str, ...]:
    """Paint what a label file says of a tomogram; what it leaves open keeps its paint.

    Classes that the project lacks are added to it. It is checked before anything changes.

    Parameters
    ----------
    project : Project
        Open for editing.
    name : str
        Tomogram whose voxels are labelled.
    address, files, objects
        As of `read_labels`.

    Returns
    -------
    tuple of str
        Sentences about how the values were read.

    Raises
    ------
    TomoscribeError
        If the labels cannot be read, do not fit, or cannot be saved.
    """
    read = read_labels(project.tomograms[name], address, files, objects=objects)
    if project.read_only:
        raise TomoscribeError(f"{project.path} is open for reading only.")
    paint_labels(project.path, read, add_classes(project, read.classes))
    return read.notes


def _paint(
    known: NDArray[np.int32],
    section: NDArray[np.generic],
    values: Sequence[int],
    numbers: dict[int, int],
) -> NDArray[np.uint16]:
    """Return the painted values of labels (class, z, y, x)."""
    painted = np.zeros(known.shape[1:], dtype=DTYPE)
    painted[(known != UNKNOWN).all(axis=0)] = BACKGROUND
    for of_class, value in zip(known, values, strict=True):
        painted[of_class > 0] = value
    for number in np.unique(section[known[0] > 0]) if numbers else ():
        painted[(section == number) & (known[0] > 0)] = numbers[int(number)]
    return painted
