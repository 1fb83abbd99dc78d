"""What the user may set of the prediction of a segmentation; no torch.

One model for the command line, scripts and the documentation. AutoSeg's names stand in brackets.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

Triple = tuple[int, int, int]


class PredictionSettings(BaseModel):
    """What the user may set; `None` means what suits the checkpoint and the device.

    Whether the network sees sections or boxes is no setting: the checkpoint tells it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    window_zyx: Triple | None = Field(
        None,
        description="voxels of the image that the network sees at once, z y x "
        "[window size of inference]; default: 512 a side of a section, 96 of a box, with a halo "
        "around that is computed and not kept",
    )
    stride_zyx: Triple | None = Field(
        None,
        description="voxels from a window to the next, z y x [Stride]; overlapping windows are "
        "averaged, their middles count most; default: windows side by side, each with its halo",
    )
    pad_zyx: Triple = Field(
        (0, 0, 0),
        description="voxels that windows may reach beyond the image, whose edge repeats there "
        "[Pad Size]",
    )
    views: Literal[1, 4, 8, 16] = Field(
        1,
        description="predictions that are put together, of turned images [Aug Num]: 1 as it is, "
        "4 flipped along y and x, 8 and with y and x swapped, 16 and flipped along z",
    )
    merge: Literal["mean", "min", "max"] = Field(
        "mean", description="what becomes of the scores of several views [Aug Mode]"
    )
    batch: int | None = Field(
        None,
        gt=0,
        description="windows at once [Samples Per Batch]; default 1, and on a GPU 16 of "
        "sections or 4 of boxes",
    )
    decode_voxels: int = Field(
        200_000_000,
        gt=0,
        description="larger images are decoded block by block, so that memory is bounded",
    )

    @model_validator(mode="after")
    def _possible(self) -> PredictionSettings:
        for name, least in (("window_zyx", 1), ("stride_zyx", 1), ("pad_zyx", 0)):
            triple = getattr(self, name)
            if triple is not None and min(triple) < least:
                raise ValueError(f"{name} must be {least} or more along each axis")
        if self.window_zyx and self.stride_zyx:
            pairs = zip(self.stride_zyx, self.window_zyx, strict=True)
            if any(stride > window for stride, window in pairs):
                raise ValueError("the stride must not be larger than the window")
        return self
