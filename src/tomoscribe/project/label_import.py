"""Labels of a file become paint of a project: to go on from them with the brush."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.io.label_files import count_values
from tomoscribe.io.volumes import open_volume
from tomoscribe.project.classes import class_color
from tomoscribe.project.label_checks import check_shapes, meaning_of
from tomoscribe.project.labelled_volume import changed_us, volume_facts
from tomoscribe.project.painted import PaintedLabels
from tomoscribe.segmentation.labels import UNKNOWN, LabelClass
from tomoscribe.segmentation.painted_values import BACKGROUND, DTYPE, UNLABELLED
from tomoscribe.segmentation.value_labels import labels_of_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from tomoscribe.project.source import LabelFiles
    from tomoscribe.project.store import Project


def import_labels(
    project: Project, name: str, address: str, files: LabelFiles, *, objects: bool = False
) -> tuple[str, ...]:
    """Paint what a label file says of a tomogram; what it leaves open keeps its paint.

    Classes that the project lacks are added to it. It is checked as for a training, before
    anything changes.

    Parameters
    ----------
    project : Project
        Open for editing.
    name : str
        Tomogram whose voxels are labelled.
    address : str
        What `open_volume` takes.
    files : LabelFiles
        What the values mean; its image and labels are not looked at.
    objects : bool
        Values number objects, which stay apart.

    Returns
    -------
    tuple of str
        Sentences about how the values were read.

    Raises
    ------
    TomoscribeError
        If the labels cannot be read, do not fit, or cannot be saved.
    """
    entry = project.tomograms[name]
    image = volume_facts(entry.address, entry.size)
    volume = open_volume(address)
    check_shapes(entry.address, image.shape_zyx, address, volume.shape_zyx)
    counts = count_values(address, changed_us(address))
    classes, meaning, notes = meaning_of({address: counts}, files, objects=objects)
    values = _class_values(project, classes)
    painted = PaintedLabels(
        project.path,
        name,
        image.shape_zyx,
        image.voxel_sizes_zyx_A,
        read_only=project.read_only,
    )
    numbers: dict[int, int] = {}
    if objects:
        kept = [v for v in counts.values if v not in (meaning.background, meaning.unlabelled)]
        numbers = dict(zip(kept, painted.add_objects(values[0], len(kept)), strict=True))
    for z in range(image.shape_zyx[0]):
        section = np.asarray(volume.data[z : z + 1])
        known = labels_of_file(section, meaning, address)
        new = _paint(known, section, values, numbers)
        old = painted.read((z, 0, 0), (z + 1, *image.shape_zyx[1:]))
        painted.write((z, 0, 0), np.where(new == UNLABELLED, old, new))
    return tuple(notes)


def _class_values(project: Project, classes: tuple[LabelClass, ...]) -> list[int]:
    """Return the painted value of each class; those that are new are added to the project."""
    there = {c.name for c in project.label_classes}
    count = len(there)
    new = [c.name for c in classes if c.name not in there]
    if new:
        added = [LabelClass(n, class_color(count + i)) for i, n in enumerate(new)]
        project.set_label_classes([*project.label_classes, *added])
    value_of = {c.name: c.value for c in project.label_classes}
    return [value_of[c.name] for c in classes]


def _paint(
    known: NDArray[np.int32],
    section: NDArray[np.generic],
    values: list[int],
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
