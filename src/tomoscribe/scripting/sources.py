"""Data as scripts name them: a project, a folder, a datasplit, or an image with its labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tomoscribe.io.voxel_size import edges_nm
from tomoscribe.project.chosen_source import find_source
from tomoscribe.project.source import LabelFiles
from tomoscribe.scripting.project import Project

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomoscribe.project.source import DataSource


def label_files(
    image: str | Path | None,
    labels: str | Path | None,
    classes: Sequence[str],
    unlabelled: int | None,
    background: int | None,
    objects: bool | None,
    voxel_size_nm: float | tuple[float, float, float] | None,
) -> LabelFiles:
    """Return what is said of label files."""
    return LabelFiles(
        image=None if image is None else str(image),
        labels=None if labels is None else str(labels),
        classes=(classes,) if isinstance(classes, str) else tuple(classes),
        unlabelled=unlabelled,
        background=background,
        objects=objects,
        voxel_size_zyx_nm=None if voxel_size_nm is None else edges_nm(voxel_size_nm),
    )


def source_of(data: Project | str | Path | None, files: LabelFiles) -> DataSource:
    """Return the data that are named.

    Raises
    ------
    TomoscribeError
        If that is nothing, or something that is not there.
    """
    place = data.path if isinstance(data, Project) else None if data is None else Path(data)
    return find_source(
        None if place is None else place.expanduser().absolute(), None, None, None, None, files
    )
