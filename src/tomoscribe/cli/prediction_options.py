"""Options of predicted segmentations: one for each field of `PredictionSettings`, in its words."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from tomoscribe.errors import TomoscribeError
from tomoscribe.prediction.settings import PredictionSettings


class Merge(StrEnum):
    """What becomes of several views."""

    mean = "mean"
    min = "min"
    max = "max"


def _option(name: str, *names: str, **more: Any) -> Any:
    field = PredictionSettings.model_fields[name]
    told = field.description or ""
    default = field.default
    if isinstance(default, tuple):
        default = ",".join(map(str, default))
    return typer.Option(
        *names,
        help=f"{told[0].upper()}{told[1:]}.",
        show_default=False if default is None else str(default),
        rich_help_panel="Segmentations",
        **more,
    )


Window = Annotated[str | None, _option("window_zyx", "--window", metavar="Z,Y,X")]
Stride = Annotated[str | None, _option("stride_zyx", "--stride", metavar="Z,Y,X")]
Pad = Annotated[str | None, _option("pad_zyx", "--pad", metavar="Z,Y,X")]
Views = Annotated[int | None, _option("views", "--views", metavar="1|4|8|16")]
MergeViews = Annotated[Merge | None, _option("merge", "--merge")]
Batch = Annotated[int | None, _option("batch", "--batch")]
DecodeVoxels = Annotated[int | None, _option("decode_voxels", "--decode-voxels")]
Decode = Annotated[
    bool,
    typer.Option(
        help="Write the labels that the maps become, too.", rich_help_panel="Segmentations"
    ),
]


def settings_of(**given: Any) -> PredictionSettings:
    """Return settings of options that are not None; triples come as `Z,Y,X`.

    Raises
    ------
    TomoscribeError
        If one does not fit.
    """
    values = {
        name: parse_voxels(value, name) if name.endswith("_zyx") else value
        for name, value in given.items()
        if value is not None
    }
    try:
        return PredictionSettings(**values)
    except ValidationError as error:
        told = error.errors()[0]
        where = "".join(f"--{name} " for name in told["loc"]).replace("_zyx", "").replace("_", "-")
        said = told["msg"].removeprefix("Value error, ")
        raise TomoscribeError(f"{where}{said[0].lower()}{said[1:]}.") from error


def parse_voxels(text: str, name: str) -> tuple[int, int, int]:
    """Return three numbers of voxels of `Z,Y,X`.

    Raises
    ------
    TomoscribeError
        If it is anything else.
    """
    try:
        z, y, x = (int(part) for part in text.split(","))
    except ValueError as error:
        option = name.removesuffix("_zyx").replace("_", "-")
        raise TomoscribeError(
            f"--{option} {text}: give whole voxels as Z,Y,X, for example 1,128,128."
        ) from error
    return z, y, x
