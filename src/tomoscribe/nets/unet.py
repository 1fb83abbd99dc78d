"""A small isotropic 3D U-Net that turns a particle-scaled volume into one logit map a class.

Batch normalisation over few, large patches: with fixed statistics a prediction does not depend on
where a tile ends, which group or instance normalisation cannot promise.
"""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

_ONEDNN: bool = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]


class Conv3d(nn.Conv3d):
    """A 3D convolution that predicts with oneDNN, whatever the size of the tile.

    For a single input PyTorch decides by channels x depth x height alone, and takes its own
    convolution below 20480: on the thin slab of a slice in view that is nine times slower.
    """

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        exact = input.device.type == "cpu" and input.dtype is torch.float32
        if exact and not torch.is_grad_enabled() and _ONEDNN:
            return torch.mkldnn_convolution(
                input,
                weight,
                bias,
                self.padding,  # type: ignore[arg-type]  # never "same" here
                self.stride,
                self.dilation,
                self.groups,
            )
        result: Tensor = super()._conv_forward(input, weight, bias)
        return result


class DoubleConv(nn.Sequential):
    """Two 3x3x3 convolutions, each with normalisation and SiLU, same size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        for channels in (inputs, outputs):
            self.append(Conv3d(channels, outputs, 3, padding=1, bias=False))
            self.append(nn.BatchNorm3d(outputs, momentum=0.1))
            self.append(nn.SiLU(inplace=True))


class UNet3d(nn.Module):
    """U-Net of `levels` resolutions, `width * 2**level` channels.

    Parameters
    ----------
    classes : int
        Output maps.
    width : int
        Channels of the first level.
    levels : int
        Resolutions; each halves the one above.
    stem : {1, 2}
        2: a strided 4x4x4 convolution halves the input first, so that the map has half of its
        resolution: eight times fewer voxels to work on, at no loss of detail in the input.
    prior : float
        Expected share of particle voxels; sets the bias of the output.
    steps : sequence of (int, int, int), optional
        Voxels along z, y and x that each level takes together, `levels - 1` of them; default two
        along each. Sections that are far apart are not joined until they are as close as pixels.
    """

    def __init__(
        self,
        classes: int,
        width: int,
        *,
        levels: int = 3,
        stem: int = 2,
        prior: float = 0.01,
        steps: Sequence[tuple[int, int, int]] | None = None,
    ) -> None:
        super().__init__()
        self.stem, self.levels = stem, levels
        self.steps = tuple(steps or [(2, 2, 2)] * (levels - 1))
        self.reduce = Conv3d(1, width, 4, stride=2, padding=1) if stem == 2 else nn.Identity()
        widths = [width * 2**level for level in range(levels)]
        pairs = list(itertools.pairwise(widths))
        self.first = DoubleConv(width if stem == 2 else 1, width)
        self.shrink = nn.ModuleList(
            Conv3d(a, b, step, stride=step) for (a, b), step in zip(pairs, self.steps, strict=True)
        )
        self.down = nn.ModuleList(DoubleConv(b, b) for _, b in pairs)
        self.widen = nn.ModuleList(Conv3d(b, a, 1) for a, b in reversed(pairs))
        self.up = nn.ModuleList(DoubleConv(a, a) for a, _ in reversed(pairs))
        self.head = Conv3d(width, classes, 1)
        nn.init.normal_(self.head.weight, std=0.01)
        nn.init.constant_(self.head.bias, math.log(prior / (1 - prior)))  # type: ignore[arg-type]

    @property
    def multiple(self) -> int:
        """Voxels of the input along every axis must be a multiple of this."""
        return self.stem * int(2 ** (self.levels - 1))

    @property
    def multiple_zyx(self) -> tuple[int, int, int]:
        """Voxels of the input along z, y and x must be multiples of these."""
        z, y, x = (self.stem * math.prod(step[axis] for step in self.steps) for axis in range(3))
        return z, y, x

    @property
    def reach(self) -> int:
        """Return how far an output voxel sees, in output voxels: the halo of an exact tile."""
        per_side = 0
        for level in range(self.levels):
            passes = 1 if level == self.levels - 1 else 2
            per_side += passes * 2 * 2**level + 2 ** (level + 1)
        step = int(2 ** (self.levels - 1))
        return -(-per_side // step) * step

    def forward(self, volume: Tensor) -> Tensor:
        """Return logits (B, class, z, y, x) of `volume` (B, 1, z, y, x)."""
        features = self.first(self.reduce(volume))
        skips = []
        for shrink, block in zip(self.shrink, self.down, strict=True):
            skips.append(features)
            features = block(shrink(features))
        for widen, block, step in zip(self.widen, self.up, reversed(self.steps), strict=True):
            grown = functional.interpolate(
                widen(features), scale_factor=tuple(float(n) for n in step), mode="nearest"
            )
            features = block(grown + skips.pop())
        # The last product in float32: bfloat16 logits would tie peaks.
        with torch.autocast(volume.device.type, enabled=False):
            logits: Tensor = self.head(features.float())
        return logits

    def place(self, device: torch.device) -> UNet3d:
        """Move to a device, with channels last in memory, which is faster everywhere."""
        self.to(device)
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
        return self

    def to_bfloat16(self) -> UNet3d:
        """Convert all but the head, in place, for prediction in bfloat16."""
        for name, child in self.named_children():
            if name != "head":
                child.bfloat16()
        return self
