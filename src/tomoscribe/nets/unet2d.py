"""A small 2D U-Net for sections: what fills a slice within seconds of training on a CPU."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class DoubleConv2d(nn.Sequential):
    """Two 3x3 convolutions, each with normalisation and ReLU, same size."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        for channels in (inputs, outputs):
            self.append(nn.Conv2d(channels, outputs, 3, padding=1, bias=False))
            self.append(nn.BatchNorm2d(outputs, momentum=0.1))
            self.append(nn.ReLU(inplace=True))


class UNet2d(nn.Module):
    """U-Net of `levels` resolutions, `width * 2**level` channels; skips are added.

    Parameters
    ----------
    inputs, outputs : int
        Channels in, and logits out.
    width : int
        Channels of the first level.
    levels : int
        Resolutions; each halves the one above.
    prior : float
        Expected share of a class; sets the bias of the output.
    """

    def __init__(
        self, inputs: int, outputs: int, *, width: int = 16, levels: int = 5, prior: float = 0.1
    ) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(levels)]
        pairs = list(itertools.pairwise(widths))
        self.multiple_zyx = (1, 2 ** (levels - 1), 2 ** (levels - 1))
        self.first = DoubleConv2d(inputs, width)
        self.shrink = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairs)
        self.down = nn.ModuleList(DoubleConv2d(b, b) for _, b in pairs)
        self.widen = nn.ModuleList(nn.Conv2d(b, a, 1) for a, b in reversed(pairs))
        self.up = nn.ModuleList(DoubleConv2d(a, a) for a, _ in reversed(pairs))
        self.head = nn.Conv2d(width, outputs, 1)
        assert self.head.bias is not None
        nn.init.constant_(self.head.bias, math.log(prior / (1 - prior)))

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (B, output, y, x) of `images` (B, input, y, x)."""
        features = self.first(images)
        skips = []
        for shrink, block in zip(self.shrink, self.down, strict=True):
            skips.append(features)
            features = block(shrink(features))
        for widen, block in zip(self.widen, self.up, strict=True):
            grown = functional.interpolate(widen(features), scale_factor=2, mode="nearest")
            features = block(grown + skips.pop())
        # The last product in float32: bfloat16 logits would tie.
        with torch.autocast(images.device.type, enabled=False):
            logits: Tensor = self.head(features.float())
        return logits
