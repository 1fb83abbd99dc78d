"""Painted labels for scripts: read what is painted, and paint what a file says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tomoscribe.errors import TomoscribeError
from tomoscribe.project.label_import import import_labels as into_project
from tomoscribe.project.labelled_volume import volume_facts
from tomoscribe.project.painted import PaintedLabels, is_painted
from tomoscribe.project.source import LabelFiles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from tomoscribe.scripting.project import Project


def painted_labels(project: Project, tomogram: str) -> NDArray[np.uint16]:
    """Return what is painted in a tomogram, voxel by voxel.

    Parameters
    ----------
    project : Project
        A project, also one for reading only.
    tomogram : str
        Name of the tomogram.

    Returns
    -------
    (Z, Y, X) array of uint16
        0 not labelled, 1 background, the `value` of a class in `project.store.label_classes`, and
        from 64 on numbers of objects.

    Raises
    ------
    TomoscribeError
        If there is no such tomogram, or its labels cannot be read.
    """
    store = project.store
    if tomogram not in store.tomograms:
        raise TomoscribeError(f"The project has no tomogram '{tomogram}'.")
    if not is_painted(store.path, tomogram):
        entry = store.tomograms[tomogram]
        return np.zeros(volume_facts(entry.address, entry.size).shape_zyx, np.uint16)
    painted = PaintedLabels(store.path, tomogram, read_only=True)
    return painted.read((0, 0, 0), painted.shape_zyx)


def import_labels(
    project: Project,
    tomogram: str,
    labels: str | Path,
    *,
    classes: Sequence[str] = (),
    background: int | None = 0,
    unlabelled: int | None = None,
    objects: bool = False,
) -> list[str]:
    """Paint what a label file says of a tomogram; what it leaves open keeps its paint.

    Parameters
    ----------
    project : Project
        Open for editing.
    tomogram : str
        Name of the tomogram.
    labels : str or Path
        A volume of whole numbers, of the tomogram's shape: TIFF, MRC, HDF5, zarr, pictures.
    classes : sequence of str
        Names of the classes, by rising value; default class 1, class 2, …
    background, unlabelled : int or None
        Value of what is of no class, and of what nobody has labelled.
    objects : bool
        Values number the objects of one class.

    Returns
    -------
    list of str
        Sentences about how the values were read.

    Raises
    ------
    TomoscribeError
        If the labels cannot be read, do not fit, or cannot be saved.
    """
    if tomogram not in project.store.tomograms:
        raise TomoscribeError(f"The project has no tomogram '{tomogram}'.")
    files = LabelFiles(classes=tuple(classes), background=background, unlabelled=unlabelled)
    return list(into_project(project.store, tomogram, str(labels), files, objects=objects))
