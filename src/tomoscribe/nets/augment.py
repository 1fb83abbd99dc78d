"""Batched augmentation on the device: only what keeps the missing wedge as it is.

The wedge lies in the plane of beam (z) and tilt direction (x) and is symmetric, so that every flip,
and with it the half turn in the plane, gives a volume that could have been recorded. Other turns do not.
"""

from __future__ import annotations

import torch
from torch import Tensor


def flip_each(patches: Tensor, flips: Tensor) -> Tensor:
    """Flip each patch (B, C, z, y, x) along the axes that `flips` (B, 3) says."""
    flipped = [
        patch.flip([axis + 1 for axis in range(3) if which[axis]])
        for patch, which in zip(patches, flips.tolist(), strict=True)
    ]
    return torch.stack(flipped)


def vary_intensity(
    patches: Tensor,
    generator: torch.Generator,
    *,
    gain: float = 0.2,
    offset: float = 0.2,
    noise: float = 0.3,
) -> Tensor:
    """Change gain, offset and noise of each patch (B, 1, z, y, x), in standard deviations of the volume.

    `gain` and `offset` are half ranges, `noise` the largest standard deviation.
    """
    count, device = len(patches), patches.device
    draw = torch.rand((3, count, 1, 1, 1, 1), generator=generator).to(device)
    grain = torch.empty_like(patches)
    if device.type == "cpu":
        grain.normal_(generator=generator)
    else:
        grain.normal_()
    scaled = patches * (1 + gain * (2 * draw[0] - 1)) + offset * (2 * draw[1] - 1)
    return scaled + noise * draw[2] * grain
