"""Flips, quarter turns and changes of intensity of training windows, where they are in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

GAIN, OFFSET, NOISE = 0.25, 0.3, 0.3
"""Half ranges of factor and offset, and the largest noise, in standard deviations of the image."""


def turn(values: Tensor, quarters: int, flips: tuple[bool, bool, bool]) -> Tensor:
    """Return (..., z, y, x) values turned in the section, then flipped along z, y, x."""
    turned = torch.rot90(values, quarters, (-2, -1)) if quarters else values
    axes = tuple(axis - 3 for axis in range(3) if flips[axis])
    return torch.flip(turned, axes) if axes else turned


def vary(windows: Tensor, rng: np.random.Generator) -> Tensor:
    """Return windows (B, z, y, x) each with other contrast, brightness and grain."""
    drawn = rng.uniform([1 - GAIN, -OFFSET, 0], [1 + GAIN, OFFSET, NOISE], (len(windows), 3))
    own = torch.from_numpy(drawn.astype("float32")).to(windows.device)
    gain, offset, noise = own[..., None, None, None].unbind(1)
    # Of the device's own, from a seed: a resumed training sees the same grain.
    generator = torch.Generator(windows.device).manual_seed(int(rng.integers(2**63 - 1)))
    grain = torch.randn(windows.shape, generator=generator, device=windows.device)
    varied: Tensor = windows * gain + offset + noise * grain
    return varied
