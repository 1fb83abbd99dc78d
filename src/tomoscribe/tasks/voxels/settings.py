"""What the user may set of a segmentation; no torch, so that the viewer stays light.

Where AutoSeg or the CellMap toolbox has the same option, its name stands in brackets.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class VoxelSettings(BaseModel):
    """What the user may set. `None` means that the plan chooses and shows its choice."""

    model_config = ConfigDict(extra="forbid")

    dimension: Literal["auto", "2d", "2.5d", "3d"] = Field(
        "auto",
        description="auto: 3d where voxels are about cubes and the stack is thick, else 2d; "
        "2.5d: sections with their neighbours as channels",
    )
    overlap: bool | None = Field(
        None, description="a voxel may be of several classes; default by the labels"
    )
    hold_out_labels: float = Field(
        0.2, ge=0, lt=1, description="share of the labelled voxels that only judge"
    )
