"""What the user may set of a training.

One model for the dock, the command line, the config file and the checkpoint.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tomoscribe.tasks.membrane.settings import MembraneSettings
from tomoscribe.tasks.voxels.settings import VoxelSettings


class TrainingSettings(BaseModel):
    """What the user may set. `None` means that the plan chooses and shows its choice."""

    model_config = ConfigDict(extra="forbid")

    max_minutes: float = Field(
        5.0,
        gt=0,
        description="training time in minutes, previews included; more rarely pays on few clicks",
    )
    seed: int = Field(0, description="random seed; same seed and device, same curve")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:1, mps")
    threads: int | None = Field(
        None, gt=0, description="CPU threads of the worker; default all but one"
    )
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto",
        description="auto: bfloat16 where a one-second test shows that it is faster and agrees",
    )
    bin: int | None = Field(
        None,
        gt=0,
        description="average-binning factor; default: 6-14 voxels across the smallest particle, "
        "14 or more where the network halves once more",
    )
    patch: int | None = Field(
        None, gt=0, description="patch edge in binned voxels; default 4 diameters or more"
    )
    batch: int | None = Field(None, gt=0, description="patches a step")
    accumulate: int = Field(
        1,
        gt=0,
        description="steps whose gradients make one of the optimizer, as if the batch were larger",
    )
    width: int | None = Field(None, gt=0, description="channels of the first level")
    learning_rate: float | None = Field(None, gt=0, description="peak learning rate of AdamW")
    max_steps: int | None = Field(None, gt=0, description="steps at most, besides the time")
    patience: int | None = Field(
        None,
        gt=0,
        description="validations without a better one before the end; default: none, use the time",
    )
    validate_every_s: float = Field(
        10.0, gt=0, description="seconds of training between validations"
    )
    validate_every_steps: int | None = Field(
        None, gt=0, description="validate after each so many steps instead of by time"
    )
    preview_every_s: float = Field(
        5.0, gt=0, description="seconds between previews of what is in view"
    )
    preview_share: float = Field(
        0.1, ge=0, le=0.5, description="largest share of the training time that previews may take"
    )
    keep_best: int = Field(3, ge=1, description="best checkpoints kept besides the last")
    hold_out: float = Field(
        0.2,
        ge=0,
        lt=1,
        description="share of the clicks kept from training to validate and calibrate",
    )
    loss: Literal["hot-exclusion", "nnpu", "negative"] = Field(
        "hot-exclusion",
        description="unlabelled voxels: negatives but for the hottest few per cent; "
        "non-negative PU; or plain negatives",
    )
    prior: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="share of particle voxels, for nnpu; default 0.005",
    )
    membrane: MembraneSettings = Field(
        default_factory=MembraneSettings, description="what only trainings on membranes have"
    )
    voxels: VoxelSettings = Field(
        default_factory=VoxelSettings, description="what only segmentations have"
    )

    @model_validator(mode="after")
    def _epochs_known(self) -> TrainingSettings:
        if self.voxels.scheduler is not None and self.validate_every_steps is None:
            raise ValueError(
                f"The scheduler {self.voxels.scheduler} makes a step an epoch: say with "
                "validate_every_steps how many steps that is."
            )
        return self
