"""The keys of a training configuration of the CellMap toolbox, with its documented defaults."""

from __future__ import annotations

import difflib
import math
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from tomoscribe.errors import TomoscribeError

if TYPE_CHECKING:
    from collections.abc import Mapping

Triple = tuple[float, float, float]

MODELS = {
    "2d_unet": ("unet", "2d"),
    "3d_unet": ("unet", "3d"),
    "2d_resnet": ("resnet", "2d"),
    "3d_resnet": ("resnet", "3d"),
    "vitnet": ("vit", "3d"),
}
"""Networks by the toolbox's name: ours, and its dimension."""

FROM_FILE = "file"
"""The network is what a trusted file builds."""

UNUSED = {
    "dataloader_kwargs": "windows are drawn without workers",
    "smoothing_window": "the best checkpoint is that of the highest score",
    "random_validation": "every validation looks at the same boxes, so that scores compare",
    "debug_memory": "the memory is shown with the run",
    "torch_compile": "it does not pay here",
}
"""Keys of the toolbox that have no effect here, and what happens instead."""

CALLS = ("optimizer", "scheduler", "criterion")
"""Keys whose value is a name of torch with its arguments."""
TRANSFORMS = (
    "train_raw_value_transforms",
    "val_raw_value_transforms",
    "target_value_transforms",
)
"""Keys whose values are such names, one after the other."""


def _three(of: str) -> BeforeValidator:
    """Say what is wrong in words of the key; pydantic tells of a field that is missing."""

    def checked(value: object) -> object:
        if not isinstance(value, (list, tuple)) or len(value) != 3:
            raise ValueError(f"= {value!r} cannot be: give three numbers of {of}, z, y, x")
        if any(isinstance(v, (int, float)) and not 0 < v < math.inf for v in value):
            raise ValueError(f"= {value!r} cannot be: numbers of {of} are above 0")
        return value

    return BeforeValidator(checked)


