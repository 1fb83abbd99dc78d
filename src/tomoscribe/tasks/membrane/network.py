"""The network of the own architecture: depth profiles of a chart's pixels to one logit map a class.

Depths are channels; 3x3 convolutions with growing holes see the neighbourhood along the surface.
Batch normalisation, because with fixed statistics a prediction does not depend on a chart's rim.
"""

from __future__ import annotations

import math

from torch import Tensor, nn

_HOLES = (1, 2, 3, 1)
"""Of the residual blocks: together they reach 7 pixels to each side."""


class Residual(nn.Module):
    """A residual block: 3x3 convolution with holes, then 1x1."""

    def __init__(self, width: int, hole: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.BatchNorm2d(width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=hole, dilation=hole, bias=False),
            nn.BatchNorm2d(width),
            nn.SiLU(),
            nn.Conv2d(width, width, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the features (B, width, P, P) with what the block adds."""
        result: Tensor = x + self.body(x)
        return result


class ChartNet(nn.Module):
    """Scores the pixels of charts.

    Parameters
    ----------
    depths : int
        Samples along the normal, the input's channels.
    classes : int
        Output maps.
    width : int
        Channels inside.
    dropout : float
        Share of the channels dropped before the head while training.
    prior : float
        Expected share of particle centres; sets the bias of the output.
    """

    def __init__(
        self, depths: int, classes: int, width: int, *, dropout: float = 0.0, prior: float = 0.01
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(depths, width, 3, padding=1)
        self.blocks = nn.Sequential(*(Residual(width, hole) for hole in _HOLES))
        last = nn.Conv2d(width, classes, 1)
        self.head = nn.Sequential(nn.BatchNorm2d(width), nn.SiLU(), nn.Dropout2d(dropout), last)
        nn.init.normal_(last.weight, std=0.01)
        assert last.bias is not None
        nn.init.constant_(last.bias, math.log(prior / (1 - prior)))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (B, classes, P, P) of profiles (B, depths, P, P)."""
        logits: Tensor = self.head(self.blocks(self.stem(x)))
        return logits
