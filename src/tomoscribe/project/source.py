"""Where a training takes its data from: a project, a folder, lists, or images with labels."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class LabelFiles(BaseModel):
    """Images and labels of voxels that lie in files, and how the labels are meant."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: str | None = Field(
        None,
        description="image: a volume, a folder of images, a list of files (.txt), tiles (.json)",
    )
    labels: str | None = Field(None, description="labels of the image, of the same shape")
    csv: Path | None = Field(None, description="datasplit of the CellMap toolbox (.csv)")
    classes: tuple[str, ...] = Field(
        (), description="names of the classes, by rising label value; default class 1, 2, …"
    )
    unlabelled: int | None = Field(
        None, description="label value of voxels that nobody has labelled; default none"
    )
    background: int | None = Field(0, description="label value of what is of no class")
    objects: bool | None = Field(
        None, description="label values number objects, not classes; default by the task"
    )
    voxel_size_zyx_nm: tuple[float, float, float] | None = Field(
        None, description="voxel edges in nm, z y x, where the file does not tell them"
    )
    scale_zyx_nm: tuple[float, float, float] | None = Field(
        None, description="voxel edges in nm, z y x, to train at; images are resampled to it"
    )

    def absolute(self) -> LabelFiles:
        """Return the same with paths that do not depend on the current folder."""
        return self.model_copy(
            update={
                "image": None if self.image is None else absolute_address(self.image),
                "labels": None if self.labels is None else absolute_address(self.labels),
                "csv": None if self.csv is None else Path(absolute_address(str(self.csv))),
            }
        )


def absolute_address(address: str) -> str:
    """Return an address that does not depend on the current folder; those of the net stay."""
    place, colons, inner = address.partition("::")
    if "://" in place:
        return address
    return f"{Path(place).expanduser().absolute()}{colons}{inner}"


class DataSource(BaseModel):
    """Names the data of a training; `project.training_data.load_training_data` reads it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["project", "folder", "lists", "pair", "datasplit"] = "project"
    """`pair` is one image and its labels, `datasplit` a list of them; both in `voxels`."""
    path: Path | None = Field(None, description="project folder, or folder with train/ and val/")
    images: Path | None = Field(None, description="list of image_name, rec_path (MiLoPYP)")
    coordinates: Path | None = Field(
        None, description="list of image_name, x_coord, y_coord, z_coord (MiLoPYP)"
    )
    diameter_A: float | None = Field(
        None, gt=0, description="particle diameter in Å, where the data do not tell it"
    )
    diameter_scale: float = Field(
        1.0, gt=0, description="factor on the diameters of all classes, for this training only"
    )
    voxel_size_A: float | None = Field(
        None, gt=0, description="voxel size in Å, where the headers do not tell it"
    )
    complete: bool = Field(
        False,
        description="all particles of the membranes are picked, as MemBrain-pick assumes; "
        "otherwise what is not picked is unlabelled outside of annotated patches",
    )
    validate_on: tuple[str, ...] | None = Field(
        None,
        description="membranes that validate where no role says so; filled when a training "
        "begins, so that new picks do not move the split",
    )
    voxels: LabelFiles = Field(
        default_factory=LabelFiles, description="what only segmentations are trained from"
    )
