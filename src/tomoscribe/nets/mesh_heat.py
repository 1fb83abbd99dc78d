"""A network on whole meshes from heat steps and gradients: no eigenvectors, no parts, no seams.

CPU ms of one thread for 13k / 27k vertices 22 Å apart, 16 depths in, two blocks of three widths
with gradients, forward and backward: 47 / 99 with 16 channels, 104 / 218 with 32; forward alone
19 / 43 and 40 / 90 (`benchmarks/mesh_operators.py --layers`). Of ways to reach the neighbours this
is the cheapest: a product with the heat step takes 0.2 / 0.4 ms at 16 channels, a padded gather of
the same neighbours 1.9 / 4.7, coordinate format 2.7 / 5.7, and an implicit solve of the heat
equation a hundred.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from tomoscribe.nets.diffusionnet import GradientFeatures
from tomoscribe.nets.mesh_sparse import SparseOperator

if TYPE_CHECKING:
    from tomoscribe.membranes.heat import Heat


@dataclass(frozen=True)
class HeatField:
    """Heat steps and gradients of one mesh on a device."""

    order: Tensor
    back: Tensor
    step: SparseOperator
    counts: tuple[int, ...]
    gradient_x: SparseOperator
    gradient_y: SparseOperator

    @classmethod
    def of(cls, heat: Heat, device: torch.device) -> HeatField:
        """Copy the operators of a mesh to a device."""
        back = np.empty_like(heat.order)
        back[heat.order] = np.arange(len(back))
        return cls(
            torch.from_numpy(heat.order).to(device),
            torch.from_numpy(back).to(device),
            SparseOperator.of(heat.step, device),
            heat.counts,
            SparseOperator.of(heat.gradient_x, device),
            SparseOperator.of(heat.gradient_y, device),
        )

    def diffuse(self, x: Tensor) -> list[Tensor]:
        """Return features (V, C) at each width, each made from the one before."""
        found, done = [], 0
        for count in self.counts:
            x = self.step(x, count - done)
            found.append(x)
            done = count
        return found


class HeatBlock(nn.Module):
    """Heat at a few widths, gradient features of the first, a perceptron, added to the input."""

    def __init__(self, width: int, scales: int, *, gradients: bool) -> None:
        super().__init__()
        self.gradients = GradientFeatures(width) if gradients else None
        kinds = 1 + scales + int(gradients)
        self.mlp = nn.Sequential(
            nn.Linear(kinds * width, width, bias=False),
            nn.BatchNorm1d(width),
            nn.SiLU(),
            nn.Linear(width, width),
        )

    def forward(self, x: Tensor, field: HeatField) -> Tensor:
        """Return features (V, C)."""
        features = [x, *field.diffuse(x)]
        if self.gradients is not None:
            smooth = features[1]
            features.append(self.gradients(field.gradient_x(smooth), field.gradient_y(smooth)))
        result: Tensor = x + self.mlp(torch.cat(features, dim=1))
        return result


class HeatNet(nn.Module):
    """Scores the vertices of whole meshes.

    Parameters
    ----------
    inputs : int
        Values at each vertex.
    outputs : int
        Maps, one a class.
    width, blocks : int
        Channels and blocks; what a vertex sees grows with the blocks.
    scales : int
        Widths of the heat fields that it will be given.
    gradients : bool
        Use gradient features.
    prior : float
        Expected share of particle vertices; sets the bias of the output.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int = 1,
        *,
        width: int = 16,
        blocks: int = 2,
        scales: int = 3,
        gradients: bool = True,
        prior: float = 0.01,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(inputs, width, bias=False), nn.BatchNorm1d(width))
        self.blocks = nn.ModuleList(
            HeatBlock(width, scales, gradients=gradients) for _ in range(blocks)
        )
        last = nn.Linear(width, outputs)
        self.head = nn.Sequential(nn.BatchNorm1d(width), nn.SiLU(), last)
        nn.init.normal_(last.weight, std=0.01)
        nn.init.constant_(last.bias, math.log(prior / (1 - prior)))

    def forward(self, x: Tensor, field: HeatField) -> Tensor:
        """Return logits (V, outputs) of values (V, inputs), in the mesh's own order."""
        x = self.stem(x[field.order])
        for block in self.blocks:
            x = block(x, field)
        logits: Tensor = self.head(x)[field.back]
        return logits
