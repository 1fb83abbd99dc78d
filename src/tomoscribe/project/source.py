"""Where a training takes tomograms and picks from: a project, a train/val folder, or two lists."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class DataSource(BaseModel):
    """Names the data of a training; `project.training_data.load_training_data` reads it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["project", "folder", "lists"] = "project"
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
