"""A U-Net with a transformer at its coarsest level, for windows of any size.

After Chen et al. 2021, "ViT-V-Net: vision transformer for unsupervised volumetric medical image
registration". Places are told by a convolution of each channel (Chu et al. 2021, "Conditional
positional encodings") instead of a table, which would fit one window only.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from tomoscribe.errors import TomoscribeError
from tomoscribe.nets.any_dims import Head, conv, multiple_of, norm, steps_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomoscribe.nets.any_dims import Triple


class _Attention(nn.Module):
    """One layer of a transformer, normalised before each part."""

    def __init__(self, channels: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.before = nn.LayerNorm(channels)
        self.mix = nn.Linear(channels, 3 * channels)
        self.join = nn.Linear(channels, channels)
        self.think = nn.Sequential(
            nn.LayerNorm(channels),
            nn.Linear(channels, 4 * channels),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(4 * channels, channels),
        )

    def forward(self, tokens: Tensor) -> Tensor:
        batch, count, channels = tokens.shape
        mixed = self.mix(self.before(tokens)).view(batch, count, 3, self.heads, -1)
        query, key, value = mixed.permute(2, 0, 3, 1, 4)
        share = self.dropout if self.training else 0.0
        seen = functional.scaled_dot_product_attention(query, key, value, dropout_p=share)
        tokens = tokens + self.join(seen.transpose(1, 2).reshape(batch, count, channels))
        result: Tensor = tokens + self.think(tokens)
        return result


class ViTNet(nn.Module):
    """Logits (B, output, ...) of images (B, input, ...), `dims` axes of space.

    Parameters
    ----------
    dims : {2, 3}
        Sections or volumes.
    inputs, outputs : int
        Channels in, and logits out.
    width : int
        Channels at full resolution; each level doubles them.
    levels : int
        Resolutions; the transformer works at the coarsest.
    steps : sequence of (int, int, int)
        Voxels along z, y, x that each level takes together; default all 2.
    layers, heads : int
        Of the transformer.
    dropout : float
        In the transformer.
    prior : float
        Expected share of a class; sets the bias of the output.

    Raises
    ------
    TomoscribeError
        If the channels of the coarsest level cannot be shared among the heads.
    """

    def __init__(
        self,
        dims: int,
        inputs: int,
        outputs: int,
        *,
        width: int = 16,
        levels: int = 4,
        steps: Sequence[Triple] = (),
        layers: int = 4,
        heads: int = 4,
        dropout: float = 0.0,
        prior: float = 0.1,
    ) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(levels)]
        if widths[-1] % heads:
            raise TomoscribeError(
                f"The {widths[-1]} channels of the network 'vit' cannot be shared among {heads} "
                "heads: choose heads that divide them."
            )
        strides = steps_of(dims, steps, levels - 1)
        self.multiple_zyx = multiple_of(dims, strides)
        self._strides = [tuple(float(n) for n in stride) for stride in reversed(strides)]
        pairs = list(itertools.pairwise(widths))
        self.first = _double(dims, inputs, width)
        self.shrink = nn.ModuleList(
            _strided(dims, a, b, stride) for (a, b), stride in zip(pairs, strides, strict=True)
        )
        self.down = nn.ModuleList(_double(dims, b, b) for _, b in pairs)
        self.place_of = conv(dims, widths[-1], widths[-1], 3, padding=1, groups=widths[-1])
        self.layers = nn.Sequential(
            *(_Attention(widths[-1], heads, dropout) for _ in range(layers))
        )
        self.after = nn.LayerNorm(widths[-1])
        self.widen = nn.ModuleList(conv(dims, b, a, 1) for a, b in reversed(pairs))
        self.up = nn.ModuleList(_double(dims, 2 * a, a) for a, _ in reversed(pairs))
        self.head = Head(dims, width, outputs, prior)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of each voxel."""
        features = self.first(images)
        skips = []
        for shrink, block in zip(self.shrink, self.down, strict=True):
            skips.append(features)
            features = block(shrink(features))
        features = features + self.place_of(features)
        tokens = self.after(self.layers(features.flatten(2).transpose(1, 2)))
        features = tokens.transpose(1, 2).reshape(features.shape)
        for widen, block, stride in zip(self.widen, self.up, self._strides, strict=True):
            grown = functional.interpolate(widen(features), scale_factor=stride, mode="nearest")
            features = block(torch.cat([skips.pop(), grown], 1))
        logits: Tensor = self.head(features)
        return logits


def _double(dims: int, inputs: int, outputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for channels in (inputs, outputs):
        layers += [
            conv(dims, channels, outputs, 3, padding=1, bias=False),
            norm(dims, outputs),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers)


def _strided(dims: int, inputs: int, outputs: int, stride: tuple[int, ...]) -> nn.Module:
    layer: nn.Module = conv(dims, inputs, outputs, stride, stride=stride)  # type: ignore[arg-type]
    return layer