class ArrayInfo(BaseModel):
    """Voxels of a window and their edges in nm, axes z y x."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    shape: Annotated[tuple[int, int, int], _three("voxels")] = (1, 128, 128)
    scale: Annotated[Triple, _three("nm")] = (8.0, 8.0, 8.0)


class CellMapConfig(BaseModel):
    """The keys, each with the default that the toolbox documents."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())

    base_experiment_path: str | None = Field(
        None, description="folder that relative paths count from; default that of the file"
    )
    model_save_path: str = Field(
        "checkpoints/{model_name}_{epoch}.pth",
        description="copy of the best checkpoint when a training ends",
    )
    logs_save_path: str = Field("tensorboard/{model_name}", description="folder for TensorBoard")
    datasplit_path: str = Field("datasplit.csv", description="the datasplit; made if missing")
    validation_prob: float = Field(
        0.3, ge=0, lt=1, description="chance of a crop to validate, where the datasplit is made"
    )
    force_all_classes: Literal[False, True, "train", "validate"] = Field(
        "validate", description="where crops go that lack a class, where the datasplit is made"
    )
    filter_by_scale: bool | float | Triple = Field(
        False, description="only crops as fine as this in nm, or as the input where True"
    )
    learning_rate: float = Field(1e-4, gt=0, description="peak learning rate")
    batch_size: int = Field(8, gt=0, description="windows a step")
    input_array_info: ArrayInfo = Field(
        default_factory=ArrayInfo, description="voxels of a window and their edges in nm"
    )
    target_array_info: ArrayInfo | None = Field(None, description="default as the input")
    epochs: int = Field(1000, gt=0, description="epochs in all, resumed ones included")
    iterations_per_epoch: int = Field(1000, gt=0, description="batches of an epoch")
    random_seed: int = Field(42, description="random seed")
    classes: tuple[str, ...] = Field(("nuc", "er"), min_length=1, description="classes to learn")
    model_name: str = Field("2d_unet", description=", ".join(MODELS))
    model_to_load: str | None = Field(None, description="whose checkpoints are loaded")
    model_kwargs: dict[str, Any] = Field(default_factory=dict, description="of the network")
    model: str | None = Field(None, description="a network that the file builds")
    load_model: Literal["latest", "best"] = Field(
        "latest", description="checkpoint that the training goes on from, if there is one"
    )
    low_is_best: bool = Field(
        True, description="whether a low score of the toolbox's own trainings is the best"
    )
    spatial_transforms: dict[str, Any] | None = Field(
        default_factory=lambda: {
            "mirror": {"axes": {"x": 0.5, "y": 0.5}},
            "transpose": {"axes": ["x", "y"]},
            "rotate": {"axes": {"x": [-180, 180], "y": [-180, 180]}},
        },
        description="flips and turns; none: {}",
    )
    validation_time_limit: float | None = Field(None, gt=0, description="seconds of a validation")
    validation_batch_limit: int | None = Field(None, gt=0, description="batches of a validation")
    device: str | None = Field(None, description="cuda, mps or cpu; default the best there is")
    use_s3: bool = Field(False, description="the datasplit is made from the public bucket")
    weight_loss: bool = Field(True, description="rare classes weigh more")
    weighted_sampler: bool = Field(True, description="all classes are shown alike")
    max_grad_norm: float | None = Field(None, gt=0, description="largest norm of the gradients")
    gradient_accumulation_steps: int = Field(
        1, gt=0, description="batches whose gradients make one step of the optimizer"
    )
    optimizer: str | None = Field(None, description="a name of torch.optim, with arguments")
    scheduler: str | None = Field(
        None, description="a name of torch.optim.lr_scheduler; it makes a step an epoch"
    )
    scheduler_kwargs: dict[str, Any] = Field(default_factory=dict, description="its arguments")
    criterion: str | None = Field(None, description="a loss of torch, with arguments")
    criterion_kwargs: dict[str, Any] = Field(default_factory=dict, description="its arguments")
    use_mutual_exclusion: bool = Field(False, description="a voxel is of one class at most")
    train_raw_value_transforms: list[str] | None = Field(
        None, description="how images for training are varied"
    )
    val_raw_value_transforms: list[str] | None = Field(
        None, description="how images for validation are changed"
    )
    target_value_transforms: list[str] | None = Field(None, description="how labels are changed")

    @field_validator("classes", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        if isinstance(value, str):
            raise ValueError(f"= {value!r} is one name: give a list of names, as in [{value!r}]")
        return value

    @field_validator("filter_by_scale", mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        return False if value is None else value

    @field_validator("scheduler_kwargs", "criterion_kwargs", "model_kwargs", mode="before")
    @classmethod
    def _none_is_empty(cls, value: object) -> object:
        return {} if value is None else value

    @field_validator("input_array_info", "target_array_info", mode="before")
    @classmethod
    def _one_array(cls, value: object) -> object:
        """Take the one array that is given under a name; several must be of one grid."""
        if not isinstance(value, dict) or value.keys() & {"shape", "scale"} or not value:
            return value
        first, *others = value.values()
        if any(ArrayInfo.model_validate(v) != ArrayInfo.model_validate(first) for v in others):
            raise ValueError(
                f"names the arrays {', '.join(map(str, value))} of different shape or scale, and a "
                "network here has one: give that one"
            )
        return first

    @property
    def max_steps(self) -> int:
        """Steps of all epochs."""
        return self.epochs * self.iterations_per_epoch


KEYS = {*CellMapConfig.model_fields, *UNUSED}
"""All keys that a file may hold."""


def checked(values: Mapping[str, object], place: str, *, strict: bool) -> CellMapConfig:
    """Return a configuration from values by key.

    Parameters
    ----------
    values : mapping
        As a file gives them; keys without effect must be taken out before.
    place : str
        The file, for sentences.
    strict : bool
        An unknown key is an error even if it resembles none; Python files may hold other names.

    Raises
    ------
    TomoscribeError
        If a key is unknown, or a value does not fit.
    """
    known = list(CellMapConfig.model_fields)
    for key in values:
        near = difflib.get_close_matches(key, [*known, *UNUSED], 1, cutoff=0.8)
        if key not in known and (strict or near):
            meant = f": '{near[0]}' is meant?" if near else f"; there are: {', '.join(known)}."
            raise TomoscribeError(f"{place} has the key '{key}', which there is not{meant}")
    try:
        return CellMapConfig.model_validate({k: v for k, v in values.items() if k in known})
    except ValidationError as error:
        raise TomoscribeError(f"{place}: {_told(error)}.") from error


def _told(error: ValidationError) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"] if isinstance(part, str))
    if first["type"] == "value_error":
        return f"{name} {first['ctx']['error']}"
    about = CellMapConfig.model_fields[name.partition(".")[0]].description
    return f"{name} = {first['input']!r} cannot be: {first['msg']} ({about})"
