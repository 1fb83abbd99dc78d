"""What the user may set of a segmentation; no torch, so that the viewer stays light.

Where AutoSeg or the CellMap toolbox has the same option, its name stands in brackets. What they
share with other trainings is in `tasks.settings.TrainingSettings`: `learning_rate` [Base LR,
learning_rate], `max_steps` [Iteration Total, epochs x iterations_per_epoch], `batch` [Samples Per
Batch, batch_size], `width` [filters, ngf], `bin`, `seed` [random_seed], `device`, `threads`
[# CPU], `validate_every_steps` [Iteration Save, iterations_per_epoch], `keep_best`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from tomoscribe.errors import TomoscribeError
from tomoscribe.tasks.named_calls import OPTIMIZERS, SCHEDULERS, read_call

Edge = Annotated[int, Field(gt=0)]

PRESETS: dict[str, tuple[str, str]] = {
    "Semantic2D": ("semantic", "2d"),
    "Semantic3D": ("semantic", "3d"),
    "Instance2D": ("instance", "2d"),
    "Instance3D": ("instance", "3d"),
}
"""Task and dimension of AutoSeg's four configurations, by its names; its thresholds for decoding
are `segmentation.decoder_settings.presets`."""


class VoxelSettings(BaseModel):
    """What the user may set. `None` means that the plan chooses and shows its choice."""

    model_config = ConfigDict(extra="forbid")

    dimension: Literal["auto", "2d", "2.5d", "3d"] = Field(
        "auto",
        description="auto: 2d where the stack is thin or sections are more than twice as thick as "
        "pixels are wide; else 3d on a GPU with labels through many sections, 2.5d without; "
        "2.5d: a section is learned with its neighbours as channels "
        "[Training Config Semantic2D … Instance3D]",
    )
    net: str | None = Field(
        None,
        description="unet, resnet, vit; or file: what a Python file that you trust builds; "
        "default unet, or as in the checkpoint that it starts from [model_name, model]",
    )
    net_options: dict[str, int | float | str | bool | list[int]] = Field(
        default_factory=dict, description="options of the network by name [model_kwargs]"
    )
    levels: int | None = Field(None, ge=2, le=7, description="resolutions of the network")
    window_zyx: tuple[Edge, Edge, Edge] | None = Field(
        None,
        description="voxels of the image in a training window, z y x "
        "[Window Size; input_array_info shape]",
    )
    overlap: bool | None = Field(
        None,
        description="a voxel may be of several classes; default by the labels, of which painted "
        "ones say that a voxel of one class is none of the others",
    )
    hold_out_labels: float = Field(
        0.2,
        ge=0,
        lt=1,
        description="share of the labelled voxels that only judge [validation_prob]",
    )
    contour_width: int = Field(
        1,
        ge=1,
        le=16,
        description="half width of contours in working voxels [w of target 4-w-b]",
    )
    contour_background: bool = Field(
        True,
        description="contours also where an object meets the background, not only another object "
        "[b of target 4-w-b]",
    )
    contour_3d: bool | None = Field(
        None, description="contours also between sections; default where the network is 3d"
    )
    distance: bool | None = Field(
        None, description="predict the distance from the contour too [target 5]; default no"
    )
    affinity: bool = Field(
        False,
        description="predict whether voxels are of one object, neighbours and some a little "
        "apart, and decode by that [target 2]",
    )
    loss: Literal["bce+dice", "bce", "dice", "focal"] = Field(
        "bce+dice",
        description="of classes and contours; cross-entropy where classes exclude each other "
        "[criterion]",
    )
    dice_weight: float = Field(0.5, ge=0, description="weight of the Dice part [loss weights]")
    class_weights: bool = Field(
        False, description="rare classes weigh more in the cross-entropy [weight_loss]"
    )
    positive_weights: list[float] = Field(
        default_factory=list,
        description="how much voxels of each class count in the cross-entropy, in the order of "
        "the classes; one number for all, none: 1 [pos_weight]",
    )
    optimizer: str | None = Field(
        None,
        description="a name of torch.optim with values where wanted, as in SGD(momentum=0.9); "
        "default AdamW [optimizer]",
    )
    scheduler: str | None = Field(
        None,
        description="a name of torch.optim.lr_scheduler with values, as in StepLR(step_size=10); "
        "it makes a step each validate_every_steps; default a warm-up and a cosine [scheduler]",
    )
    prior_correction: bool = Field(
        True,
        description="correct for strokes that show a class more often than it occurs, so that "
        "a score of 0.5 is the right threshold",
    )
    centred: float = Field(
        0.5,
        ge=0,
        le=1,
        description="share of the windows centred on voxels of a class, all classes alike "
        "[weighted_sampler]; the others lie anywhere that is labelled",
    )
    turns: bool = Field(
        True,
        description="turn windows at all: flips and quarter turns, and what is set of rotations "
        "and exchanges of axes [spatial_transforms]",
    )
    flips_zyx: tuple[float, float, float] = Field(
        (0.5, 0.5, 0.5), description="chance of a flip along z, y, x [mirror]"
    )
    quarter_turns: bool = Field(True, description="quarter turns within sections")
    rotate_z: tuple[float, float] = Field(
        (0.0, 0.0), description="degrees, from and to, of turns within sections [rotate]"
    )
    rotate_y: tuple[float, float] = Field(
        (0.0, 0.0), description="degrees of turns about y, of 3d networks [rotate]"
    )
    rotate_x: tuple[float, float] = Field(
        (0.0, 0.0), description="degrees of turns about x, of 3d networks [rotate]"
    )
    transpose: list[Literal["z", "y", "x"]] = Field(
        default_factory=list,
        description="axes that change places by chance where they are as long [transpose]",
    )
    scale: float = Field(
        1.25, ge=1, le=2, description="magnify or shrink windows by up to this factor [rescale]"
    )
    intensity: bool = Field(True, description="vary contrast, brightness and noise")
    clip_gradients: float | None = Field(
        None, gt=0, description="largest norm of the gradients [max_grad_norm]"
    )
    memory_gb: float | None = Field(
        None,
        ge=0,
        description="GB that images and labels may take where the network computes; what does "
        "not fit is read window by window; default: a third of what a GPU has free, 1 on a "
        "processor",
    )
    validation_s: float | None = Field(
        None, gt=0, description="seconds that a validation may take [validation_time_limit]"
    )
    validation_boxes: int | None = Field(
        None, gt=0, description="boxes that a validation looks at [validation_batch_limit]"
    )

    @field_validator("optimizer", "scheduler")
    @classmethod
    def _known(cls, named: str | None, info: ValidationInfo) -> str | None:
        if named is not None:
            known = OPTIMIZERS if info.field_name == "optimizer" else SCHEDULERS
            try:
                read_call(named, known, str(info.field_name))
            except TomoscribeError as error:
                raise ValueError(str(error)) from error
        return named

    @model_validator(mode="after")
    def _levels_told_once(self) -> VoxelSettings:
        # Of a file's network options are the user's own.
        if self.net != "file" and "levels" in self.net_options:
            raise ValueError(
                "voxels.net_options has levels, by which windows are cut, too: set voxels.levels."
            )
        return self

    @model_validator(mode="after")
    def _deep_enough(self) -> VoxelSettings:
        if self.dimension in ("2d", "2.5d") and self.window_zyx and self.window_zyx[0] > 1:
            z, y, x = self.window_zyx
            raise ValueError(
                f"A network of dimension {self.dimension} learns section by section, and the "
                f"window voxels.window_zyx={z},{y},{x} has {z}: make it 1,{y},{x}, or take 3d."
            )
        return self
