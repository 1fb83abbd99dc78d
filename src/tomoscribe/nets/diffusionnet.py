"""DiffusionNet on batches of mesh parts, with all options of MemBrain-pick's network.

The network is Sharp et al., "DiffusionNet: Discretization Agnostic Learning on Surfaces" (ACM
Trans. Graph. 41, 2022); the block that also convolves along the membrane's normal is
MemBrain-pick's (Lamm et al. 2024). Here all parts of a batch go through together: spectra as one
batched product, gradients as one sparse product. Padding has no mass and no eigenvectors, so that
a part's output does not depend on what it is batched with.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tomoscribe.nets.mesh_parts import PartBatch

_LEAST_TIME = 1e-12
"""Diffusion times stay above, where the heat equation is one."""


class LearnedDiffusion(nn.Module):
    """Diffuses each channel for a time that it learns, in the eigenbasis of the Laplacian."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.time = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor, parts: PartBatch) -> Tensor:
        """Return diffused features (B, N, C)."""
        with torch.no_grad():
            # A projection, not a clamp: a time at the edge must still feel its gradient.
            self.time.clamp_(min=_LEAST_TIME)
        spectrum = parts.eigenvectors.transpose(1, 2) @ (x * parts.mass.unsqueeze(-1))
        decay = torch.exp(-parts.eigenvalues.unsqueeze(-1) * self.time)
        return parts.eigenvectors @ (decay * spectrum)


class GradientFeatures(nn.Module):
    """Products of each channel's gradient with a learned mix of all channels' gradients.

    They do not depend on the tangent frames. With rotations the mix may also turn gradients, which
    tells left from right and needs normals that all point outward.
    """

    def __init__(self, channels: int, *, rotations: bool = True) -> None:
        super().__init__()
        self.real = nn.Linear(channels, channels, bias=False)
        self.imaginary = nn.Linear(channels, channels, bias=False) if rotations else None

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        """Return features (..., C) of gradients whose components are `x` and `y` (..., C)."""
        mixed_x, mixed_y = self.real(x), self.real(y)
        if self.imaginary is not None:
            mixed_x, mixed_y = mixed_x - self.imaginary(y), mixed_y + self.imaginary(x)
        return torch.tanh(x * mixed_x + y * mixed_y)


def perceptron(sizes: Sequence[int], *, dropout: bool) -> nn.Sequential:
    """Return linear layers of these sizes with ReLU between, and dropout of a half."""
    layers = nn.Sequential()
    for number, (inputs, outputs) in enumerate(itertools.pairwise(sizes)):
        if number > 0:
            layers.append(nn.ReLU())
            if dropout:
                layers.append(nn.Dropout(0.5))
        layers.append(nn.Linear(inputs, outputs))
    return layers


class DiffusionBlock(nn.Module):
    """Diffusion, gradient features and a perceptron at each vertex, added to the input.

    Parameters
    ----------
    channels : int
        Features in and out.
    hidden : sequence of int
        Sizes of the perceptron's inner layers.
    separate : bool
        One small perceptron serves every channel on its own, instead of one that mixes them.
    """

    def __init__(
        self,
        channels: int,
        hidden: Sequence[int],
        *,
        dropout: bool = False,
        gradient_features: bool = True,
        gradient_rotations: bool = True,
        separate: bool = False,
    ) -> None:
        super().__init__()
        self.separate = separate
        self.diffusion = LearnedDiffusion(channels)
        self.gradients = (
            GradientFeatures(channels, rotations=gradient_rotations) if gradient_features else None
        )
        kinds = 3 if gradient_features else 2
        inputs, outputs = (kinds, 1) if separate else (kinds * channels, channels)
        self.mlp = perceptron([inputs, *hidden, outputs], dropout=dropout)

    def forward(self, x: Tensor, parts: PartBatch) -> Tensor:
        """Return features (B, N, C)."""
        diffused = self.diffusion(x, parts)
        features = [x, diffused]
        if self.gradients is not None:
            slopes = parts.gradient(diffused.flatten(0, 1)).view(2, *diffused.shape)
            features.append(self.gradients(slopes[0], slopes[1]))
        if self.separate:
            # The peer joins the kinds one after the other and then takes rows of as many numbers
            # as there are kinds: neighbours in depth of one kind, not the kinds of one depth.
            joined = torch.cat(features, dim=-1)
            change = self.mlp(joined.view(*x.shape, len(features))).squeeze(-1)
        else:
            change = self.mlp(torch.cat(features, dim=-1))
        result: Tensor = x + change
        return result


