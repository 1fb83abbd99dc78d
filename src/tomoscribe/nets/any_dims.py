"""Layers of networks that are the same for sections and for volumes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

Triple = tuple[int, int, int]


def conv(dims: int, inputs: int, outputs: int, size: int, **options: Any) -> Any:
    """Return a convolution of 2 or 3 axes."""
    return (nn.Conv2d if dims == 2 else nn.Conv3d)(inputs, outputs, size, **options)


def norm(dims: int, channels: int) -> nn.Module:
    """Return a batch normalisation of 2 or 3 axes."""
    return (nn.BatchNorm2d if dims == 2 else nn.BatchNorm3d)(channels, momentum=0.1)


def steps_of(dims: int, steps: Sequence[Triple], count: int) -> list[tuple[int, ...]]:
    """Return what each of `count` halvings takes together, by the axes that there are."""
    triples = [*steps[:count], *[(2, 2, 2)] * (count - len(steps[:count]))]
    return [tuple(int(n) for n in triple[3 - dims :]) for triple in triples]


def multiple_of(dims: int, strides: Sequence[tuple[int, ...]]) -> Triple:
    """Return what the input along z, y, x must be multiples of, for strides by axis."""
    *z, y, x = (math.prod(stride[axis] for stride in strides) for axis in range(dims))
    return (z[0] if z else 1, y, x)


class Head(nn.Module):
    """The last layer: logits of each voxel, that begin near the expected share of a class.

    Parameters
    ----------
    dims : {2, 3}
        Sections or volumes.
    inputs, outputs : int
        Channels in, and logits out.
    prior : float
        Expected share of a class; sets the bias.
    """

    def __init__(self, dims: int, inputs: int, outputs: int, prior: float) -> None:
        super().__init__()
        self.last = conv(dims, inputs, outputs, 1)
        nn.init.normal_(self.last.weight, std=0.01)
        nn.init.constant_(self.last.bias, math.log(prior / (1 - prior)))

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits in float32: in bfloat16 they would tie."""
        with torch.autocast(features.device.type, enabled=False):
            logits: Tensor = self.last(features.float())
        return logits
