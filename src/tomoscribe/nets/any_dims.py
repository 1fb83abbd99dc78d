"""Layers of networks that are the same for sections and for volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Sequence

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