class _RectifiedMaximum(torch.autograd.Function):
    """ReLU, then the largest of each value and its two neighbours along the last axis.

    PyTorch's pooling remembers a 64-bit place for every value, which costs more than the
    convolutions. Of equal values the first gets the gradient, as there.
    """

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        rows = rows.clamp_min(0)
        pairs = torch.maximum(rows[..., :-1], rows[..., 1:])
        inner = torch.maximum(pairs[..., :-1], pairs[..., 1:])
        largest = torch.cat([pairs[..., :1], inner, pairs[..., -1:]], dim=-1)
        ctx.save_for_backward(rows, largest)
        return largest

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        rows, largest = ctx.saved_tensors
        nothing = gradients[0].new_zeros(())
        left = torch.where(largest > 0, gradients[0], nothing)
        result = torch.zeros_like(rows)
        # What each maximum got goes to its neighbour before, to itself or to the one after.
        for there, here in (
            ((..., slice(None, -1)), (..., slice(1, None))),
            ((...,), (...,)),
        ):
            found = torch.where(rows[there] == largest[here], left[here], nothing)
            result[there] += found
            left[here] -= found
        result[..., 1:] += left[..., :-1]
        return result


class NormalConvolution(nn.Module):
    """A separate diffusion block, then convolutions along the normal, added to the input.

    Parameters
    ----------
    depths : int
        Values along each normal.
    width : int
        Channels between the two convolutions.
    """

    def __init__(self, depths: int, width: int, hidden: Sequence[int], **options: bool) -> None:
        super().__init__()
        self.block = DiffusionBlock(depths, hidden, separate=True, **options)
        # As 2D convolutions of one image with a row a vertex: twice as fast as 1D ones of as
        # many one-row images.
        self.first = nn.Conv2d(1, width, (1, 3), padding=(0, 1))
        self.second = nn.Conv2d(width, 1, (1, 3), padding=(0, 1))

    def forward(self, x: Tensor, parts: PartBatch) -> Tensor:
        """Return profiles (B, N, D)."""
        rows = self.block(x, parts).flatten(0, 1)[None, None]
        rows = rows.contiguous(memory_format=torch.channels_last)
        for convolution in (self.first, self.second):
            rows = _RectifiedMaximum.apply(convolution(rows))  # type: ignore[no-untyped-call]
        result: Tensor = x + rows.view(x.shape)
        return result


class DiffusionNet(nn.Module):
    """DiffusionNet with MemBrain-pick's options and defaults.

    Parameters
    ----------
    inputs : int
        Values at each vertex: densities along the normal.
    outputs : int
        Maps, one a class.
    width : int
        Channels of the blocks.
    blocks : int
        Diffusion blocks.
    conv_width : int
        Channels of the convolution along the normal.
    normal_convolution : bool
        Begin with that convolution.
    dropout : bool
        Drop half of each perceptron's inner values while training.
    gradient_features, gradient_rotations : bool
        Use gradients; let them turn.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int = 1,
        *,
        width: int = 16,
        blocks: int = 4,
        conv_width: int = 16,
        normal_convolution: bool = True,
        dropout: bool = False,
        gradient_features: bool = True,
        gradient_rotations: bool = True,
    ) -> None:
        super().__init__()
        hidden = (width, width)
        options = {
            "dropout": dropout,
            "gradient_features": gradient_features,
            "gradient_rotations": gradient_rotations,
        }
        self.normal = (
            NormalConvolution(inputs, conv_width, hidden, **options) if normal_convolution else None
        )
        self.first = nn.Linear(inputs, width)
        self.blocks = nn.ModuleList(DiffusionBlock(width, hidden, **options) for _ in range(blocks))
        self.last = nn.Linear(width, outputs)

    def forward(self, x: Tensor, parts: PartBatch) -> Tensor:
        """Return maps (B, N, outputs) of features (B, N, inputs); padding holds no meaning."""
        if self.normal is not None:
            x = self.normal(x, parts)
        x = self.first(x)
        for block in self.blocks:
            x = block(x, parts)
        result: Tensor = self.last(x)
        return result
