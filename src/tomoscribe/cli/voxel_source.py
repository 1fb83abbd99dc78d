"""Options that name images with label files and say how their labels are meant."""

from __future__ import annotations

from typing import Annotated

import typer

from tomoscribe.errors import TomoscribeError
from tomoscribe.io.voxel_size import edges_nm
from tomoscribe.project.source import LabelFiles

Image = Annotated[
    str | None,
    typer.Option(
        help="Image to segment: a volume, a folder of images, a list of them (.txt) or tiles "
        "(.json); with --labels instead of DATA.",
        show_default=False,
    ),
]
Labels = Annotated[
    str | None,
    typer.Option(help="Labels of the image, of the same shape.", show_default=False),
]
Classes = Annotated[
    list[str] | None,
    typer.Option(
        "--class",
        metavar="NAME",
        help="Name of a class, by rising label value; once for each.",
        show_default="class 1, class 2, …",
    ),
]
Unlabelled = Annotated[
    int | None,
    typer.Option(help="Label value of what nobody has labelled.", show_default="none"),
]
Background = Annotated[
    int | None,
    typer.Option(help="Label value of what is of no class.", show_default="0"),
]
Objects = Annotated[
    bool | None,
    typer.Option(
        "--objects/--no-objects",
        help="Label values number the objects of one class, or are classes.",
        show_default="objects for the task instance",
    ),
]
VoxelSizeNm = Annotated[
    str | None,
    typer.Option(
        "--voxel-size-nm",
        metavar="Z,Y,X",
        help="Voxel edges in nm, where the image does not tell them.",
        show_default="from the image",
    ),
]

ScaleNm = Annotated[
    str | None,
    typer.Option(
        "--scale-nm",
        metavar="Z,Y,X",
        help="Voxel edges in nm at which the images of a datasplit are opened.",
        show_default="those of the coarsest labels",
    ),
]


def label_files(
    image: str | None,
    labels: str | None,
    classes: list[str] | None,
    unlabelled: int | None,
    background: int | None,
    objects: bool | None,
    voxel_size_nm: str | None,
    scale_nm: str | None = None,
) -> LabelFiles:
    """Return what the options say of label files.

    Raises
    ------
    TomoscribeError
        If the voxel size is not three numbers above 0.
    """
    files = LabelFiles(
        image=image,
        labels=labels,
        classes=tuple(classes or ()),
        unlabelled=unlabelled,
        objects=objects,
        voxel_size_zyx_nm=None if voxel_size_nm is None else parse_edges_nm(voxel_size_nm),
        scale_zyx_nm=None if scale_nm is None else parse_edges_nm(scale_nm),
    )
    return files if background is None else files.model_copy(update={"background": background})


def parse_edges_nm(text: str) -> tuple[float, float, float]:
    """Return voxel edges z y x in nm from `Z,Y,X`, or one number for all.

    Raises
    ------
    TomoscribeError
        If it is anything else, or cannot be true.
    """
    try:
        values = [float(part) for part in text.replace("x", ",").split(",")]
    except ValueError:
        values = []
    if len(values) == 1:
        values *= 3
    if len(values) != 3 or not all(0 < v < float("inf") for v in values):
        raise TomoscribeError(
            f"'{text}' is no voxel size: give its edges in nm as Z,Y,X, for example 50,4,4."
        )
    return edges_nm(values)
