"""A residual network in the manner of image-to-image generators, for sections or volumes.

Down twice, residual blocks there, up again, without skips: Johnson et al. 2016, "Perceptual losses
for real-time style transfer". Batch normalisation, so that a prediction does not depend on where
a tile ends.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional

from tomoscribe.nets.any_dims import Head, conv, multiple_of, norm, steps_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomoscribe.nets.any_dims import Triple


class _Block(nn.Module):
    """Two convolutions of which the input is a part."""

    def __init__(self, dims: int, channels: int, dropout: float) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv(dims, channels, channels, 3, padding=1, bias=False),
            norm(dims, channels),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            conv(dims, channels, channels, 3, padding=1, bias=False),
            norm(dims, channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        result: Tensor = features + self.body(features)
        return result


class ResNet(nn.Module):
    """Logits (B, output, ...) of images (B, input, ...), `dims` axes of space.

    Parameters
    ----------
    dims : {2, 3}
        Sections or volumes.
    inputs, outputs : int
        Channels in, and logits out.
    width : int
        Channels at full resolution [ngf].
    blocks : int
        Residual blocks [n_blocks].
    downsamplings : int
        How often the resolution is halved before them [n_downsampling].
    dropout : float
        Share of channels that a step leaves out in a block [use_dropout: 0.5].
    levels : int
        Of other networks; has no effect.
    steps : sequence of (int, int, int)
        Voxels along z, y, x that each halving takes together; default all 2.
    prior : float
        Expected share of a class; sets the bias of the output.
    """

    def __init__(
        self,
        dims: int,
        inputs: int,
        outputs: int,
        *,
        width: int = 64,
        blocks: int = 6,
        downsamplings: int = 2,
        dropout: float = 0.0,
        levels: int = 0,
        steps: Sequence[Triple] = (),
        prior: float = 0.1,
    ) -> None:
        super().__init__()
        strides = steps_of(dims, steps, downsamplings)
        self.multiple_zyx = multiple_of(dims, strides)
        share = 0.5 if dropout is True else float(dropout)
        widths = [width * 2**level for level in range(downsamplings + 1)]
        pairs = list(itertools.pairwise(widths))
        self.first = _layer(dims, inputs, width, 7)
        self.down = nn.ModuleList(
            nn.Sequential(
                conv(dims, a, b, 3, stride=stride, padding=1, bias=False),
                norm(dims, b),
                nn.ReLU(inplace=True),
            )
            for (a, b), stride in zip(pairs, strides, strict=True)
        )
        self.blocks = nn.Sequential(*(_Block(dims, widths[-1], share) for _ in range(blocks)))
        self.up = nn.ModuleList(_layer(dims, b, a, 3) for a, b in reversed(pairs))
        self.head = Head(dims, width, outputs, prior)
        self._strides = [tuple(float(n) for n in stride) for stride in reversed(strides)]

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of each voxel."""
        features = self.first(images)
        for layer in self.down:
            features = layer(features)
        features = self.blocks(features)
        for layer, stride in zip(self.up, self._strides, strict=True):
            features = layer(functional.interpolate(features, scale_factor=stride, mode="nearest"))
        logits: Tensor = self.head(features)
        return logits


def _layer(dims: int, inputs: int, outputs: int, size: int) -> nn.Sequential:
    return nn.Sequential(
        conv(dims, inputs, outputs, size, padding=size // 2, bias=False),
        norm(dims, outputs),
        nn.ReLU(inplace=True),
    )
