"""The data that somebody names in words: a folder, lists, a datasplit, an image with its labels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.voxel_size import check_voxel_size
from tomoscribe.project.file import is_project
from tomoscribe.project.source import DataSource, LabelFiles

if TYPE_CHECKING:
    from pathlib import Path


def find_source(
    data: Path | None,
    images: Path | None,
    coordinates: Path | None,
    diameter_A: float | None,
    voxel_size_A: float | None,
    files: LabelFiles | None = None,
) -> DataSource:
    """Return what is named as data.

    Parameters
    ----------
    data : Path or None
        A project, a folder with train/ and perhaps val/, or a datasplit (.csv).
    images, coordinates : Path or None
        MiLoPYP's two lists, instead.
    diameter_A, voxel_size_A : float or None
        Of particles, and of cubes of voxels, where the data do not tell them; Å.
    files : LabelFiles or None
        An image and its labels, instead; or how the labels in `data` are meant.

    Raises
    ------
    TomoscribeError
        If it names nothing, or something that is not there, or a voxel size cannot be true.
    """
    if voxel_size_A is not None:
        check_voxel_size(voxel_size_A)
    source = None
    if images is not None or coordinates is not None:
        if data is not None or images is None or coordinates is None:
            raise TomoscribeError("Give DATA, or both --images and --coordinates.")
        source = DataSource(
            kind="lists",
            images=images,
            coordinates=coordinates,
            diameter_A=diameter_A,
            voxel_size_A=voxel_size_A,
        )
    elif data is not None and data.suffix.lower() == ".csv" and data.is_file():
        source = DataSource(kind="datasplit", voxels=LabelFiles(csv=data))
    elif data is not None:
        if not data.is_dir():
            raise TomoscribeError(
                f"There is no project, training folder or datasplit '{data}'; check the path."
            )
        kind = "project" if is_project(data) else "folder"
        source = DataSource.model_validate(
            {"kind": kind, "path": data, "diameter_A": diameter_A, "voxel_size_A": voxel_size_A}
        )
    source = _with_labels(source, files or LabelFiles(), voxel_size_A)
    if source is None:
        raise TomoscribeError(
            "Give DATA, or both --images and --coordinates, or both --image and --labels."
        )
    return source


def _with_labels(
    source: DataSource | None, files: LabelFiles, voxel_size_A: float | None = None
) -> DataSource | None:
    """Return the source with what is said of labels; of image and labels alone one of its own."""
    if files == LabelFiles():
        return source
    if source is None:
        if files.image is None or files.labels is None:
            raise TomoscribeError("Give DATA, or both --image and --labels.")
        if files.scale_zyx_nm is not None:
            raise TomoscribeError("--scale-nm is about datasplits (.csv) only.")
        return DataSource(kind="pair", voxels=files, voxel_size_A=voxel_size_A)
    if files.image is not None or files.labels is not None:
        raise TomoscribeError("Give DATA, or --image and --labels, not both.")
    if source.kind == "project":
        raise TomoscribeError(
            "--class, --unlabelled, --background, --objects and --voxel-size-nm say how label "
            "files are meant; a project has its own classes and voxel sizes."
        )
    if files.scale_zyx_nm is not None and source.kind != "datasplit":
        raise TomoscribeError("--scale-nm is about datasplits (.csv) only.")
    return source.model_copy(update={"voxels": files.model_copy(update={"csv": source.voxels.csv})})
